import { StartError } from '../../platform/errors.ts'
import { propertiesOf, type Fields } from '../../platform/fields.ts'
import { physicalName, stableId } from '../../platform/naming.ts'
import type {
  Account,
  CreatedResource,
  PropertySpec,
  ResolvedResource,
  ResourceProvider,
} from '../../platform/types.ts'
import type { Subscription, Topic } from './topic.ts'

export interface TopicTable {
  open(name: string): Topic
  remove(arn: string): void
  readonly find: (arn: string) => Topic
}

/** `AWS::SNS::Topic` (CFN-20). Ref = topic ARN; GetAtt TopicName, TopicArn. */
export function topicProvider(account: Account, topics: TopicTable): ResourceProvider {
  const nameOf = (resource: ResolvedResource): string =>
    propertiesOf(resource).optionalText('TopicName') ??
    physicalName(account.stackName, resource.logicalId, 256)
  const create = (resource: ResolvedResource): CreatedResource => {
    const given = propertiesOf(resource)
    const topic = topics.open(nameOf(resource))
    topic.displayName = given.optionalText('DisplayName')
    given.nestedList('Subscription').forEach((inline, index) => {
      add(topic, subscriptionOf(resource, topic.arn, { given: inline, seed: `inline-${index}` }))
    })
    return { ref: topic.arn, attributes: { TopicArn: topic.arn, TopicName: topic.name } }
  }
  return {
    type: 'AWS::SNS::Topic',
    properties: {
      TopicName: 'used',
      DisplayName: 'used',
      Subscription: [{ Protocol: 'used', Endpoint: 'used' }],
      // Nothing is kept at rest here.
      KmsMasterKeyId: 'inert',
      Tags: 'inert',
    },
    create,
    delete: (resource) => topics.remove(topics.open(nameOf(resource)).arn),
  }
}

/** `AWS::SNS::TopicPolicy`: the topic's `Policy` attribute, which says which AWS services may publish. */
export function topicPolicyProvider(topics: TopicTable): ResourceProvider {
  const anyDocument: PropertySpec = { '*': 'used' }
  const create = (resource: ResolvedResource): CreatedResource => {
    for (const arn of propertiesOf(resource).texts('Topics')) {
      topics.find(arn).policy = JSON.stringify(resource.properties['PolicyDocument'])
    }
    return { ref: resource.logicalId }
  }
  return {
    type: 'AWS::SNS::TopicPolicy',
    properties: { Topics: ['used'], PolicyDocument: anyDocument },
    create,
    update: create,
    delete: () => undefined,
  }
}

/** `AWS::SNS::Subscription`. Ref = subscription ARN. An e-mail address is only named in a log line: nothing is sent from a laptop. */
export function subscriptionProvider(topics: TopicTable): ResourceProvider {
  const made = (resource: ResolvedResource): Subscription => {
    const given = propertiesOf(resource)
    return subscriptionOf(resource, given.text('TopicArn'), { given, seed: resource.logicalId })
  }
  return {
    type: 'AWS::SNS::Subscription',
    properties: {
      TopicArn: 'used',
      Protocol: 'used',
      Endpoint: 'used',
      RawMessageDelivery: 'used',
      // One region.
      Region: 'inert',
    },
    create(resource) {
      const subscription = made(resource)
      add(topics.find(subscription.topicArn), subscription)
      return { ref: subscription.arn, attributes: { Arn: subscription.arn } }
    },
    delete(resource) {
      const subscription = made(resource)
      topics.find(subscription.topicArn).subscriptions.delete(subscription.arn)
    },
  }
}

function add(topic: Topic, subscription: Subscription): void {
  topic.subscriptions.set(subscription.arn, subscription)
}

function subscriptionOf(
  resource: ResolvedResource,
  topicArn: string,
  { given, seed }: { readonly given: Fields; readonly seed: string },
): Subscription {
  const protocol = given.text('Protocol')
  if (!isProtocol(protocol)) {
    throw new StartError(
      'SUBSCRIPTION_PROTOCOL',
      `${resource.logicalId} (${resource.type}): Protocol ${protocol} is not emulated; lambda, sqs, email and email-json are.`,
    )
  }
  return {
    arn: `${topicArn}:${stableId(`${topicArn}/${seed}`, 24).toLowerCase()}`,
    topicArn,
    protocol,
    endpoint: given.text('Endpoint'),
    isRaw: given.optionalBoolean('RawMessageDelivery') ?? false,
  }
}

function isProtocol(protocol: string): protocol is Subscription['protocol'] {
  return ['lambda', 'sqs', 'email', 'email-json'].includes(protocol)
}
