import {
  type Block,
  decodePosition,
  limits,
  type Note,
  type Pong,
  type ServerMessage,
  type Welcome,
} from '@gaugeline/backend/protocol'
import { AlarmList } from './alarm-list.ts'
import type { Clock } from './clock.ts'
import { CommandLog } from './command-log.ts'
import { CompleteSubscriptions } from './complete-subscriptions.ts'
import type { DeviceFeed } from './device-feed.ts'
import { Fleet } from './fleet.ts'
import { FleetSubscriptions } from './fleet-subscriptions.ts'
import { HoleRepair } from './hole-repair.ts'
import { NoteBook } from './note-book.ts'
import { Samples } from './samples.ts'
import type { Range } from '../timeline/past.ts'
import type { Timeline } from '../timeline/timeline.ts'
import type { StreamClient } from './stream-client.ts'
import { type Recovery, WatchedDevices } from './watched-devices.ts'

const LATENCY_SPAN_MS = 60_000
const RATE_SPAN_MS = 10_000

export interface TelemetryOptions {
  readonly client: StreamClient
  readonly clock: Clock
}

/**
 * Everything the dashboard knows, built from one stream client: the fleet's newest values, complete series of the watched devices, notes,
 * alarms, command states and figures. Hands each message to the part that it is for. No Vue: readers look when they draw.
 */
export class Telemetry {
  readonly client: StreamClient
  readonly fleet = new Fleet()
  readonly alarms: AlarmList
  readonly commands: CommandLog
  readonly latency = new Samples(LATENCY_SPAN_MS)
  readonly readings = new Samples(RATE_SPAN_MS)
  /** Server frames received since the start. */
  frames = 0
  readonly #clock: Clock
  readonly #notes = new NoteBook()
  readonly #repair: HoleRepair
  readonly #fleetSubscriptions: FleetSubscriptions
  readonly #subscriptions: CompleteSubscriptions
  readonly #watched: WatchedDevices

  constructor({ client, clock }: TelemetryOptions) {
    this.client = client
    this.#clock = clock
    this.alarms = new AlarmList(client)
    this.commands = new CommandLog(client)
    const parts = { client, clock, notes: this.#notes, serverNow: () => this.serverNow() }
    const repair = new HoleRepair(parts)
    const subscriptions = new CompleteSubscriptions({ ...parts, repair })
    this.#repair = repair
    this.#subscriptions = subscriptions
    this.#fleetSubscriptions = new FleetSubscriptions({ ...parts, fleet: this.fleet })
    this.#watched = new WatchedDevices({ ...parts, repair, subscriptions })
    client.reportPositions(() => this.#watched.positions())
    client.listen({
      connection: ({ phase }) => {
        if (phase === 'reconnecting' && this.hasSnapshot) this.#watched.lost()
      },
      welcome: (welcome) => this.#welcomed(welcome),
      message: (message, receivedAt) => this.#received(message, receivedAt),
    })
  }

  /** Epoch milliseconds by the server's clock. */
  serverNow(): number {
    return this.#clock.now() + this.client.connection().clockOffsetMs
  }

  /** True once the first fleet snapshot has come. */
  get hasSnapshot(): boolean {
    return this.#fleetSubscriptions.hasSnapshot
  }

  /** True while the server holds readings back, because the link cannot follow. */
  get slow(): boolean {
    return this.#repair.isSlow
  }

  /** What became of the readings of the last outage. */
  get recovery(): Recovery | undefined {
    return this.#watched.recovery
  }

  /** Topic → why the server refuses it. */
  get denied(): ReadonlyMap<string, string> {
    return this.#subscriptions.denied
  }

  feed(topic: string): DeviceFeed | undefined {
    return this.#watched.get(topic)?.feed
  }

  feeds(): DeviceFeed[] {
    return this.#watched.feeds()
  }

  /** Keeps a device in complete mode until the returned function is called. */
  watch(topic: string, windowMs: number): () => void {
    return this.#watched.watch(topic, windowMs)
  }

  timeline(topic: string): Timeline | undefined {
    return this.#watched.timeline(topic)
  }

  /** Asks for what a stretch of a watched device lacks. Settles when it is there, or cannot be had now. */
  load(topic: string, range: Range, options: { wantsReadings?: boolean } = {}): Promise<void> {
    return this.#watched.load(topic, range, options)
  }

  /** Asks for all notes about a device that are kept, however long before the shown window they were written. */
  async loadNotes(topic: string): Promise<void> {
    const to = Math.ceil(this.serverNow())
    const from = Math.max(0, to - limits.historySpanMs)
    // The notes come with the first page; of the readings one is enough.
    const question = { action: 'history', topic, from, to, limit: 1 } as const
    const page = await this.client.request(question).catch((): undefined => undefined)
    this.#notes.keep(page?.notes ?? [])
  }

  notesFor(topic: string): Note[] {
    return this.#notes.about(topic)
  }

  async #welcomed(welcome: Welcome): Promise<void> {
    this.#repair.isSlow = false
    void this.commands.catchUp()
    await Promise.all([
      this.#fleetSubscriptions.subscribe(welcome),
      this.#watched.subscribeAll(),
      this.alarms.list(),
    ])
  }

  #received(message: ServerMessage, receivedAt: number): void {
    this.frames++
    switch (message.type) {
      case 'data':
        this.#data(message.blocks, receivedAt)
        break
      case 'presence':
        this.fleet.presence(message)
        break
      case 'refused':
        this.fleet.refused(message)
        break
      case 'note':
        this.#notes.keep([message.note])
        break
      case 'alarm':
        this.alarms.pushed(message.alarm, message.revision)
        break
      case 'command':
        this.commands.update(message)
        break
      case 'pong':
        this.#pong(message)
        break
      case 'gap':
        this.#watched.announceGap(message.topic, message.reason)
        break
      case 'slow':
        this.#paced(message.mode)
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

  #paced(mode: 'latest' | 'complete'): void {
    this.#repair.isSlow = mode === 'latest'
    if (mode === 'latest') return
    // A refusal changes nothing: the pushes go on, and the next socket asks again.
    this.#fleetSubscriptions.refresh().catch(() => undefined)
    void this.commands.catchUp()
  }

  #data(blocks: readonly Block[], receivedAt: number): void {
    let readings = 0
    for (const block of blocks) {
      const watched = this.#watched.get(block.topic)
      this.fleet.block(block)
      if (watched && block.sid === watched.sid) {
        readings += watched.feed.push(block)
        this.#repair.soon(watched.feed)
      } else if (!watched) readings += block.ts.length
    }
    this.readings.add(receivedAt, readings)
    const last = blocks.at(-1)
    if (last) this.#measure(last, receivedAt)
  }

  #pong({ heads, alarmsRevision }: Pong): void {
    this.#watched.learnHeads(heads)
    this.alarms.learnRevision(alarmsRevision)
  }

  /**
   * Broker → browser, milliseconds: broker → stream as the pipeline measured it, stream → here by the server's clock. What lies before the
   * broker only a device's clock could tell, and one that is off would spoil the figure of all.
   */
  #measure(block: Block, receivedAt: number): void {
    const { clockOffsetMs } = this.client.connection()
    const arrivedMs = decodePosition(block.position).arrivalMs
    const before = Math.max(0, block.hops?.[1] ?? 0)
    this.latency.add(receivedAt, Math.max(0, receivedAt + clockOffsetMs - arrivedMs) + before)
  }
}
