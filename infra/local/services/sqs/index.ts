import { join } from 'node:path'
import { AwsError } from '../../platform/errors.ts'
import type { Kept } from '../../platform/kept.ts'
import { passSeam } from '../../platform/seam.ts'
import type {
  Account,
  ApiHandler,
  Authorization,
  Clock,
  Faults,
  Metrics,
  Queues,
  QueueSource,
  ResourceService,
} from '../../platform/types.ts'
import { sqsApi } from './api.ts'
import { eventAttributes, systemAttributes } from './message-shape.ts'
import { queuePolicyProvider, queueProvider } from './queue-provider.ts'
import { openQueueLog } from './queue-log.ts'
import { createQueue, type Queue, type QueueOptions, type QueueSettings } from './queue.ts'

const METRICS_INTERVAL_MS = 60_000

export interface SqsOptions {
  readonly clock: Clock
  readonly account: Account
  readonly authorization: Authorization
  readonly metrics: Metrics
  readonly faults?: Faults
  /** Keeps the messages across restarts; in memory when absent. */
  readonly kept?: Kept | undefined
}

export interface Sqs extends ResourceService, Queues, QueueSource {
  readonly api: ApiHandler
}

/** SQS standard queues. In-process sends pass the seam `sqs.SendMessage`, target = queue name. */
export function createSqs(options: SqsOptions): Sqs {
  const { clock, account, metrics } = options
  const queues = new Map<string, Queue>()
  let cancelMetrics: (() => void) | undefined

  const find = (name: string): Queue => {
    const queue = queues.get(name)
    if (queue) return queue
    throw new AwsError('QueueDoesNotExist', `The specified queue does not exist: ${name}`, {
      extra: { queryErrorCode: 'AWS.SimpleQueueService.NonExistentQueue' },
    })
  }
  const byArn = (arn: string): Queue => find(arn.slice(arn.lastIndexOf(':') + 1))
  const open = (settings: QueueSettings): Queue => {
    const existing = queues.get(settings.name)
    if (existing) {
      existing.settings = settings
      return existing
    }
    const url = `https://sqs.${account.region}.amazonaws.com/${account.accountId}/${settings.name}`
    const redrive = (deadLetterArn: string, message: Parameters<Queue['accept']>[0]): void => {
      byArn(deadLetterArn).accept(message)
    }
    const openLog = openerOf(options.kept, settings.name)
    const queue = createQueue({ clock, settings, url, redrive, openLog })
    queues.set(settings.name, queue)
    return queue
  }
  const remove = (name: string): void => {
    queues.get(name)?.destroy()
    queues.delete(name)
  }
  const publish = (queue: Queue, name: string, value: number): void => {
    metrics.put({
      namespace: 'AWS/SQS',
      name,
      dimensions: { QueueName: queue.settings.name },
      value,
      unit: name.startsWith('ApproximateAge') ? 'Seconds' : 'Count',
      timestampMs: clock.now(),
    })
  }
  const publishCounts = (queue: Queue): void => {
    const counts = queue.counts()
    publish(queue, 'ApproximateNumberOfMessagesVisible', counts.visible)
    publish(queue, 'ApproximateNumberOfMessagesNotVisible', counts.notVisible)
    publish(queue, 'ApproximateNumberOfMessagesDelayed', counts.delayed)
    publish(queue, 'ApproximateAgeOfOldestMessage', counts.oldestAgeSeconds)
  }

  return {
    name: 'sqs',
    providers: [
      queueProvider(account, { open, remove }),
      queuePolicyProvider((url) => find(url.slice(url.lastIndexOf('/') + 1))),
    ],
    api: sqsApi({ ...options, find, all: () => [...queues.values()], counted: publish }),
    async send(queueArn, body, attributes = {}) {
      const queue = byArn(queueArn)
      await passSeam(options, 'sqs.SendMessage', queue.settings.name, 'RequestThrottled')
      const messageAttributes = Object.fromEntries(
        Object.entries(attributes).map(([name, text]) => [
          name,
          { DataType: 'String', StringValue: text },
        ]),
      )
      const { messageId } = queue.send({ body, messageAttributes })
      publish(queue, 'NumberOfMessagesSent', 1)
      return { messageId }
    },
    receive(queueArn, max) {
      const received = byArn(queueArn).receive(max)
      if (received.length > 0) {
        publish(byArn(queueArn), 'NumberOfMessagesReceived', received.length)
      }
      return received.map((message) => ({
        messageId: message.messageId,
        receiptHandle: message.receiptHandle ?? '',
        body: message.body,
        md5OfBody: message.md5OfBody,
        attributes: systemAttributes(message),
        messageAttributes: eventAttributes(message),
      }))
    },
    remove(queueArn, receiptHandle) {
      const queue = byArn(queueArn)
      if (queue.remove(receiptHandle)) publish(queue, 'NumberOfMessagesDeleted', 1)
    },
    onMessages: (queueArn, listener) => byArn(queueArn).onMessages(listener),
    start() {
      cancelMetrics = clock.every(METRICS_INTERVAL_MS, () => {
        for (const queue of queues.values()) publishCounts(queue)
      })
      return Promise.resolve()
    },
    stop() {
      cancelMetrics?.()
      for (const queue of queues.values()) queue.close()
      return Promise.resolve()
    },
  }
}

function openerOf(kept: Kept | undefined, queueName: string): QueueOptions['openLog'] {
  if (!kept) return undefined
  const file = join(kept.path, `${queueName}.log`)
  return (messages) => openQueueLog({ ...kept, file, messages })
}
