import { randomUUID } from 'node:crypto'
import { AwsError } from '../../platform/errors.ts'
import { allowsService } from '../../platform/resource-policy.ts'
import { passSeam } from '../../platform/seam.ts'
import type {
  Account,
  ApiHandler,
  Authorization,
  Clock,
  Faults,
  Functions,
  LogSink,
  Metrics,
  Queues,
  ResourceService,
  Topics,
} from '../../platform/types.ts'
import { snsApi } from './api.ts'
import {
  subscriptionProvider,
  topicPolicyProvider,
  topicProvider,
  type TopicTable,
} from './providers.ts'
import {
  lambdaEvent,
  notification,
  type Publication,
  type Subscription,
  type Topic,
} from './topic.ts'

/** Where an e-mail that would have been sent is written down. */
const MAIL_LOG_GROUP = '/aws/sns/email'
/** SNS API, Publish. */
const MAX_MESSAGE_BYTES = 262_144

export interface SnsOptions {
  readonly clock: Clock
  readonly account: Account
  readonly authorization: Authorization
  readonly functions: Functions
  readonly queues: Queues
  readonly metrics: Metrics
  readonly logs: LogSink
  readonly faults?: Faults
}

export interface Sns extends ResourceService, Topics {
  readonly api: ApiHandler
}

/** SNS topics with Lambda, SQS and (inert) e-mail subscriptions. Seam `sns.Publish`, target = topic ARN. */
export function createSns(options: SnsOptions): Sns {
  const { clock, account } = options
  const topics = new Map<string, Topic>()

  const table: TopicTable = {
    open(name) {
      const arn = `arn:aws:sns:${account.region}:${account.accountId}:${name}`
      const topic = topics.get(arn) ?? {
        arn,
        name,
        displayName: undefined,
        policy: undefined,
        subscriptions: new Map<string, Subscription>(),
      }
      topics.set(arn, topic)
      return topic
    },
    remove: (arn) => void topics.delete(arn),
    find(arn) {
      const topic = topics.get(arn)
      if (topic) return topic
      throw new AwsError('NotFound', `Topic does not exist: ${arn}`, { status: 404 })
    },
  }
  const publish = async (
    arn: string,
    message: Pick<Publication, 'body' | 'subject' | 'attributes'>,
  ): Promise<string> => {
    const topic = table.find(arn)
    await passSeam(options, 'sns.Publish', arn, 'Throttling')
    if (Buffer.byteLength(message.body) > MAX_MESSAGE_BYTES) {
      throw new AwsError('InvalidParameter', 'Invalid parameter: Message too long')
    }
    const publication = { ...message, messageId: randomUUID(), atMs: clock.now() }
    count(topic, 'NumberOfMessagesPublished')
    for (const subscription of topic.subscriptions.values()) {
      try {
        await deliver(publication, subscription, options)
        count(topic, 'NumberOfNotificationsDelivered')
      } catch (error) {
        if (!(error instanceof AwsError)) throw error
        count(topic, 'NumberOfNotificationsFailed')
      }
    }
    return publication.messageId
  }
  const count = (topic: Topic, name: string): void => {
    options.metrics.put({
      namespace: 'AWS/SNS',
      name,
      dimensions: { TopicName: topic.name },
      value: 1,
      unit: 'Count',
      timestampMs: clock.now(),
    })
  }

  return {
    name: 'sns',
    providers: [
      topicProvider(account, table),
      topicPolicyProvider(table),
      subscriptionProvider(table),
    ],
    api: snsApi({ ...options, publish, find: table.find, all: () => [...topics.values()] }),
    async publish(topicArn, { subject, body, publishedBy }) {
      if (publishedBy) requireService(table.find(topicArn), publishedBy)
      await publish(topicArn, { subject, body, attributes: {} })
    },
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
  }
}

/**
 * A topic's own policy replaces the one that SNS gives it by default, which lets what belongs to the account publish (re:Post "CloudWatch receive SNS
 * for alarm trigger").
 */
function requireService(
  { arn, policy }: Topic,
  by: { readonly service: string; readonly sourceArn: string },
): void {
  if (policy === undefined) return
  const request = { ...by, action: 'sns:Publish', resource: arn }
  if (allowsService(JSON.parse(policy), request, arn)) return
  throw new AwsError(
    'AuthorizationError',
    `${by.service} is not authorized to perform: SNS:Publish on resource: ${arn} because no resource-based policy allows the SNS:Publish action`,
    { status: 403 },
  )
}

async function deliver(
  publication: Publication,
  subscription: Subscription,
  { functions, queues, logs, clock }: SnsOptions,
): Promise<void> {
  switch (subscription.protocol) {
    case 'lambda':
      await functions.invoke({
        functionName: subscription.endpoint,
        payload: lambdaEvent(publication, subscription),
        invocationType: 'Event',
        invokedBy: { service: 'sns.amazonaws.com', sourceArn: subscription.topicArn },
      })
      return
    case 'sqs': {
      const wrapped = JSON.stringify(notification(publication, subscription))
      await queues.send(subscription.endpoint, subscription.isRaw ? publication.body : wrapped)
      return
    }
    case 'email':
    case 'email-json':
      logs.write({
        group: MAIL_LOG_GROUP,
        stream: subscription.endpoint,
        message: `To ${subscription.endpoint}: ${publication.subject ?? 'AWS Notification Message'}\n${publication.body}`,
        timestampMs: clock.now(),
      })
  }
}
