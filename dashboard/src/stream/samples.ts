import { percentileOf } from '@gaugeline/backend/protocol'

interface Sample {
  readonly at: number
  readonly value: number
}

/** Figures of the last minute or so: a percentile and a rate. */
export class Samples {
  readonly #spanMs: number
  #samples: Sample[] = []
  #sum = 0

  constructor(spanMs: number) {
    this.#spanMs = spanMs
  }

  add(at: number, value: number): void {
    this.#samples.push({ at, value })
    this.#sum += value
    this.#forget(at)
  }

  /** The value that the share `p` (0–1) of the samples does not exceed, by nearest rank; undefined without samples. */
  percentile(p: number, now: number): number | undefined {
    this.#forget(now)
    const sorted = this.#samples.map((sample) => sample.value).sort((a, b) => a - b)
    return percentileOf(sorted, p * 100)
  }

  /** Sum of the values per second over the span. */
  ratePerSecond(now: number): number {
    this.#forget(now)
    const first = this.#samples[0]
    if (!first) return 0
    return this.#sum / Math.max(1, Math.min(this.#spanMs, now - first.at) / 1_000)
  }

  #forget(now: number): void {
    let gone = 0
    while (gone < this.#samples.length && (this.#samples[gone]?.at ?? 0) < now - this.#spanMs) {
      this.#sum -= this.#samples[gone]?.value ?? 0
      gone++
    }
    if (gone > 0) this.#samples = this.#samples.slice(gone)
  }
}
