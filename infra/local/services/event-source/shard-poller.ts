import type { Clock, StreamRecordOut, Streams } from '../../platform/types.ts'
import type { StreamSettings } from './settings.ts'

/** KINESIS-13: the payload limit of an invocation. */
const MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
/** JSON around the data of a record in the event (KINESIS-15). */
const RECORD_ENVELOPE_BYTES = 500
const READ_BYTES = 10 * 1024 * 1024

export interface ShardPollerOptions {
  readonly clock: Clock
  readonly streams: Pick<Streams, 'read'>
  readonly settings: StreamSettings
  readonly shardId: string
  /** Where to start: records after this; undefined = the oldest. */
  readonly after: string | undefined
  /** How long records are gathered when there is no batching window. */
  readonly gatherMs: number
  /** Brings a batch to its end; false = stopped before. */
  run(records: readonly StreamRecordOut[]): Promise<boolean>
  /** Everything up to this sequence number is finished. */
  finished(sequenceNumber: string): void
}

export interface ShardPoller {
  /** There may be new records. */
  wake(): void
  /** Begins nothing more; resolves when the batches at work have ended. */
  stop(): Promise<void>
}

/** The records whose partition keys hash alike: one batch of them at a time (KINESIS-20). */
interface KeyGroup {
  queue: StreamRecordOut[]
  isBusy: boolean
  /** Cancels the wait for more records. */
  cancelWait: (() => void) | undefined
}

/**
 * Reads one shard and runs its batches, up to the parallelization factor at once. A partition key always goes to the same group, and a group
 * runs one batch at a time: so a key is never in two batches at once and stays in order (KINESIS-20). A batch starts when it is full, when its
 * window has passed or, without a window, a few milliseconds after its first record (KINESIS-13).
 */
export function createShardPoller(options: ShardPollerOptions): ShardPoller {
  const { settings, clock, shardId } = options
  const groups: KeyGroup[] = Array.from({ length: settings.parallelization }, () => ({
    queue: [],
    isBusy: false,
    cancelWait: undefined,
  }))
  const progress = createProgress((sequenceNumber) => options.finished(sequenceNumber))
  const queueLimit = settings.batchSize * settings.parallelization * 2
  let after = options.after
  const running = new Set<Promise<void>>()
  let isStopped = false

  const fill = (): void => {
    const room = queueLimit - groups.reduce((sum, group) => sum + group.queue.length, 0)
    if (room <= 0) return
    const records = options.streams.read(settings.streamName, shardId, after, room, READ_BYTES)
    for (const record of records) {
      after = record.sequenceNumber
      if (isBeforeStart(record, settings)) continue
      progress.begin(record.sequenceNumber)
      groups[groupOf(record.partitionKey, groups.length)]?.queue.push(record)
    }
  }
  const schedule = (group: KeyGroup): void => {
    const first = group.queue[0]
    if (isStopped || group.isBusy || !first) return
    const isFull = batchLength(group.queue, settings.batchSize) < group.queue.length
    const waitedMs = clock.monotonic() - first.arrivedMs
    const waitMs = (settings.windowMs || options.gatherMs) - waitedMs
    if (isFull || group.queue.length >= settings.batchSize || waitMs <= 0) {
      group.cancelWait?.()
      group.cancelWait = undefined
      begin(group)
    } else {
      group.cancelWait ??= clock.after(waitMs, () => {
        group.cancelWait = undefined
        wake()
        if (!group.isBusy && group.queue.length > 0) begin(group)
      })
    }
  }
  const begin = (group: KeyGroup): void => {
    const run = start(group).finally(() => running.delete(run))
    running.add(run)
  }
  const start = async (group: KeyGroup): Promise<void> => {
    group.isBusy = true
    const batch = group.queue.splice(0, batchLength(group.queue, settings.batchSize))
    const isFinished = await options.run(batch)
    if (!isFinished) return
    progress.end(batch.map((record) => record.sequenceNumber))
    group.isBusy = false
    wake()
  }
  const wake = (): void => {
    if (isStopped) return
    fill()
    groups.forEach(schedule)
  }

  return {
    wake,
    async stop() {
      isStopped = true
      for (const group of groups) group.cancelWait?.()
      await Promise.all(running)
    },
  }
}

function isBeforeStart(record: StreamRecordOut, settings: StreamSettings): boolean {
  return (
    settings.startingPosition === 'AT_TIMESTAMP' &&
    record.approximateArrivalMs < settings.startingMs
  )
}

/** How many records from the front fit one invocation. */
function batchLength(queue: readonly StreamRecordOut[], batchSize: number): number {
  let bytes = 0
  for (let index = 0; index < queue.length && index < batchSize; index++) {
    bytes += Math.ceil((queue[index]?.data.length ?? 0) / 3) * 4 + RECORD_ENVELOPE_BYTES
    if (bytes > MAX_PAYLOAD_BYTES && index > 0) return index
  }
  return Math.min(queue.length, batchSize)
}

/** FNV-1a: any even spread does. */
function groupOf(partitionKey: string, groups: number): number {
  if (groups === 1) return 0
  let hash = 0x811c9dc5
  for (let index = 0; index < partitionKey.length; index++) {
    hash = Math.imul(hash ^ partitionKey.charCodeAt(index), 0x01000193)
  }
  return (hash >>> 0) % groups
}

/** Groups finish out of order; the position moves only over what is finished without a hole. */
function createProgress(finished: (sequenceNumber: string) => void): {
  begin(sequenceNumber: string): void
  end(sequenceNumbers: readonly string[]): void
} {
  const open = new Map<string, boolean>()
  return {
    begin: (sequenceNumber) => open.set(sequenceNumber, false),
    end(sequenceNumbers) {
      for (const sequenceNumber of sequenceNumbers) open.set(sequenceNumber, true)
      let last: string | undefined
      for (const [sequenceNumber, isDone] of open) {
        if (!isDone) break
        open.delete(sequenceNumber)
        last = sequenceNumber
      }
      if (last !== undefined) finished(last)
    },
  }
}
