import { AwsError } from '../../platform/errors.ts'
import { LostAnswer } from '../../platform/seam.ts'
import type {
  Account,
  Clock,
  Faults,
  Functions,
  InvocationResult,
  Metrics,
  Queues,
  StreamRecordOut,
  Streams,
  Topics,
} from '../../platform/types.ts'
import { failedItems } from './batch-response.ts'
import { runBatch, type Delivery } from './batch-run.ts'
import { invokeThroughSeam } from './deliver-seam.ts'
import { sendDiscardedBatch, functionNameOf } from './on-failure.ts'
import { BEGINNING, type Checkpoints } from './checkpoints.ts'
import type { StreamSettings } from './settings.ts'
import { compareSequence } from '../../platform/sequence.ts'
import { createShardPoller, type ShardPoller } from './shard-poller.ts'
import { streamEvent } from './stream-event.ts'

export interface Mapping {
  /** Begins nothing more; resolves when the batches at work have ended. */
  stop(): Promise<void>
}

export interface MappingDependencies {
  readonly clock: Clock
  readonly account: Account
  readonly functions: Functions
  readonly streams: Streams
  readonly queues: Queues
  readonly topics: Topics
  readonly metrics: Metrics
  readonly faults?: Faults
  readonly checkpoints: Checkpoints
  readonly gatherMs: number
  /** KINESIS-11's base rate; absent = as soon as records arrive. */
  readonly pollIntervalMs?: number
}

/** Starts to deliver a stream to a function. Seam `esm.deliver`, target = function name. */
export function startStreamMapping(
  settings: StreamSettings,
  dependencies: MappingDependencies,
): Mapping {
  const { clock, streams, checkpoints } = dependencies
  const stopping = new AbortController()
  const shards = streams.shards(settings.streamName)
  const starts = new Map(
    shards.map(({ shardId }) => [shardId, startAfter(settings, dependencies, shardId)]),
  )
  const pollers = new Map<string, ShardPoller>(
    shards.map(({ shardId }) => [
      shardId,
      createShardPoller({
        ...dependencies,
        settings,
        shardId,
        after: starts.get(shardId),
        run: (records) =>
          runBatch(records, {
            clock,
            settings,
            shardId,
            deliver: (part) => deliver(part, { settings, dependencies, shardId }),
            discard: (discarded) =>
              sendDiscardedBatch(discarded, settings, {
                ...dependencies,
                stopped: stopping.signal,
              }),
            isKept: (record) => isKept(streams, settings.streamName, { shardId, record }),
            stopped: stopping.signal,
          }),
        finished: (sequenceNumber) => checkpoints.set(settings.id, shardId, sequenceNumber),
      }),
    ]),
  )
  const wakeAll = (): void => {
    for (const poller of pollers.values()) poller.wake()
  }
  const removals = [
    streams.hold?.(
      settings.streamName,
      (shardId) => checkpoints.get(settings.id, shardId) || starts.get(shardId),
    ),
    dependencies.pollIntervalMs === undefined
      ? streams.onRecords(settings.streamName, (shardId) => pollers.get(shardId)?.wake())
      : clock.every(dependencies.pollIntervalMs, wakeAll),
  ]
  wakeAll()
  return {
    async stop() {
      stopping.abort()
      for (const remove of removals) remove?.()
      await Promise.all([...pollers.values()].map((poller) => poller.stop()))
    },
  }
}

/**
 * The kept checkpoint, or the starting position (KINESIS-21). Where LATEST begins is kept at once: what arrives from now on is delivered, also when
 * this process is killed before it has finished a batch. A checkpoint beyond the end of the shard is of records that the stream has lost (a
 * power cut, a damaged file): new records may get lower numbers, so delivery goes on from the end that there is.
 */
function startAfter(
  settings: StreamSettings,
  { checkpoints, streams }: MappingDependencies,
  shardId: string,
): string | undefined {
  const latest = streams.latest(settings.streamName, shardId)
  const kept = checkpoints.get(settings.id, shardId)
  const isBeyondEnd = kept !== undefined && compareSequence(kept, latest ?? BEGINNING) > 0
  if (kept !== undefined && !isBeyondEnd) return kept === BEGINNING ? undefined : kept
  if (kept === undefined && settings.startingPosition !== 'LATEST') return undefined
  checkpoints.set(settings.id, shardId, latest ?? BEGINNING)
  checkpoints.save()
  return latest
}

interface DeliverContext {
  readonly settings: StreamSettings
  readonly dependencies: MappingDependencies
  readonly shardId: string
}

async function deliver(
  records: readonly StreamRecordOut[],
  context: DeliverContext,
): Promise<Delivery> {
  const { settings, dependencies } = context
  let result: InvocationResult
  try {
    result = await invokeThroughSeam(dependencies, settings.functionName, () =>
      invoke(records, context),
    )
  } catch (error) {
    if (error instanceof AwsError || error instanceof LostAnswer) return { kind: 'busy' }
    throw error
  }
  const failure = { kind: 'failed', requestId: result.requestId } as const
  if (result.functionError !== undefined) {
    return { ...failure, from: 0, functionError: result.functionError }
  }
  // KINESIS-26: without ReportBatchItemFailures the answer is ignored.
  if (!settings.reportsItemFailures) return { kind: 'done' }
  const ids = new Set(records.map((record) => record.sequenceNumber))
  const failed = failedItems(result.payload, ids)
  if (failed === 'all') return { ...failure, from: 0, functionError: null }
  if (failed.length === 0) return { kind: 'done' }
  const from = records.findIndex((record) => failed.includes(record.sequenceNumber))
  return { ...failure, from, functionError: null }
}

function invoke(
  records: readonly StreamRecordOut[],
  { settings, dependencies, shardId }: DeliverContext,
): Promise<InvocationResult> {
  const { clock, functions, metrics, account } = dependencies
  const described = functions.describe(settings.functionName)
  const nowMs = clock.now()
  // KINESIS-34
  metrics.put({
    namespace: 'AWS/Lambda',
    name: 'IteratorAge',
    dimensions: { FunctionName: functionNameOf(described.arn) },
    value: Math.max(0, ...records.slice(-1).map(({ arrivedMs }) => clock.monotonic() - arrivedMs)),
    unit: 'Milliseconds',
    timestampMs: nowMs,
  })
  return functions.invoke({
    functionName: settings.functionName,
    payload: streamEvent(records, {
      shardId,
      streamArn: settings.sourceArn,
      region: account.region,
      roleArn: described.roleArn ?? `arn:aws:iam::${account.accountId}:role/unknown`,
    }),
  })
}

/** Whether the stream still has a record: its retention takes the oldest first (KINESIS-8). */
function isKept(
  streams: Streams,
  streamName: string,
  { shardId, record }: { readonly shardId: string; readonly record: StreamRecordOut },
): boolean {
  const oldest = streams.read(streamName, shardId, undefined, 1, 1)[0]
  return oldest !== undefined && BigInt(oldest.sequenceNumber) <= BigInt(record.sequenceNumber)
}
