import type { Clock, StreamRecordOut, Streams } from '../../platform/types.ts'
import type { StreamSettings } from './settings.ts'

/** K13: the payload limit of an invocation. */
const MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
/** JSON around the data of a record in the event (K15). */
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

interface Lane {
  queue: StreamRecordOut[]
  isBusy: boolean
  /** Cancels the wait for more records. */
  cancelWait: (() => void) | undefined
}

/**
 * Reads one shard and runs its batches, up to the parallelization factor at once. A partition key always goes to the same lane, and a lane
 * runs one batch at a time: so a key is never in two batches at once and stays in order (K20). A batch starts when it is full, when its
 * window has passed or, without a window, a few milliseconds after its first record (K13).
 */
export function createShardPoller(options: ShardPollerOptions): ShardPoller {
  const { settings, clock, shardId } = options
  const lanes: Lane[] = Array.from({ length: settings.parallelization }, () => ({
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
    const room = queueLimit - lanes.reduce((sum, lane) => sum + lane.queue.length, 0)
    if (room <= 0) return
    const records = options.streams.read(settings.streamName, shardId, after, room, READ_BYTES)
    for (const record of records) {
      after = record.sequenceNumber
      if (isBeforeStart(record, settings)) continue
      progress.begin(record.sequenceNumber)
      lanes[laneOf(record.partitionKey, lanes.length)]?.queue.push(record)
    }
  }
  const schedule = (lane: Lane): void => {
    const first = lane.queue[0]
    if (isStopped || lane.isBusy || !first) return
    const isFull = batchLength(lane.queue, settings.batchSize) < lane.queue.length
    const waitedMs = clock.now() - first.approximateArrivalMs
    const waitMs = (settings.windowMs || options.gatherMs) - waitedMs
    if (isFull || lane.queue.length >= settings.batchSize || waitMs <= 0) {
      lane.cancelWait?.()
      lane.cancelWait = undefined
      begin(lane)
    } else {
      lane.cancelWait ??= clock.after(waitMs, () => {
        lane.cancelWait = undefined
        wake()
        if (!lane.isBusy && lane.queue.length > 0) begin(lane)
      })
    }
  }
  const begin = (lane: Lane): void => {
    const run = start(lane).finally(() => running.delete(run))
    running.add(run)
  }
  const start = async (lane: Lane): Promise<void> => {
    lane.isBusy = true
    const batch = lane.queue.splice(0, batchLength(lane.queue, settings.batchSize))
    const isFinished = await options.run(batch)
    if (!isFinished) return
    progress.end(batch.map((record) => record.sequenceNumber))
    lane.isBusy = false
    wake()
  }
  const wake = (): void => {
    if (isStopped) return
    fill()
    lanes.forEach(schedule)
  }

  return {
    wake,
    async stop() {
      isStopped = true
      for (const lane of lanes) lane.cancelWait?.()
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
function laneOf(partitionKey: string, lanes: number): number {
  if (lanes === 1) return 0
  let hash = 0x811c9dc5
  for (let index = 0; index < partitionKey.length; index++) {
    hash = Math.imul(hash ^ partitionKey.charCodeAt(index), 0x01000193)
  }
  return (hash >>> 0) % lanes
}

/** Lanes finish out of order; the position moves only over what is finished without a hole. */
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
