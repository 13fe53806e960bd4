import { limits } from '@gaugeline/backend/protocol'
import type { Clock } from './clock.ts'
import { deviceStatus, type Fleet, type FleetDevice } from './fleet.ts'
import { patiently } from './patience.ts'
import type { StreamClient } from './stream-client.ts'

/** Between two questions: a plant that falls silent at once must not become a burst of them. */
const PAUSE_MS = 250

export interface LastReadingsOptions {
  readonly client: StreamClient
  readonly fleet: Fleet
  readonly clock: Clock
  /** Epoch milliseconds by the server's clock. */
  readonly serverNow: () => number
}

/**
 * The server pushes the newest values at most once per period and has no timer: what came within the period of the last push waits for the
 * device's next reading. Of a device that has fallen silent it would wait for ever, so this asks for what follows the last push: once
 * for each silence, device by device, and only for those on screen.
 */
export class LastReadings {
  readonly #options: LastReadingsOptions
  /** Topic → the position from which on nothing more was to be had. */
  readonly #asked = new Map<string, string>()
  #wanted: readonly string[] = []
  #isAsking = false

  constructor(options: LastReadingsOptions) {
    this.#options = options
  }

  /** The topics on screen now; replaces those of the call before. Looks whether one of them has fallen silent. */
  want(topics: readonly string[]): void {
    this.#wanted = topics
    this.#next()
  }

  #next(): void {
    const { client, fleet, clock } = this.#options
    if (this.#isAsking || client.connection().phase !== 'live') return
    const device = this.#wanted
      .map((topic) => fleet.get(topic))
      .find((found) => found !== undefined && this.#isDue(found))
    if (!device) return
    this.#isAsking = true
    void this.#ask(device).finally(() => {
      clock.after(PAUSE_MS, () => {
        this.#isAsking = false
        this.#next()
      })
    })
  }

  #isDue(device: FleetDevice): boolean {
    const { topic, position } = device
    if (position === undefined || this.#asked.get(topic) === position) return false
    // Of one that seems to have been heard once, too: what came just after may have been left out.
    return deviceStatus(device, this.#options.serverNow()) !== 'live'
  }

  async #ask({ topic, position: since }: FleetDevice): Promise<void> {
    if (since === undefined) return
    const { client, clock, fleet } = this.#options
    this.#asked.set(topic, since)
    const question = { action: 'history', topic, since, limit: limits.historyPoints } as const
    try {
      const page = await patiently(clock, () => client.request(question))
      for (const block of page.blocks ?? []) fleet.block(block)
      const { position } = fleet.get(topic) ?? {}
      // With a cursor there is more: the next look asks from where this page ends.
      if (page.cursor === null && position !== undefined) this.#asked.set(topic, position)
    } catch {
      // The values stay as old as they say they are; a new socket brings a new snapshot.
      return
    }
  }
}
