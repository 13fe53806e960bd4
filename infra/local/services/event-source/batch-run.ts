import { randomUUID } from 'node:crypto'
import type { Clock, StreamRecordOut } from '../../platform/types.ts'
import type { DiscardedBatch } from './discarded-batch.ts'
import { pause } from './pause.ts'
import type { StreamSettings } from './settings.ts'

type Records = readonly StreamRecordOut[]

/** How one invocation with a batch ended. */
export type Delivery =
  | { readonly kind: 'done' }
  /** Throttled or failed before the function ran: does not use up a retry (KINESIS-18). */
  | { readonly kind: 'busy' }
  /** `from`: index of the first record to retry (KINESIS-24). */
  | {
      readonly kind: 'failed'
      readonly from: number
      readonly requestId: string
      readonly functionError: string | null
    }

export interface BatchRunOptions {
  readonly clock: Clock
  readonly settings: Pick<StreamSettings, 'bisect' | 'maxRetries' | 'maxAgeMs'>
  readonly shardId: string
  deliver(records: Records): Promise<Delivery>
  /** False when it was stopped before somebody was told: then the records are not at their end. */
  discard(discarded: DiscardedBatch): Promise<boolean>
  /** False once the stream's retention has removed a record (KINESIS-8). */
  isKept(record: StreamRecordOut): boolean
  /** Aborted: nothing is tried again; the invocation in flight still counts. */
  readonly stopped: AbortSignal
}

interface Work {
  readonly records: Records
  readonly retries: number
}

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5000

/**
 * Brings one batch of a shard to its end: delivered, or discarded after retries, age or retention. Whatever fails is tried again in order before
 * anything later (KINESIS-16). Resolves to false when it was stopped before.
 */
export async function runBatch(batch: Records, options: BatchRunOptions): Promise<boolean> {
  const waiting: Work[] = [{ records: batch, retries: 0 }]
  let failures = 0
  for (let work = waiting.shift(); work; work = waiting.shift()) {
    if (options.stopped.aborted) return false
    const fresh = await withoutExpired(work, failures > 0, options)
    if (!fresh) return false
    if (fresh.records.length === 0) continue
    const delivery = await options.deliver(fresh.records)
    if (delivery.kind === 'done') {
      failures = 0
      continue
    }
    failures++
    const next = delivery.kind === 'busy' ? [fresh] : await afterFailure(fresh, delivery, options)
    waiting.unshift(...next)
    // Records that were discarded say nothing about those that come next.
    if (next.length === 0) failures = 1
    if (waiting.length > 0 && !isSplit(next, fresh, options)) await pauseAfter(failures, options)
  }
  return true
}

/** A part of the records, split off to find the bad one, is tried at once (KINESIS-19, KINESIS-25); the same records again wait. */
function isSplit(next: readonly Work[], failed: Work, { settings }: BatchRunOptions): boolean {
  const isSmaller = next.every(({ records }) => records.length < failed.records.length)
  return settings.bisect && next.length > 0 && isSmaller
}

async function afterFailure(
  { records, retries }: Work,
  failure: Extract<Delivery, { kind: 'failed' }>,
  options: BatchRunOptions,
): Promise<readonly Work[]> {
  const { bisect, maxRetries } = options.settings
  const rest = records.slice(failure.from)
  // KINESIS-19, KINESIS-25: splitting, at the reported record or in the middle, does not count as a retry.
  if (bisect && failure.from > 0) return [{ records: rest, retries }]
  if (bisect && rest.length > 1) {
    const middle = Math.ceil(rest.length / 2)
    return [
      { records: rest.slice(0, middle), retries },
      { records: rest.slice(middle), retries },
    ]
  }
  if (retries < maxRetries) return [{ records: rest, retries: retries + 1 }]
  const isTold = await options.discard({
    condition: 'RetryAttemptsExhausted',
    records: rest,
    shardId: options.shardId,
    requestId: failure.requestId,
    invokeCount: retries + 1,
    functionError: failure.functionError,
  })
  return isTold ? [] : [{ records: rest, retries }]
}

/** Discards what is older than the mapping's record age, and leaves out what the stream no longer has. Undefined when it was stopped. */
async function withoutExpired(
  work: Work,
  isRetry: boolean,
  options: BatchRunOptions,
): Promise<Work | undefined> {
  const oldestMs = options.clock.monotonic() - options.settings.maxAgeMs
  const expired = work.records.filter((record) => record.arrivedMs < oldestMs)
  if (expired.length > 0) {
    const isTold = await options.discard({
      condition: 'RecordAgeExceeded',
      records: expired,
      shardId: options.shardId,
      requestId: randomUUID(),
      invokeCount: work.retries + 1,
      functionError: null,
    })
    if (!isTold) return undefined
  }
  const records = work.records.filter(
    (record) => record.arrivedMs >= oldestMs && (!isRetry || options.isKept(record)),
  )
  return { ...work, records }
}

/** AWS does not say how long it waits between attempts; here it doubles from 0.1 s to 5 s. */
function pauseAfter(
  failures: number,
  ports: Pick<BatchRunOptions, 'clock' | 'stopped'>,
): Promise<void> {
  return pause(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 10)), ports)
}
