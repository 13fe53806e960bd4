import type { Position } from '@gaugeline/backend/protocol'
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
import type { Question, Range } from '../timeline/past.ts'
import { Timeline } from '../timeline/timeline.ts'
import { RequestFailed, type StreamClient } from './stream-client.ts'

/** The sids below are the fleet's, one per entitlement. */
const FIRST_SID = 1_000
/** A chart that was closed stays subscribed this long: people go back and forth. */
const LINGER_MS = 20_000
const SUBSCRIBE_RETRY_MS = 3_000
/** Between two questions about the same stretch, when the first one failed. */
const ASK_AGAIN_MS = 3_000

interface Watch extends WatchedDevice {
  readonly timeline: Timeline
  users: number
  /** Settles when the question that is under way has been answered, well or not. */
  asking: Promise<void> | undefined
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

  timeline(topic: string): Timeline | undefined {
    return this.#watches.get(topic)?.timeline
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

  /** Keeps a device in complete mode until the returned function is called; its readings of the last `windowMs` come at once. */
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
   * Asks the history for what a stretch of a watched device lacks, question by question; `wantsReadings`: each reading, where buckets would
   * do for a chart. Settles when all of it is there, or cannot be had now.
   */
  async load(
    topic: string,
    range: Range,
    options: { wantsReadings?: boolean } = {},
  ): Promise<void> {
    const watch = this.#watches.get(topic)
    await watch?.ready
    while (watch && this.#watches.get(topic) === watch) {
      if (watch.asking) {
        await watch.asking
        continue
      }
      const nowMs = this.#options.serverNow()
      const question = watch.timeline.question(range, { nowMs, ...options })
      if (!question) return
      watch.asking = this.#ask(watch, question).finally(() => {
        watch.asking = undefined
      })
    }
  }

  async #ask({ timeline, feed }: Watch, { fromMs, toMs, bucketMs }: Question): Promise<void> {
    const { client, clock, notes, serverNow } = this.#options
    const { past } = timeline
    const size = bucketMs === undefined ? {} : { bucketMs }
    const base = { action: 'history', topic: feed.topic, from: fromMs, to: toMs, ...size } as const
    past.begin({ fromMs, toMs, bucketMs })
    try {
      let cursor: string | null = null
      do {
        const place: { cursor?: string } = cursor === null ? {} : { cursor }
        const page = await patiently(clock, () => client.request({ ...base, ...place }))
        notes.keep(page.notes ?? [])
        if (!past.keep(page)) return
        cursor = page.cursor
      } while (cursor !== null)
      past.done()
    } catch {
      past.fail(serverNow() + ASK_AGAIN_MS)
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
    const feed = new DeviceFeed(topic)
    const watch: Watch = {
      sid: this.#nextSid++,
      feed,
      timeline: new Timeline(feed),
      windowMs,
      users: 0,
      asking: undefined,
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
