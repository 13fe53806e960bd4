import { isDeviceTopic, type Welcome } from '@gaugeline/backend/protocol'
import type { Clock } from './clock.ts'
import type { Fleet } from './fleet.ts'
import type { NoteBook } from './note-book.ts'
import { patiently } from './patience.ts'
import type { StreamClient } from './stream-client.ts'

const FLEET_MAX_HZ = 1

export interface FleetSubscriptionsOptions {
  readonly client: StreamClient
  readonly clock: Clock
  readonly fleet: Fleet
  readonly notes: NoteBook
}

/** Subscribes to the newest values of everything that the bearer may see. Its sids begin at 1, one per entitlement. */
export class FleetSubscriptions {
  /** True once the first snapshot has come. */
  hasSnapshot = false
  readonly #options: FleetSubscriptionsOptions
  #welcome: Welcome | undefined

  constructor(options: FleetSubscriptionsOptions) {
    this.#options = options
  }

  /** On every new socket. Rejects with {@link RequestFailed}. */
  async subscribe(welcome: Welcome): Promise<void> {
    this.#welcome = welcome
    const { devices, limits } = welcome
    const { client, clock, fleet, notes } = this.#options
    for (const topic of devices) if (isDeviceTopic(topic)) fleet.know(topic)
    const wanted = devices.map((topic, index) => ({
      sid: index + 1,
      topic,
      mode: 'latest' as const,
      maxHz: FLEET_MAX_HZ,
    }))
    const size = limits.subscriptionsPerMessage
    for (let i = 0; i < wanted.length; i += size) {
      const subscriptions = wanted.slice(i, i + size)
      const ask = () => client.request({ action: 'subscribe', subscriptions })
      const answer = await patiently(clock, ask)
      for (const state of answer.states) fleet.state(state)
      notes.keep(answer.notes)
    }
    this.hasSnapshot = true
  }

  /** Asks for the newest values, who is there and the notes once more: such pushes are not kept for a link that could not follow. */
  async refresh(): Promise<void> {
    if (this.#welcome) await this.subscribe(this.#welcome)
  }
}
