import type { TelemetryPayload } from '@gaugeline/backend/protocol'

/** A reading that waits for its acknowledgement, with the instant at which it was due. */
export interface Queued {
  readonly reading: TelemetryPayload
  readonly intendedMs: number
}

/**
 * What a device holds until the broker has acknowledged it: a bounded ring, oldest dropped first. Readings keep their own
 * timestamps, so what is sent after an outage lands where it belongs.
 */
export class Outbox {
  readonly #capacity: number
  #waiting: Queued[] = []
  dropped = 0

  constructor(capacity = 3_600) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#waiting.length
  }

  push(item: Queued): void {
    this.#waiting.push(item)
    this.#trim()
  }

  /** Takes the oldest readings, at most `limit`. */
  take(limit: number): readonly Queued[] {
    return this.#waiting.splice(0, limit)
  }

  /** Puts back what was not acknowledged, in front. */
  putBack(items: readonly Queued[]): void {
    this.#waiting = [...items, ...this.#waiting]
    this.#trim()
  }

  #trim(): void {
    const excess = this.#waiting.length - this.#capacity
    if (excess <= 0) return
    this.#waiting.splice(0, excess)
    this.dropped += excess
  }
}
