import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import type { Figures, Latencies } from './figures.ts'

/** The latencies of the last moments, for people who watch: the window that is full, or the first one while it fills. */
const windowMs = 5_000

/**
 * The tally of a run. Latencies count from the instant a reading or a connect was *due*, so that a slow generator cannot hide; they are
 * kept in HdrHistograms (Node's own), three digits, in milliseconds.
 */
export class Tally {
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

  /** `buffered`: readings that wait now; `seconds`: since the start. */
  figures({ buffered, seconds }: { readonly buffered: number; readonly seconds: number }): Figures {
    const count = (value: number) => ({ kind: 'count', count: value, seconds }) as const
    const latency = (latencies: Latencies) => ({ kind: 'latency', latencies }) as const
    const { due, acknowledged, dropped } = this
    return {
      'connect.success': {
        kind: 'share',
        hits: this.connects,
        of: this.connects + this.failedConnects,
      },
      'connect.latency': latency(this.#connect),
      'connections.lost': count(this.lost),
      'ack.latency': latency(this.#ack),
      'ack.wire': latency(this.#wire),
      'messages.due': count(due),
      'messages.acknowledged': count(acknowledged),
      'messages.dropped': count(dropped),
      'messages.buffered': count(buffered),
      'messages.missing': count(due - acknowledged - dropped - buffered),
      'schedule.lag': latency(this.#lag),
    }
  }
}

/** HdrHistograms begin at 1. */
function record(histogram: RecordableHistogram, ms: number): void {
  histogram.record(Math.max(1, Math.round(ms)))
}
