import type { Position } from '@gaugeline/backend/protocol'
import { bucketMsFor } from './buckets.ts'
import {
  type CompleteSubscriptions,
  type Outcome,
  type WatchedDevice,
} from './complete-subscriptions.ts'
import type { Clock } from './clock.ts'
import { DeviceFeed } from './device-feed.ts'
import { type HoleRepair, REORDER_GRACE_MS } from './hole-repair.ts'
import type { NoteBook } from './note-book.ts'
import { patiently } from './patience.ts'
import { RequestFailed, type StreamClient } from './stream-client.ts'

/** The sids below are the fleet's, one per entitlement. */
const FIRST_SID = 1_000
/** A chart that was closed stays subscribed this long: people go back and forth. */
const LINGER_MS = 20_000
const SUBSCRIBE_RETRY_MS = 3_000
const COARSE_BUCKETS = 600

interface Watch extends WatchedDevice {
  users: number
  /** Settles when the first subscribe has been answered, well or not. */
  ready: Promise<void>
  cancelLinger: () => void
}

/** What became of the readings of an outage, for the status bar. */
export interface Recovery extends Outcome {
  readonly at: number
  readonly tookMs: number
}

export interface WatchedDevicesOptions {
  readonly client: StreamClient
  readonly clock: Clock
  readonly notes: NoteBook
  readonly repair: HoleRepair
  readonly subscriptions: CompleteSubscriptions
  /** Epoch milliseconds by the server's clock. */
  readonly serverNow: () => number
}

/** The devices with an open chart: who looks at which, and what became of them when the link was away. */
export class WatchedDevices {
  recovery: Recovery | undefined
  readonly #options: WatchedDevicesOptions
  readonly #watches = new Map<string, Watch>()
  #nextSid = FIRST_SID
  #lostAt: number | undefined

  constructor(options: WatchedDevicesOptions) {
    this.#options = options
  }

  get(topic: string): WatchedDevice | undefined {
    return this.#watches.get(topic)
  }

  feeds(): DeviceFeed[] {
    return [...this.#watches.values()].map(({ feed }) => feed)
  }

  /** Up to where each device is complete, for the pings. */
  positions(): Record<string, Position> {
    const positions: Record<string, Position> = {}
    for (const { topic, position } of this.feeds()) {
      if (position !== null) positions[topic] = position
    }
    return positions
  }

  /** Keeps a device in complete mode until the returned function is called. */
  watch(topic: string, windowMs: number): () => void {
    const watch = this.#watches.get(topic) ?? this.#newWatch(topic, windowMs)
    watch.users++
    watch.cancelLinger()
    let released = false
    return () => {
      if (released) return
      released = true
      watch.users--
      if (watch.users === 0) {
        watch.cancelLinger = this.#options.clock.after(LINGER_MS, () => this.#drop(watch))
      }
    }
  }

  /**
   * Makes the chart of a watched device reach back `windowMs`: what lies before the first reading held comes as min/max buckets.
   * Asks nothing when it is there already.
   */
  async widen(topic: string, windowMs: number): Promise<void> {
    const watch = this.#watches.get(topic)
    if (!watch) return
    await watch.ready
    const { client, clock, notes, serverNow } = this.#options
    const { feed } = watch
    const to = Math.ceil(feed.series.firstTs ?? serverNow())
    const from = Math.floor(serverNow() - windowMs)
    if (from >= to || from >= feed.reachesBackTo) return
    const reachedBefore = feed.reachesBackTo
    feed.reachesBackTo = from
    const bucketMs = Math.max(1_000, bucketMsFor(windowMs, COARSE_BUCKETS))
    try {
      const question = { action: 'history', topic, from, to, bucketMs } as const
      const page = await patiently(clock, () => client.request(question))
      if (page.buckets) feed.coarse = page.buckets
      notes.keep(page.notes ?? [])
    } catch {
      feed.reachesBackTo = reachedBefore
    }
  }

  /** The link is away. */
  lost(): void {
    if (this.#lostAt !== undefined) return
    this.#lostAt = this.#options.clock.now()
    for (const feed of this.feeds()) feed.disconnected(this.#options.serverNow())
  }

  /** Subscribes to all on a new socket. Rejects with {@link RequestFailed}. */
  subscribeAll(): Promise<void> {
    return this.#subscribe([...this.#watches.values()])
  }

  /** The server's newest positions: what a device lacks up to there is a lost tail. */
  learnHeads(heads: Readonly<Record<string, Position>>): void {
    for (const [topic, head] of Object.entries(heads)) {
      const feed = this.#watches.get(topic)?.feed
      if (!feed) continue
      this.#options.clock.after(REORDER_GRACE_MS, () => {
        if (feed.learnHead(head)) this.#options.repair.now(feed)
        // An announced gap in which nothing is missing after all.
        else if (this.#lostAt === undefined) feed.resumed(0)
      })
    }
  }

  /** The server says that it could not send. */
  announceGap(topic: string, reason: 'throttled' | 'slow' | 'shed' | 'failed'): void {
    const watch = this.#watches.get(topic)
    if (!watch) return
    watch.feed.announceGap(reason, this.#options.serverNow())
    // Its head tells where the gap ends.
    this.#options.client.wake()
  }

  #newWatch(topic: string, windowMs: number): Watch {
    const watch: Watch = {
      sid: this.#nextSid++,
      feed: new DeviceFeed(topic),
      windowMs,
      users: 0,
      ready: Promise.resolve(),
      cancelLinger: () => undefined,
    }
    this.#watches.set(topic, watch)
    if (this.#options.client.connection().welcome) watch.ready = this.#subscribeFirst(watch)
    return watch
  }

  /** A failure on a live socket is tried again; without a socket the next welcome subscribes. */
  async #subscribeFirst(watch: Watch): Promise<void> {
    try {
      await this.#subscribe([watch])
    } catch (error) {
      if (error instanceof RequestFailed && error.code === 'CLOSED') return
      this.#options.clock.after(SUBSCRIBE_RETRY_MS, () => {
        const isWanted = this.#watches.get(watch.feed.topic) === watch
        if (isWanted && this.#options.client.connection().phase === 'live') {
          watch.ready = this.#subscribeFirst(watch)
        }
      })
    }
  }

  async #subscribe(watches: readonly Watch[]): Promise<void> {
    const { clock, subscriptions } = this.#options
    const startedAt = clock.now()
    const isResuming = this.#lostAt !== undefined
    const outcome = await subscriptions.subscribe(watches)
    if (!isResuming) return
    this.#lostAt = undefined
    const at = clock.now()
    if (watches.length > 0) this.recovery = { ...outcome, at, tookMs: at - startedAt }
  }

  #drop(watch: Watch): void {
    this.#watches.delete(watch.feed.topic)
    // A failure leaves a subscription that ends with the connection.
    this.#options.client
      .request({ action: 'unsubscribe', sids: [watch.sid] })
      .catch((): undefined => undefined)
  }
}
