import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'

/** The tally of a run. Latencies count from the instant a reading was due, so that a slow generator cannot hide. */
export class Report {
  scheduled = 0
  acknowledged = 0
  dropped = 0
  connects = 0
  disconnects = 0
  commands = 0
  readonly #startedMs: number
  readonly #ack: RecordableHistogram = createHistogram()
  readonly #lag: RecordableHistogram = createHistogram()

  constructor(startedMs: number) {
    this.#startedMs = startedMs
  }

  acked(intendedMs: number, nowMs: number): void {
    this.acknowledged++
    this.#ack.record(Math.max(1, Math.round(nowMs - intendedMs)))
  }

  lagged(ms: number): void {
    this.#lag.record(Math.max(1, Math.round(ms)))
  }

  /** Milliseconds, counts and rates; `buffered` = readings that still wait. */
  summary(nowMs: number, buffered: number): Record<string, number> {
    const seconds = Math.max(0.001, (nowMs - this.#startedMs) / 1_000)
    return {
      seconds: Math.round(seconds * 10) / 10,
      scheduled: this.scheduled,
      acknowledged: this.acknowledged,
      buffered,
      dropped: this.dropped,
      perSecond: Math.round((this.acknowledged / seconds) * 10) / 10,
      ackP50Ms: this.#ack.count === 0 ? 0 : this.#ack.percentile(50),
      ackP99Ms: this.#ack.count === 0 ? 0 : this.#ack.percentile(99),
      scheduleLagP99Ms: this.#lag.count === 0 ? 0 : this.#lag.percentile(99),
      connects: this.connects,
      disconnects: this.disconnects,
      commands: this.commands,
    }
  }
}
