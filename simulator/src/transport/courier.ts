import type { TelemetryPayload } from '@gaugeline/backend/protocol'
import { Outbox, type Queued } from './outbox.ts'

/** IoT Core holds at most 100 unacknowledged messages of a client; a fifth of it. */
const maxInFlight = 20
const maxReadingsPerMessage = 50

export interface CourierOptions {
  /** Resolves true on the broker's acknowledgement. */
  readonly publish: (payload: string) => Promise<boolean>
  readonly isConnected: () => boolean
  readonly acked: (item: Queued, sentMs: number, nowMs: number) => void
  /** A full buffer threw a reading away. */
  readonly dropped: (item: Queued) => void
  readonly now: () => number
}

/** Brings a device's readings to the broker, each until it is acknowledged or the buffer is full. */
export class Courier {
  readonly #options: CourierOptions
  readonly #outbox: Outbox
  readonly #idle: (() => void)[] = []
  readonly #inFlight = new Set<readonly Queued[]>()
  #readingsInFlight = 0

  constructor(options: CourierOptions) {
    this.#options = options
    this.#outbox = new Outbox(options.dropped)
  }

  /** Readings that are not acknowledged yet. */
  get buffered(): number {
    return this.#outbox.size + this.#readingsInFlight
  }

  /** Calls `visit` with the instant at which each reading was due that is not acknowledged yet. */
  eachWaiting(visit: (intendedMs: number) => void): void {
    for (const items of this.#inFlight) for (const { intendedMs } of items) visit(intendedMs)
    for (const { intendedMs } of this.#outbox.items) visit(intendedMs)
  }

  take(reading: TelemetryPayload, intendedMs: number): void {
    this.#outbox.push({ reading, intendedMs })
    this.flush()
  }

  /** Sends what waits, as much as may be in flight. To be called when the link is up again. */
  flush(): void {
    while (
      this.#options.isConnected() &&
      this.#outbox.size > 0 &&
      this.#readingsInFlight < maxInFlight
    ) {
      void this.#send(this.#outbox.take(maxReadingsPerMessage))
    }
  }

  /** Resolves when everything is acknowledged. May never be, so it is waited for with a limit. */
  whenIdle(): Promise<void> {
    if (this.buffered === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  async #send(items: readonly Queued[]): Promise<void> {
    const { publish, acked, now } = this.#options
    this.#inFlight.add(items)
    this.#readingsInFlight += items.length
    const [first] = items
    const body = items.length === 1 && first ? first.reading : items.map((item) => item.reading)
    const sentMs = now()
    const isAcknowledged = await publish(JSON.stringify(body))
    this.#inFlight.delete(items)
    this.#readingsInFlight -= items.length
    if (!isAcknowledged) {
      this.#outbox.putBack(items)
      return
    }
    const nowMs = now()
    for (const item of items) acked(item, sentMs, nowMs)
    this.flush()
    if (this.buffered === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }
}
