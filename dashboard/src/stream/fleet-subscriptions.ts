import { isDeviceTopic, type SubscriptionResult, type Welcome } from '@gaugeline/backend/protocol'
import type { Clock } from './clock.ts'
import type { Fleet } from './fleet.ts'
import type { NoteBook } from './note-book.ts'
import { patiently } from './patience.ts'
import { RequestFailed, type StreamClient } from './stream-client.ts'

const FLEET_MAX_HZ = 1

export interface FleetSubscriptionsOptions {
  readonly client: StreamClient
  readonly clock: Clock
  readonly fleet: Fleet
  readonly notes: NoteBook
}

interface Wanted {
  readonly sid: number
  readonly topic: string
  readonly mode: 'latest'
  readonly maxHz: number
  readonly statesAfter?: string
}

/** What is to be asked next of a subscription. */
function remaining(asked: readonly Wanted[], result: SubscriptionResult): readonly Wanted[] {
  const one = asked.find(({ sid }) => sid === result.sid)
  if (!one) return []
  if (!result.ok) {
    // A socket that lacks a part of the fleet would look complete: the client opens another one.
    if (result.retry === 'never') return []
    throw new RequestFailed(result.code, result.message)
  }
  const { more, statesUntil } = result
  if (!more) return []
  if (statesUntil !== undefined) return [{ ...one, statesAfter: statesUntil }]
  // Those before it in the same message took all the room.
  return asked.length > 1 ? [one] : []
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
    for (const topic of devices) if (isDeviceTopic(topic)) this.#options.fleet.know(topic)
    const wanted = devices.map((topic, index) => ({
      sid: index + 1,
      topic,
      mode: 'latest' as const,
      maxHz: FLEET_MAX_HZ,
    }))
    const size = limits.subscriptionsPerMessage
    for (let i = 0; i < wanted.length; i += size) {
      const subscriptions = wanted.slice(i, i + size)
      await this.#ask(subscriptions)
    }
    this.hasSnapshot = true
  }

  /** Asks again for what did not fit an answer, and for what was refused for now. Rejects when an entitlement is refused for now. */
  async #ask(wanted: readonly Wanted[]): Promise<void> {
    const { client, clock, fleet, notes } = this.#options
    let subscriptions = wanted
    while (subscriptions.length > 0) {
      const question = { action: 'subscribe' as const, subscriptions: [...subscriptions] }
      const answer = await patiently(clock, () => client.request(question))
      for (const state of answer.states) fleet.state(state)
      for (const refusals of answer.refusals ?? []) fleet.refused(refusals)
      notes.keep(answer.notes)
      const asked = subscriptions
      subscriptions = answer.results.flatMap((result) => remaining(asked, result))
    }
  }

  /** Asks for the newest values, who is there and the notes once more: such pushes are not kept for a link that could not follow. */
  async refresh(): Promise<void> {
    if (this.#welcome) await this.subscribe(this.#welcome)
  }
}
