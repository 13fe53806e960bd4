import {
  type AlarmView,
  type Block,
  type CommandUpdate,
  decodePosition,
  type HistoryPage,
  isDeviceTopic,
  type Note,
  type Position,
  type ServerMessage,
  type Subscribed,
  type SubscriptionResult,
  topicMatches,
  type Welcome,
} from '@gaugeline/backend/protocol'
import { bucketMsFor } from './buckets.ts'
import type { Clock } from './clock.ts'
import { firstHole, type Span } from './coverage.ts'
import { DeviceFeed } from './device-feed.ts'
import { Fleet } from './fleet.ts'
import { Samples } from './samples.ts'
import { RequestFailed, type StreamClient } from './stream-client.ts'
import { Turns } from './turns.ts'

/** Fleet subscriptions take the sids below, one per entitlement; a device with an open chart takes one from here on. */
const FIRST_DEVICE_SID = 1_000
const FLEET_MAX_HZ = 1
const HISTORY_PAGE = 1_000
/** Pages asked for at once: after an outage everybody has holes, and thousands of questions at a time would all come too late. */
const PAGES_AT_ONCE = 4
/** Grace for pushes that overtake each other, before a missing tail is asked for. */
const REORDER_GRACE_MS = 500
/** The same while the server holds readings back: every block opens a hole then, and the link has enough to do. */
const SLOW_REPAIR_MS = 5_000
/** An answer is never older than this. */
const ANSWERED_WITHIN_MS = 60_000
/** Holes that are no further apart are asked for together. */
const NEAR_MS = 30_000
/** A chart that was closed stays subscribed this long: people go back and forth. */
const LINGER_MS = 20_000
const SUBSCRIBE_RETRY_MS = 3_000
const SAMPLES_MS = 60_000
const COMMANDS_KEPT = 50
const COARSE_BUCKETS = 600

interface Watch {
  readonly sid: number
  readonly feed: DeviceFeed
  users: number
  windowMs: number
  repairing: boolean
  /** True while a repair waits for its time. */
  isRepairDue: boolean
  /** Settles when the first subscribe has been answered, well or not. */
  ready: Promise<void>
  cancelLinger: () => void
}

/** What became of the readings of an outage, for the status bar. */
export interface Recovery {
  readonly at: number
  readonly tookMs: number
  readonly readings: number
  /** Milliseconds of time axis that could not be had, over all devices. */
  readonly lostMs: number
  readonly reason: string | undefined
}

export interface TelemetryOptions {
  readonly client: StreamClient
  readonly clock: Clock
}

/**
 * Everything the dashboard knows, built from one stream client: the fleet's newest values, complete series of the watched devices, notes,
 * alarms, command states and figures. No Vue: readers look at `version`.
 */
export class Telemetry {
  readonly client: StreamClient
  readonly fleet = new Fleet()
  readonly alarms = new Map<string, AlarmView>()
  readonly notes = new Map<string, Note>()
  readonly commands = new Map<string, CommandUpdate>()
  readonly latency = new Samples(SAMPLES_MS)
  readonly readings = new Samples(10_000)
  /** Grows with every change of anything here. */
  version = 0
  /** Server frames received since the start. */
  frames = 0
  /** True once the first fleet snapshot has come. */
  hasSnapshot = false
  hasAlarms = false
  slow = false
  recovery: Recovery | undefined
  /** Topic → why the server refuses it. */
  readonly denied = new Map<string, string>()
  readonly #clock: Clock
  readonly #watches = new Map<string, Watch>()
  readonly #pages = new Turns(PAGES_AT_ONCE)
  #nextSid = FIRST_DEVICE_SID
  #alarmsRevision = 0
  #listingAlarms = false
  #lostAt: number | undefined

  constructor(options: TelemetryOptions) {
    this.client = options.client
    this.#clock = options.clock
    this.client.reportPositions(() => this.#positions())
    this.client.listen({
      connection: (connection) => {
        if (connection.phase === 'reconnecting' && this.hasSnapshot) this.#lost()
        this.version++
      },
      welcome: (welcome) => this.#welcomed(welcome),
      message: (message, receivedAt) => this.#received(message, receivedAt),
    })
  }

  /** Epoch milliseconds by the server's clock. */
  serverNow(): number {
    return this.#clock.now() + this.client.connection().clockOffsetMs
  }

  feed(topic: string): DeviceFeed | undefined {
    return this.#watches.get(topic)?.feed
  }

  feeds(): DeviceFeed[] {
    return [...this.#watches.values()].map((watch) => watch.feed)
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
        watch.cancelLinger = this.#clock.after(LINGER_MS, () => this.#drop(watch))
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
    const to = watch.feed.series.firstTs ?? this.serverNow()
    const from = Math.floor(this.serverNow() - windowMs)
    if (from >= to || from >= watch.feed.reachesBackTo) return
    const reachedBefore = watch.feed.reachesBackTo
    watch.feed.reachesBackTo = from
    const bucketMs = Math.max(1_000, bucketMsFor(windowMs, COARSE_BUCKETS))
    try {
      const page = await this.#patiently(() =>
        this.client.request({ action: 'history', topic, from, to: Math.ceil(to), bucketMs }),
      )
      if (page.buckets) watch.feed.setCoarse(page.buckets)
      for (const note of page.notes ?? []) this.notes.set(note.noteId, note)
    } catch {
      watch.feed.reachesBackTo = reachedBefore
    }
    this.version++
  }

  notesFor(topic: string): Note[] {
    return [...this.notes.values()]
      .filter((note) => isDeviceTopic(topic) && topicMatches(note.topic, topic))
      .sort((a, b) => b.at - a.at)
  }

  #newWatch(topic: string, windowMs: number): Watch {
    const watch: Watch = {
      sid: this.#nextSid++,
      feed: new DeviceFeed(topic),
      users: 0,
      windowMs,
      repairing: false,
      isRepairDue: false,
      ready: Promise.resolve(),
      cancelLinger: () => undefined,
    }
    this.#watches.set(topic, watch)
    if (this.client.connection().welcome) watch.ready = this.#subscribeFirst(watch)
    return watch
  }

  /** A failure on a live socket is tried again; without a socket the next welcome subscribes. */
  async #subscribeFirst(watch: Watch): Promise<void> {
    try {
      await this.#subscribeDevices([watch])
    } catch (error) {
      if (error instanceof RequestFailed && error.code === 'CLOSED') return
      this.#clock.after(SUBSCRIBE_RETRY_MS, () => {
        const isWanted = this.#watches.get(watch.feed.topic) === watch
        if (isWanted && this.client.connection().phase === 'live') {
          watch.ready = this.#subscribeFirst(watch)
        }
      })
    }
  }

  #drop(watch: Watch): void {
    this.#watches.delete(watch.feed.topic)
    // A failure leaves a subscription that ends with the connection.
    this.client
      .request({ action: 'unsubscribe', sids: [watch.sid] })
      .catch((): undefined => undefined)
  }

  #positions(): Record<string, Position> {
    const positions: Record<string, Position> = {}
    for (const { feed } of this.#watches.values()) {
      if (feed.position !== null) positions[feed.topic] = feed.position
    }
    return positions
  }

  #lost(): void {
    if (this.#lostAt !== undefined) return
    this.#lostAt = this.#clock.now()
    for (const { feed } of this.#watches.values()) feed.disconnected(this.serverNow())
  }

  async #welcomed(welcome: Welcome): Promise<void> {
    this.slow = false
    await Promise.all([
      this.#subscribeFleet(welcome),
      this.#subscribeDevices([...this.#watches.values()]),
      // Without the alarms the readings are still worth showing; the next pong asks again.
      this.#listAlarms().catch((): undefined => undefined),
    ])
  }

  async #subscribeFleet(welcome: Welcome): Promise<void> {
    for (const topic of welcome.devices) if (isDeviceTopic(topic)) this.fleet.know(topic)
    const subscriptions = welcome.devices.map((topic, index) => ({
      sid: index + 1,
      topic,
      mode: 'latest' as const,
      maxHz: FLEET_MAX_HZ,
    }))
    const size = welcome.limits.subscriptionsPerMessage
    for (let i = 0; i < subscriptions.length; i += size) {
      const answer = await this.#subscribe(subscriptions.slice(i, i + size))
      for (const state of answer.states) this.fleet.state(state)
      this.#keepNotes(answer)
    }
    this.hasSnapshot = true
    this.version++
  }

  async #subscribeDevices(watches: readonly Watch[]): Promise<void> {
    const startedAt = this.#clock.now()
    const resuming = this.#lostAt !== undefined
    let readings = 0
    let lostMs = 0
    let reason: string | undefined
    const size = 20
    for (let i = 0; i < watches.length; i += size) {
      for (const outcome of await this.#loading(watches.slice(i, i + size))) {
        readings += outcome.readings
        lostMs += outcome.lostMs
        reason ??= outcome.reason
      }
    }
    if (resuming && watches.length > 0) {
      const at = this.#clock.now()
      this.recovery = { at, tookMs: at - startedAt, readings, lostMs, reason }
    }
    if (resuming) this.#lostAt = undefined
    this.version++
  }

  /** Pushes may run ahead of the answer and of its pages: until all have come, what they lack is neither lost nor asked for twice. */
  async #loading(watches: readonly Watch[]): Promise<Outcome[]> {
    for (const watch of watches) watch.repairing = watch.feed.isLoading = true
    try {
      return await this.#subscribePart(watches)
    } finally {
      for (const watch of watches) {
        watch.repairing = watch.feed.isLoading = false
        if (this.client.connection().welcome) this.#repair(watch)
      }
    }
  }

  async #subscribePart(watches: readonly Watch[]): Promise<Outcome[]> {
    const since = new Map(watches.map((watch) => [watch.sid, watch.feed.resumeFrom]))
    const answer = await this.#subscribe(
      watches.map((watch) => ({
        sid: watch.sid,
        topic: watch.feed.topic,
        mode: 'complete' as const,
        window: { lastMs: watch.windowMs, points: HISTORY_PAGE },
        ...sinceOf(since.get(watch.sid)),
      })),
    )
    this.#keepNotes(answer)
    const outcomes: Promise<Outcome>[] = []
    for (const watch of watches) {
      const result = answer.results.find((candidate) => candidate.sid === watch.sid)
      const blocks = answer.blocks.filter((block) => block.sid === watch.sid)
      if (result) outcomes.push(this.#subscribed(watch, result, blocks, since.get(watch.sid)))
    }
    return Promise.all(outcomes)
  }

  async #subscribed(
    watch: Watch,
    result: SubscriptionResult,
    blocks: readonly Block[],
    since: Position | null | undefined,
  ): Promise<Outcome> {
    const { feed } = watch
    if (!result.ok) {
      this.denied.set(feed.topic, result.message)
      return { readings: 0, lostMs: 0, reason: undefined }
    }
    this.denied.delete(feed.topic)
    const before = feed.series.length
    if (!since || !result.recovered) feed.reachesBackTo = this.serverNow() - watch.windowMs
    const rest = feed.subscribed(result, blocks, since ?? null)
    if (result.head === null) feed.beginsAt(Math.floor(this.serverNow()) - ANSWERED_WITHIN_MS)
    if (rest) await this.#fill(watch, rest)
    const readings = feed.series.length - before
    feed.resumed(readings)
    const lost = result.lost
    return { readings, lostMs: lost ? lost.toMs - lost.fromMs : 0, reason: lost?.reason }
  }

  async #subscribe(subscriptions: readonly unknown[]): Promise<Subscribed> {
    if (subscriptions.length === 0) return nothingSubscribed
    return this.#patiently(() =>
      this.client.request({ action: 'subscribe', subscriptions: [...subscriptions] }),
    )
  }

  /** Asks again when the server says "later", as late as it says. */
  async #patiently<T>(ask: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await ask()
      } catch (error) {
        const isLater =
          error instanceof RequestFailed &&
          (error.code === 'RATE_LIMITED' || error.code === 'OVERLOADED')
        if (!isLater || attempt === 5) throw error
        const waitMs = error.retryAfterMs ?? 500 * attempt
        await new Promise<void>((resolve) => this.#clock.after(waitMs, resolve))
      }
    }
  }

  /** Asks for the first holes of a device until none is left; one question at a time. */
  #repair(watch: Watch): void {
    const hole = firstHole(watch.feed.holes, NEAR_MS)
    if (!hole || watch.repairing) return
    watch.repairing = true
    this.#fill(watch, hole).then(
      () => {
        watch.repairing = false
        if (this.slow) this.#repairSoon(watch)
        else this.#repair(watch)
      },
      // No socket, no answer: the resume or the next ping finds the hole again.
      () => (watch.repairing = false),
    )
  }

  async #fill(watch: Watch, hole: Span): Promise<void> {
    const { topic } = watch.feed
    let cursor: string | null = null
    do {
      const page = await this.#page(topic, hole, cursor)
      cursor = page.cursor
      watch.feed.repaired(hole, page, cursor === null)
      for (const note of page.notes ?? []) this.notes.set(note.noteId, note)
      this.version++
    } while (cursor !== null)
  }

  #page(topic: string, { since, until }: Span, cursor: string | null): Promise<HistoryPage> {
    const from = cursor === null ? {} : { cursor }
    const question = {
      action: 'history',
      topic,
      since,
      until,
      limit: HISTORY_PAGE,
      ...from,
    } as const
    return this.#pages.take(() => this.#patiently(() => this.client.request(question)))
  }

  async #listAlarms(): Promise<void> {
    if (this.#listingAlarms) return
    this.#listingAlarms = true
    const list = await this.client
      .request({ action: 'alarms', op: 'list' })
      .finally(() => (this.#listingAlarms = false))
    if (list.type !== 'alarms') return
    this.alarms.clear()
    for (const alarm of list.alarms) this.alarms.set(alarm.alarm, alarm)
    this.#alarmsRevision = list.revision
    this.hasAlarms = true
    this.version++
  }

  #keepNotes(answer: Subscribed): void {
    for (const note of answer.notes) this.notes.set(note.noteId, note)
  }

  #received(message: ServerMessage, receivedAt: number): void {
    this.frames++
    this.version++
    switch (message.type) {
      case 'data':
        this.#data(message.blocks, receivedAt)
        break
      case 'presence':
        this.fleet.presence(message)
        break
      case 'note':
        this.notes.set(message.note.noteId, message.note)
        break
      case 'alarm':
        this.#alarm(message.alarm, message.revision)
        break
      case 'command':
        this.#command(message)
        break
      case 'pong':
        this.#heads(message.heads)
        if (message.alarmsRevision > this.#alarmsRevision) {
          this.#listAlarms().catch((): undefined => undefined)
        }
        break
      case 'gap':
        this.#announced(message.topic, message.reason)
        break
      case 'slow':
        this.slow = message.mode === 'latest'
        break
      case 'unsubscribed':
      case 'welcome':
      case 'subscribed':
      case 'history':
      case 'alarms':
      case 'alarmHistory':
      case 'refreshed':
      case 'revoked':
      case 'error':
      case 'goaway':
        break
    }
  }

  #data(blocks: readonly Block[], receivedAt: number): void {
    let readings = 0
    for (const block of blocks) {
      const watch = this.#watches.get(block.topic)
      this.fleet.block(block)
      if (watch && block.sid === watch.sid) {
        readings += watch.feed.push(block, receivedAt)
        this.#repairSoon(watch)
      } else if (!watch) readings += block.ts.length
    }
    this.readings.add(receivedAt, readings)
    const last = blocks.at(-1)
    if (last) this.#measure(last, receivedAt)
  }

  /** Device → browser, milliseconds: device → stream as the pipeline measured it, stream → here by the server's clock. */
  #measure(block: Block, receivedAt: number): void {
    const { clockOffsetMs } = this.client.connection()
    const arrivedMs = decodePosition(block.position).arrivalMs
    const before = Math.max(0, block.hops?.[0] ?? 0) + Math.max(0, block.hops?.[1] ?? 0)
    this.latency.add(receivedAt, Math.max(0, receivedAt + clockOffsetMs - arrivedMs) + before)
  }

  #repairSoon(watch: Watch): void {
    if (watch.repairing || watch.isRepairDue || watch.feed.holes.length === 0) return
    watch.isRepairDue = true
    this.#clock.after(this.slow ? SLOW_REPAIR_MS : REORDER_GRACE_MS, () => {
      watch.isRepairDue = false
      this.#repair(watch)
    })
  }

  #heads(heads: Readonly<Record<string, Position>>): void {
    for (const [topic, head] of Object.entries(heads)) {
      const watch = this.#watches.get(topic)
      if (!watch) continue
      this.#clock.after(REORDER_GRACE_MS, () => {
        if (watch.feed.learnHead(head)) this.#repair(watch)
        // An announced gap in which nothing is missing after all.
        else if (this.#lostAt === undefined) watch.feed.resumed(0)
      })
    }
  }

  #announced(topic: string, reason: 'throttled' | 'slow' | 'shed' | 'failed'): void {
    const watch = this.#watches.get(topic)
    if (!watch) return
    watch.feed.announceGap(reason, this.serverNow())
    // Its head tells where the gap ends.
    this.client.wake()
  }

  #alarm(alarm: AlarmView, revision: number): void {
    const held = this.alarms.get(alarm.alarm)
    if (held && held.revision > alarm.revision) return
    this.alarms.set(alarm.alarm, alarm)
    this.#alarmsRevision = Math.max(this.#alarmsRevision, revision)
  }

  #command(update: CommandUpdate): void {
    const held = this.commands.get(update.key)
    if (held && commandRank(held.state) > commandRank(update.state)) return
    this.commands.delete(update.key)
    this.commands.set(update.key, update)
    if (this.commands.size > COMMANDS_KEPT) {
      const [oldest] = this.commands.keys()
      if (oldest !== undefined) this.commands.delete(oldest)
    }
  }
}

interface Outcome {
  readonly readings: number
  readonly lostMs: number
  readonly reason: string | undefined
}

const nothingSubscribed: Subscribed = {
  type: 'subscribed',
  id: 0,
  results: [],
  blocks: [],
  states: [],
  notes: [],
}

const commandOrder = ['accepted', 'sent', 'acked', 'done', 'failed', 'expired'] as const
/** Updates may overtake each other on the way: a later stage never goes back to an earlier one. */
function commandRank(state: CommandUpdate['state']): number {
  return Math.min(3, commandOrder.indexOf(state))
}

function sinceOf(position: Position | null | undefined): { since?: Position } {
  return position === null || position === undefined ? {} : { since: position }
}
