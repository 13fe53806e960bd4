import { type Action, limits, type ServerMessage, type Welcome } from '@gaugeline/backend/protocol'
import { connection, START_MS, streamItem } from '../../../backend/src/testing/records.ts'
import { memoryHistory } from '../../../backend/src/testing/memory-history.ts'
import { createWorld, testClock } from '../../../backend/src/testing/world.ts'
import { readColumns } from '../../../dashboard/src/chart/columns.ts'
import { datasetsOf } from '../../../dashboard/src/chart/datasets.ts'
import {
  type Answers,
  type Connection,
  type Request,
  RequestFailed,
  type StreamClient,
  type StreamListener,
} from '../../../dashboard/src/stream/stream-client.ts'
import { Telemetry } from '../../../dashboard/src/stream/telemetry.ts'
import type { Shown } from './screen-checker.ts'

export const TOPIC = 'plant-1/pump-7'
const PIXELS = 600

/** A reading as the device sends it. */
export interface Payload {
  readonly ts: number
  readonly boot?: string
  readonly n?: number
  readonly metrics: Readonly<Record<string, number | null>>
}

/**
 * The whole way of a reading in one process, without a wire: `deliver` and the routes over a history in memory, the dashboard's stream, its
 * timeline and the code that makes what the drawing engine is given.
 */
export class WorldDashboard {
  readonly clock = testClock(START_MS)
  readonly #world = createWorld(this.clock, {
    history: memoryHistory({ clock: this.clock, retentionMs: 8 * 86_400_000, pageRows: 50 }),
  })
  readonly #client = new WorldClient(this.#world)
  readonly telemetry = new Telemetry({ client: this.#client, clock: this.clock })
  #sequence = 0

  /** One record of the stream with these readings, which arrives now. */
  async deliver(readings: readonly Payload[]): Promise<void> {
    const brokerMs = this.clock.now()
    await this.#world.deliver(streamItem(++this.#sequence, readings, { brokerMs }))
    this.#client.pass()
  }

  /** The page is opened on the device. */
  async open(): Promise<void> {
    await this.#client.connect()
    this.telemetry.watch(TOPIC, 300_000)
    await this.clock.advance(1)
  }

  disconnect(): void {
    this.#client.disconnect()
  }

  async reconnect(): Promise<void> {
    await this.#client.connect()
    await this.clock.advance(2_000)
  }

  /** Nothing is under way any more, and what the server knows has been heard. */
  async settle(): Promise<void> {
    await this.#client.tellHeads(TOPIC)
    await this.clock.advance(30_000)
  }

  /** What the chart of a metric and the figures beside it show of a window, once it has been loaded. */
  async look(
    metric: string,
    range: { readonly fromMs: number; readonly toMs: number },
  ): Promise<Shown> {
    await this.telemetry.load(TOPIC, range)
    return this.shown(metric, range)
  }

  shown(metric: string, range: { readonly fromMs: number; readonly toMs: number }): Shown {
    const timeline = this.telemetry.timeline(TOPIC)
    if (!timeline) throw new Error('the device is not watched')
    const nowMs = this.telemetry.serverNow()
    const columns = readColumns(timeline, metric, { ...range, pixels: PIXELS, nowMs })
    const points = datasetsOf(columns).line.map(({ x, y }) => ({
      x,
      y: Number.isNaN(y) ? null : y,
    }))
    return {
      picture: { ...range, points, bands: columns.bands, bucketMs: columns.bucketMs },
      figures: { ...range, ...timeline.figures(metric, { ...range, nowMs }) },
    }
  }
}

const welcome: Welcome = {
  type: 'welcome',
  id: 1,
  connectionId: 'c',
  user: 'ana',
  roles: ['viewer'],
  devices: ['plant-1/#'],
  tokenExpiresAt: START_MS / 1_000 + 10_000_000,
  limits,
  serverTime: START_MS,
}

/** The dashboard's client over the world's functions in place of a socket. */
class WorldClient implements StreamClient {
  readonly #world: ReturnType<typeof createWorld>
  readonly #listeners = new Set<StreamListener>()
  #connection: Connection = { phase: 'idle', since: 0, attempt: 0, clockOffsetMs: 0 }
  #connections = 0
  #passed = 0

  constructor(world: ReturnType<typeof createWorld>) {
    this.#world = world
  }

  get #who() {
    return connection({
      connectionId: `c${this.#connections}`,
      expiresAt: START_MS / 1_000 + 10_000_000,
    })
  }

  async connect(): Promise<void> {
    this.#connections++
    this.#passed = this.#world.posts.length
    this.#change({ phase: 'resuming', welcome })
    await Promise.all([...this.#listeners].map(async (listener) => listener.welcome?.(welcome)))
    this.#change({ phase: 'live', lostAt: undefined })
  }

  disconnect(): void {
    this.#change({ phase: 'reconnecting', welcome: undefined })
  }

  /** Hands on what has been posted to this connection. */
  pass(): void {
    const posts = this.#world.posts.slice(this.#passed)
    this.#passed = this.#world.posts.length
    if (this.#connection.welcome === undefined) return
    for (const { connectionId, message } of posts) {
      if (connectionId === `c${this.#connections}`) this.#tell(message)
    }
  }

  async tellHeads(topic: string): Promise<void> {
    const heads = await this.#world.history.heads('all')
    const found = [...heads].flatMap(([name, { position }]) =>
      name === topic && position !== null ? [[name, position] as const] : [],
    )
    const pong = { type: 'pong', id: 1, t0: 0, t1: 0, t2: 0, alarmsRevision: 0 } as const
    this.#tell({ ...pong, heads: Object.fromEntries(found) })
  }

  async request<A extends Action>(
    message: Request<A> & { readonly action: A },
  ): Promise<Answers[A]> {
    if (this.#connection.welcome === undefined) throw new RequestFailed('CLOSED', 'no connection')
    const answer = await this.#answer(message)
    return answer as Answers[A]
  }

  async #answer(message: Record<string, unknown>): Promise<unknown> {
    switch (message['action']) {
      case 'subscribe':
        return this.#world.subscribe(message['subscriptions'] as unknown[], this.#who)
      case 'history':
        return this.#world.ask(message, this.#who)
      case 'alarms':
        return { type: 'alarms', id: 1, alarms: [], revision: 0 }
      default:
        throw new RequestFailed('INTERNAL', `no answer to ${String(message['action'])}`)
    }
  }

  #tell(message: ServerMessage): void {
    for (const listener of this.#listeners) listener.message?.(message, this.#world.clock.now())
  }

  #change(change: Partial<Connection>): void {
    this.#connection = { ...this.#connection, ...change }
    for (const listener of this.#listeners) listener.connection?.(this.#connection)
  }

  connection(): Connection {
    return this.#connection
  }
  listen(listener: StreamListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
  start(): void {
    return
  }
  stop(): void {
    return
  }
  wake(): void {
    return
  }
  reportPositions(): void {
    return
  }
}
