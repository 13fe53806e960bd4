import { AwsError } from '../../platform/errors.ts'
import { queryApi, type QueryOperation } from '../../platform/query-api.ts'
import type { ApiHandler, Authorization } from '../../platform/types.ts'
import type { Publication, Subscription, Topic } from './topic.ts'

export interface SnsApiOptions {
  readonly authorization: Authorization
  readonly find: (arn: string) => Topic
  readonly all: () => readonly Topic[]
  /** Returns the message id. */
  publish(
    arn: string,
    message: Pick<Publication, 'body' | 'subject' | 'attributes'>,
  ): Promise<string>
}

/** The SNS API (query protocol), the operations to publish and to look around. */
export function snsApi(options: SnsApiOptions): ApiHandler {
  const { authorization, find, all } = options
  const operations: Record<string, QueryOperation> = {
    async Publish(form, request) {
      const arn = form.get('TopicArn') ?? form.get('TargetArn')
      if (arn === null) {
        throw new AwsError(
          'InvalidParameter',
          'Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter',
        )
      }
      authorization.check(request.principal, 'sns:Publish', arn)
      const body = form.get('Message') ?? ''
      if (body === '') throw new AwsError('InvalidParameter', 'Invalid parameter: Empty message')
      const subject = form.get('Subject') ?? undefined
      return {
        MessageId: await options.publish(arn, { body, subject, attributes: attributesOf(form) }),
      }
    },
    ListTopics(_, request) {
      authorization.check(request.principal, 'sns:ListTopics', '*')
      return { Topics: all().map((topic) => ({ TopicArn: topic.arn })) }
    },
    ListSubscriptions(_, request) {
      authorization.check(request.principal, 'sns:ListSubscriptions', '*')
      return { Subscriptions: all().flatMap(subscriptionsOf) }
    },
    ListSubscriptionsByTopic(form, request) {
      const topic = find(form.get('TopicArn') ?? '')
      authorization.check(request.principal, 'sns:ListSubscriptionsByTopic', topic.arn)
      return { Subscriptions: subscriptionsOf(topic) }
    },
    GetTopicAttributes(form, request) {
      const topic = find(form.get('TopicArn') ?? '')
      authorization.check(request.principal, 'sns:GetTopicAttributes', topic.arn)
      return { Attributes: new Map(Object.entries(topicAttributes(topic))) }
    },
  }
  return queryApi(['sns'], 'http://sns.amazonaws.com/doc/2010-03-31/', operations)
}

function subscriptionsOf(topic: Topic): readonly Record<string, string>[] {
  return [...topic.subscriptions.values()].map((subscription: Subscription) => ({
    SubscriptionArn: subscription.arn,
    Owner: topic.arn.split(':')[4] ?? '',
    Protocol: subscription.protocol,
    Endpoint: subscription.endpoint,
    TopicArn: topic.arn,
  }))
}

function topicAttributes(topic: Topic): Record<string, string> {
  return {
    TopicArn: topic.arn,
    DisplayName: topic.displayName ?? '',
    Owner: topic.arn.split(':')[4] ?? '',
    SubscriptionsConfirmed: String(topic.subscriptions.size),
    SubscriptionsPending: '0',
    SubscriptionsDeleted: '0',
    ...(topic.policy === undefined ? {} : { Policy: topic.policy }),
  }
}

/** `MessageAttributes.entry.N.Name`, `.Value.DataType`, `.Value.StringValue` or `.Value.BinaryValue`. */
function attributesOf(form: URLSearchParams): Publication['attributes'] {
  const attributes: Record<string, { Type: string; Value: string }> = {}
  for (let n = 1; ; n++) {
    const entry = `MessageAttributes.entry.${n}`
    const name = form.get(`${entry}.Name`)
    if (name === null) return attributes
    attributes[name] = {
      Type: form.get(`${entry}.Value.DataType`) ?? 'String',
      Value: form.get(`${entry}.Value.StringValue`) ?? form.get(`${entry}.Value.BinaryValue`) ?? '',
    }
  }
}
