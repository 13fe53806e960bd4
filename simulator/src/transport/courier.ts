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
  readonly dropped: (count: number) => void
  readonly now: () => number
}

/** Brings a device's readings to the broker, each until it is acknowledged or the buffer is full. */
export class Courier {
  readonly #options: CourierOptions
  readonly #outbox = new Outbox()
  readonly #idle: (() => void)[] = []
  #inFlight = 0
  #droppedBefore = 0

  constructor(options: CourierOptions) {
    this.#options = options
  }

  /** Readings that are not acknowledged yet. */
  get buffered(): number {
    return this.#outbox.size + this.#inFlight
  }

  take(reading: TelemetryPayload, intendedMs: number): void {
    this.#outbox.push({ reading, intendedMs })
    this.#countDropped()
    this.flush()
  }

  /** Sends what waits, as much as may be in flight. To be called when the link is up again. */
  flush(): void {
    while (this.#options.isConnected() && this.#outbox.size > 0 && this.#inFlight < maxInFlight) {
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
    this.#inFlight += items.length
    const [first] = items
    const body = items.length === 1 && first ? first.reading : items.map((item) => item.reading)
    const sentMs = now()
    const isAcknowledged = await publish(JSON.stringify(body))
    this.#inFlight -= items.length
    if (!isAcknowledged) {
      this.#outbox.putBack(items)
      this.#countDropped()
      return
    }
    const nowMs = now()
    for (const item of items) acked(item, sentMs, nowMs)
    this.flush()
    if (this.buffered === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }

  #countDropped(): void {
    const dropped = this.#outbox.dropped - this.#droppedBefore
    this.#droppedBefore = this.#outbox.dropped
    if (dropped > 0) this.#options.dropped(dropped)
  }
}
