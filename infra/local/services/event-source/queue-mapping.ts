import { AwsError } from '../../platform/errors.ts'
import { LostAnswer } from '../../platform/seam.ts'
import type {
  Account,
  Clock,
  Faults,
  Functions,
  QueueMessage,
  QueueSource,
} from '../../platform/types.ts'
import { failedItems } from './batch-response.ts'
import { invokeThroughSeam } from './deliver-seam.ts'
import type { QueueSettings } from './settings.ts'
import type { Mapping } from './stream-mapping.ts'

export interface QueueMappingDependencies {
  readonly clock: Clock
  readonly account: Account
  readonly functions: Functions
  readonly queueSource: QueueSource
  readonly faults?: Faults
}

/**
 * Starts to deliver a queue to a function: batches as messages become visible, several at once. What succeeded is removed; what failed stays
 * hidden until its visibility timeout, then comes again or goes to the dead-letter queue. Seam `esm.deliver`, target = function name.
 */
export function startQueueMapping(
  settings: QueueSettings,
  dependencies: QueueMappingDependencies,
): Mapping {
  const { clock, queueSource } = dependencies
  const gathered: QueueMessage[] = []
  const running = new Set<Promise<void>>()
  let isStopped = false
  let cancelWindow: (() => void) | undefined

  const poll = (): void => {
    if (isStopped) return
    gathered.push(...queueSource.receive(settings.sourceArn, settings.batchSize - gathered.length))
    if (gathered.length === 0) return
    if (gathered.length >= settings.batchSize || settings.windowMs === 0) startBatch()
    else cancelWindow ??= clock.after(settings.windowMs, startBatch)
  }
  const startBatch = (): void => {
    cancelWindow?.()
    cancelWindow = undefined
    if (isStopped || running.size >= settings.maxConcurrency) return
    const ended = run(gathered.splice(0)).finally(() => {
      running.delete(ended)
      poll()
    })
    running.add(ended)
    poll()
  }
  const run = async (batch: readonly QueueMessage[]): Promise<void> => {
    const failed = await deliver(batch, settings, dependencies)
    if (failed === 'all') return
    for (const message of batch) {
      if (!failed.includes(message.messageId)) {
        queueSource.remove(settings.sourceArn, message.receiptHandle)
      }
    }
  }

  const removeListener = queueSource.onMessages(settings.sourceArn, poll)
  poll()
  return {
    async stop() {
      isStopped = true
      removeListener()
      cancelWindow?.()
      await Promise.all(running)
    },
  }
}

/** Message ids that failed. */
async function deliver(
  batch: readonly QueueMessage[],
  settings: QueueSettings,
  dependencies: QueueMappingDependencies,
): Promise<'all' | readonly string[]> {
  const payload = queueEvent(batch, settings, dependencies.account)
  try {
    const { functionName } = settings
    const result = await invokeThroughSeam(dependencies, functionName, () =>
      dependencies.functions.invoke({ functionName, payload }),
    )
    if (result.functionError !== undefined) return 'all'
    if (!settings.reportsItemFailures) return []
    return failedItems(result.payload, new Set(batch.map((message) => message.messageId)))
  } catch (error) {
    if (error instanceof AwsError || error instanceof LostAnswer) return 'all'
    throw error
  }
}

/** Source: Lambda Developer Guide, "Using Lambda with Amazon SQS", example event. */
function queueEvent(
  batch: readonly QueueMessage[],
  settings: QueueSettings,
  account: Account,
): { readonly Records: readonly unknown[] } {
  return {
    Records: batch.map((message) => ({
      messageId: message.messageId,
      receiptHandle: message.receiptHandle,
      body: message.body,
      attributes: message.attributes,
      messageAttributes: message.messageAttributes,
      md5OfBody: message.md5OfBody,
      eventSource: 'aws:sqs',
      eventSourceARN: settings.sourceArn,
      awsRegion: account.region,
    })),
  }
}
