import type { TelemetryPayload } from '@gaugeline/backend/protocol'

/** A reading that waits for its acknowledgement, with the instant at which it was due. */
export interface Queued {
  readonly reading: TelemetryPayload
  readonly intendedMs: number
}

interface Waiting extends Queued {
  /** The place in the order in which readings were taken. */
  readonly order: number
}

/**
 * What a device holds until the broker has acknowledged it: a bounded ring, oldest dropped first. Readings keep their own
 * timestamps, so what is sent after an outage lands where it belongs, and their order, whatever the order in which messages failed.
 */
export class Outbox {
  readonly #capacity: number
  readonly #dropped: (item: Queued) => void
  readonly #waiting: Waiting[] = []
  #order = 0

  /** `dropped`: called with each reading that a full buffer threw away. */
  constructor(dropped: (item: Queued) => void, capacity = 3_600) {
    this.#dropped = dropped
    this.#capacity = capacity
  }

  get size(): number {
    return this.#waiting.length
  }

  get items(): readonly Queued[] {
    return this.#waiting
  }

  push({ reading, intendedMs }: Queued): void {
    this.#waiting.push({ reading, intendedMs, order: this.#order++ })
    this.#trim()
  }

  /** Takes the oldest readings, at most `limit`. */
  take(limit: number): readonly Queued[] {
    return this.#waiting.splice(0, limit)
  }

  /** Puts back what was taken and not acknowledged, where it was: several messages that fail one after the other do not change places. */
  putBack(items: readonly Queued[]): void {
    const taken = items as readonly Waiting[]
    const [first] = taken
    if (!first) return
    const place = this.#waiting.findIndex(({ order }) => order > first.order)
    this.#waiting.splice(place === -1 ? this.#waiting.length : place, 0, ...taken)
    this.#trim()
  }

  #trim(): void {
    const excess = this.#waiting.length - this.#capacity
    if (excess > 0) for (const item of this.#waiting.splice(0, excess)) this.#dropped(item)
  }
}
