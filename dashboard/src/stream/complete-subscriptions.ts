import type { Block, Position, Subscribed, SubscriptionResult } from '@gaugeline/backend/protocol'
import type { Clock } from './clock.ts'
import type { DeviceFeed } from './device-feed.ts'
import type { HoleRepair } from './hole-repair.ts'
import type { NoteBook } from './note-book.ts'
import { patiently } from './patience.ts'
import type { StreamClient } from './stream-client.ts'

/** More are left out by the server: then they are not single readings any more. */
const SNAPSHOT_READINGS = 1_000
/** A device's clock may be so far ahead of its readings' arrival: those at the window's beginning arrived before it. */
const LEAD_MS = 60_000
const DEVICES_PER_MESSAGE = 20
/** An answer is never older than this. */
const ANSWERED_WITHIN_MS = 60_000

/** A device that somebody looks at: it is subscribed to in complete mode. */
export interface WatchedDevice {
  readonly sid: number
  readonly feed: DeviceFeed
  readonly windowMs: number
}

/** What a subscribe brought of one or more devices. */
export interface Outcome {
  readonly readings: number
  /** Milliseconds of time axis that could not be had, over all devices. */
  readonly lostMs: number
  readonly reason: string | undefined
}

export interface CompleteSubscriptionsOptions {
  readonly client: StreamClient
  readonly clock: Clock
  readonly notes: NoteBook
  readonly repair: HoleRepair
  /** Epoch milliseconds by the server's clock. */
  readonly serverNow: () => number
}

/** Subscribes to devices in complete mode, from where each feed stands, and takes in all that the answer says follows it. */
export class CompleteSubscriptions {
  /** Topic → why the server refuses it. */
  readonly denied = new Map<string, string>()
  readonly #options: CompleteSubscriptionsOptions

  constructor(options: CompleteSubscriptionsOptions) {
    this.#options = options
  }

  /** Settles when everything that the devices have missed has come. Rejects with {@link RequestFailed}. */
  async subscribe(devices: readonly WatchedDevice[]): Promise<Outcome> {
    const outcomes: Outcome[] = []
    for (let i = 0; i < devices.length; i += DEVICES_PER_MESSAGE) {
      outcomes.push(...(await this.#loading(devices.slice(i, i + DEVICES_PER_MESSAGE))))
    }
    return {
      readings: outcomes.reduce((sum, { readings }) => sum + readings, 0),
      lostMs: outcomes.reduce((sum, { lostMs }) => sum + lostMs, 0),
      reason: outcomes.find(({ reason }) => reason !== undefined)?.reason,
    }
  }

  /** Pushes may run ahead of the answer and of its pages: until all have come, what they lack is neither lost nor asked for twice. */
  async #loading(devices: readonly WatchedDevice[]): Promise<Outcome[]> {
    const { client, repair } = this.#options
    for (const { feed } of devices) {
      repair.hold(feed)
      feed.isLoading = true
    }
    try {
      return await this.#subscribeTo(devices)
    } finally {
      for (const { feed } of devices) {
        repair.release(feed)
        feed.isLoading = false
        if (client.connection().welcome) repair.now(feed)
      }
    }
  }

  async #subscribeTo(devices: readonly WatchedDevice[]): Promise<Outcome[]> {
    const since = new Map(devices.map(({ sid, feed }) => [sid, feed.resumeFrom]))
    const answer = await this.#ask(devices, since)
    this.#options.notes.keep(answer.notes)
    const outcomes: Promise<Outcome>[] = []
    for (const device of devices) {
      const result = answer.results.find(({ sid }) => sid === device.sid)
      const blocks = answer.blocks.filter(({ sid }) => sid === device.sid)
      const from = since.get(device.sid) ?? null
      if (result) outcomes.push(this.#subscribed(device, { result, blocks, since: from }))
    }
    return Promise.all(outcomes)
  }

  #ask(
    devices: readonly WatchedDevice[],
    since: ReadonlyMap<number, Position | null>,
  ): Promise<Subscribed> {
    const { client, clock } = this.#options
    const subscriptions = devices.map(({ sid, feed, windowMs }) => ({
      sid,
      topic: feed.topic,
      mode: 'complete' as const,
      window: { lastMs: windowMs + LEAD_MS, points: SNAPSHOT_READINGS },
      ...sinceOf(since.get(sid)),
    }))
    return patiently(clock, () => client.request({ action: 'subscribe', subscriptions }))
  }

  async #subscribed({ feed, windowMs }: WatchedDevice, answer: Answer): Promise<Outcome> {
    const { result, blocks, since } = answer
    if (!result.ok) {
      this.denied.set(feed.topic, result.message)
      return { readings: 0, lostMs: 0, reason: undefined }
    }
    const { repair, serverNow } = this.#options
    this.denied.delete(feed.topic)
    const before = feed.series.length
    if (!since || !result.recovered) feed.knownFromMs = serverNow() - windowMs
    const rest = feed.subscribed(result, blocks, since)
    if (result.head === null) feed.beginsAt(Math.floor(serverNow()) - ANSWERED_WITHIN_MS)
    if (rest) await repair.fill(feed, rest)
    const readings = feed.series.length - before
    feed.resumed(readings)
    const { lost } = result
    return { readings, lostMs: lost ? lost.toMs - lost.fromMs : 0, reason: lost?.reason }
  }
}

/** The part of a `subscribed` that is about one device, and from where on it was asked for. */
interface Answer {
  readonly result: SubscriptionResult
  readonly blocks: readonly Block[]
  readonly since: Position | null
}

function sinceOf(position: Position | null | undefined): { since?: Position } {
  return position === null || position === undefined ? {} : { since: position }
}
