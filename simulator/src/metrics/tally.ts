import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import type { Figures, Latencies } from './figures.ts'

/** The latencies of the last moments, for people who watch: the window that is full, or the first one while it fills. */
const windowMs = 5_000
/** A reading that waits for longer is late whatever becomes of it. */
const overdueMs = 3_000

/**
 * The tally of a run. Latencies count from the instant a reading or a connect was *due*, so that a slow generator cannot hide; they are
 * kept in HdrHistograms (Node's own), three digits, in milliseconds.
 */
export class Tally {
  /** Readings that the devices' intervals and stages make due; a share of one counts. */
  planned = 0
  due = 0
  acknowledged = 0
  dropped = 0
  lost = 0
  commands = 0
  connects = 0
  /** Why attempts failed: reason → how often. */
  readonly failures = new Map<string, number>()
  readonly #connect = createHistogram()
  readonly #ack = createHistogram()
  readonly #wire = createHistogram()
  readonly #lag = createHistogram()
  #window = createHistogram()
  #before: RecordableHistogram | undefined
  #windowStartMs = -Infinity

  /** A reading was acknowledged that was due and sent at these instants. */
  acked(intendedMs: number, sentMs: number, nowMs: number): void {
    this.acknowledged++
    record(this.#ack, nowMs - intendedMs)
    record(this.#wire, nowMs - sentMs)
    if (nowMs - this.#windowStartMs > windowMs) {
      this.#before = this.#windowStartMs === -Infinity ? undefined : this.#window
      this.#window = createHistogram()
      this.#windowStartMs = nowMs
    }
    record(this.#window, nowMs - intendedMs)
  }

  /** A full buffer threw a reading away, which waited at least so long for its acknowledgement. */
  droppedAt(intendedMs: number, nowMs: number): void {
    this.dropped++
    record(this.#ack, nowMs - intendedMs)
  }

  lagged(ms: number): void {
    record(this.#lag, ms)
  }

  connected(latencyMs: number): void {
    this.connects++
    record(this.#connect, latencyMs)
  }

  failed(reason: string): void {
    this.failures.set(reason, (this.failures.get(reason) ?? 0) + 1)
  }

  get failedConnects(): number {
    return [...this.failures.values()].reduce((sum, count) => sum + count, 0)
  }

  /** Acknowledgements of the last five to ten seconds. */
  get recent(): Latencies {
    return this.#before ?? this.#window
  }

  get scheduleLag(): Latencies {
    return this.#lag
  }

  /**
   * `waitingMs`: how long each reading has waited that is not acknowledged yet; `seconds`: since the start. At the end, what still waits is
   * missing, and its latency is at least its age. While the run goes on it may yet come: then only what waits for longer than
   * {@link overdueMs} is counted, and only by latency.
   */
  figures({
    waitingMs,
    seconds,
    isOver,
  }: {
    readonly waitingMs: readonly number[]
    readonly seconds: number
    readonly isOver: boolean
  }): Figures {
    const count = (value: number) => ({ kind: 'count', count: value, seconds }) as const
    const share = (hits: number, of: number) => ({ kind: 'share', hits, of }) as const
    const latency = (latencies: Latencies) => ({ kind: 'latency', latencies }) as const
    const { due, acknowledged, dropped, connects, lost } = this
    const buffered = waitingMs.length
    return {
      'connect.success': share(connects, connects + this.failedConnects),
      'connect.latency': latency(this.#connect),
      'connections.lost': count(lost),
      'connections.kept': share(Math.max(0, connects - lost), connects),
      'ack.latency': latency(
        withAges(this.#ack, isOver ? waitingMs : waitingMs.filter((ms) => ms > overdueMs)),
      ),
      'ack.wire': latency(this.#wire),
      'messages.planned': count(Math.round(this.planned)),
      'messages.due': count(due),
      'messages.acknowledged': count(acknowledged),
      'messages.dropped': count(dropped),
      'messages.buffered': count(buffered),
      'messages.missing': count(due - acknowledged - (isOver ? 0 : buffered)),
      'schedule.lag': latency(this.#lag),
    }
  }
}

/** The histogram and these besides: it is copied, since what waits now may be acknowledged later. */
function withAges(histogram: RecordableHistogram, agesMs: readonly number[]): Latencies {
  if (agesMs.length === 0) return histogram
  const sum = createHistogram()
  // Empty histograms cannot be added.
  if (histogram.count > 0) sum.add(histogram)
  for (const ms of agesMs) record(sum, ms)
  return sum
}

/** HdrHistograms begin at 1. */
function record(histogram: RecordableHistogram, ms: number): void {
  histogram.record(Math.max(1, Math.round(ms)))
}
