import { Stack } from 'aws-cdk-lib'
import { Effect, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'
import type { Construct } from 'constructs'

/**
 * A topic that alarms of this account publish to. A policy of its own replaces the one that SNS gives a topic by default, and with it the right of
 * the account's alarms to publish; `enforceSSL` alone leaves a topic that refuses every alarm (re:Post "CloudWatch receive SNS for alarm trigger").
 */
export function alarmTopic(owner: Construct, name: string, email?: string): Topic {
  const { account, region, partition } = Stack.of(owner)
  const topic = new Topic(owner, name, {
    displayName: `Gaugeline ${name.toLowerCase()}`,
    enforceSSL: true,
  })
  topic.addToResourcePolicy(
    new PolicyStatement({
      sid: 'AlarmsOfThisAccount',
      effect: Effect.ALLOW,
      principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
      actions: ['sns:Publish'],
      resources: [topic.topicArn],
      conditions: {
        StringEquals: { 'aws:SourceAccount': account },
        ArnLike: { 'aws:SourceArn': `arn:${partition}:cloudwatch:${region}:${account}:alarm:*` },
      },
    }),
  )
  if (email !== undefined) topic.addSubscription(new EmailSubscription(email))
  return topic
}
