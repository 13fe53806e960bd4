import { isDeviceTopic, type ServerMessage, type Welcome } from '@gaugeline/backend/protocol'
import WebSocket from 'ws'
import { systemClock } from '../../dashboard/src/stream/clock.ts'
import { LiveClient } from '../../dashboard/src/stream/live-client.ts'
import type { SocketLike } from '../../dashboard/src/stream/socket-session.ts'
import { Telemetry } from '../../dashboard/src/stream/telemetry.ts'
import type { TokenSource } from '../../dashboard/src/stream/token-source.ts'
import type { Chart, Delivery, MarkedGap, Reading } from './checker.ts'

export interface CampaignClientOptions {
  readonly name: string
  readonly url: string
  readonly token: TokenSource
  readonly random: () => number
}

/** The dashboard's own stream client over a socket that the campaign can cut; keeps what reached it about which topic. */
export class CampaignClient {
  readonly name: string
  readonly deliveries: Delivery[] = []
  readonly stream: LiveClient
  /** Pongs so far. */
  answers = 0
  /** What the last pong told of where the devices stand. */
  heads = ''
  readonly #seen = new Set<string>()
  #socket: WebSocket | undefined

  constructor(options: CampaignClientOptions) {
    this.name = options.name
    this.stream = new LiveClient({
      ...options,
      openSocket: (url, protocols) => this.#open(url, protocols),
      clock: systemClock,
      name: `campaign/${options.name}`,
    })
    this.stream.listen({
      message: (message, receivedAt) => {
        for (const topic of topicsOf(message)) this.#log(topic, receivedAt)
        if (message.type === 'pong') {
          this.answers++
          this.heads = JSON.stringify(message.heads)
        }
      },
    })
  }

  get isLive(): boolean {
    return this.stream.connection().phase === 'live'
  }

  get connectionId(): string | undefined {
    const welcome: Welcome | undefined = this.stream.connection().welcome
    return welcome?.connectionId
  }

  /** Without a close frame, as a lost network. */
  cut(): void {
    this.#socket?.terminate()
  }

  close(): void {
    this.#socket?.close(1001)
  }

  /** What comes from now on stays in the kernel, and then in the gateway, until the returned function is called. */
  stall(): () => void {
    const socket = this.#socket
    socket?.pause()
    return () => socket?.resume()
  }

  #open(url: string, protocols: string[]): SocketLike {
    const socket = new WebSocket(url, protocols)
    socket.on('error', () => undefined)
    this.#socket = socket
    return socket as unknown as SocketLike
  }

  /** One entry per topic and tenth of a second is enough to see that something came to somebody who may not have it. */
  #log(topic: string, atMs: number): void {
    const key = `${topic}@${Math.floor(atMs / 100)}`
    if (this.#seen.has(key)) return
    this.#seen.add(key)
    this.deliveries.push({ client: this.name, topic, atMs })
  }
}

/** The devices of which a message tells its receiver something. */
export function topicsOf(message: ServerMessage): string[] {
  switch (message.type) {
    case 'data':
      return message.blocks.map(({ topic }) => topic)
    case 'subscribed':
      return [...message.blocks, ...message.states, ...(message.refusals ?? [])].map(
        ({ topic }) => topic,
      )
    case 'history':
      return [message.topic, ...(message.blocks ?? []).map(({ topic }) => topic)]
    case 'presence':
    case 'refused':
    case 'gap':
    case 'command':
      return [message.topic]
    case 'note':
      return isDeviceTopic(message.note.topic) ? [message.note.topic] : []
    case 'pong':
      return Object.keys(message.heads)
    case 'welcome':
    case 'unsubscribed':
    case 'alarm':
    case 'alarms':
    case 'alarmHistory':
    case 'refreshed':
    case 'revoked':
    case 'slow':
    case 'goaway':
    case 'error':
      return []
  }
}

/** The dashboard without its screen: its stream client and its series, over the campaign's socket. */
export class CampaignDashboard {
  readonly client: CampaignClient
  readonly telemetry: Telemetry
  readonly topics: readonly string[]
  readonly #fromTs: number

  constructor(
    options: CampaignClientOptions & {
      readonly topics: readonly string[]
      readonly fromTs: number
    },
  ) {
    this.topics = options.topics
    this.#fromTs = options.fromTs
    this.client = new CampaignClient(options)
    this.telemetry = new Telemetry({ client: this.client.stream, clock: systemClock })
    for (const topic of this.topics) this.telemetry.watch(topic, 3_600_000)
  }

  get name(): string {
    return this.client.name
  }

  start(): void {
    this.client.stream.start()
  }

  /** What a browser does when its tab becomes visible: look at once. */
  wake(): void {
    this.client.stream.wake()
  }

  stop(): void {
    this.client.stream.stop()
  }

  /** Points held over all topics. */
  count(): number {
    return this.telemetry.feeds().reduce((sum, feed) => sum + feed.series.length, 0)
  }

  /** `topics`: only these; `isPromised`: whether everything acknowledged must be there. */
  chart(options: { readonly topics?: readonly string[]; readonly isPromised: boolean }): Chart {
    const topics = options.topics ?? this.topics
    const feeds = this.telemetry.feeds().filter(({ topic }) => topics.includes(topic))
    return {
      client: this.name,
      promised: options.isPromised ? topics.map((topic) => ({ topic, fromTs: this.#fromTs })) : [],
      points: { [Symbol.iterator]: () => pointsOf(feeds) },
      gaps: feeds.flatMap((feed): MarkedGap[] =>
        feed.gaps
          .filter((gap) => gap.state === 'lost')
          .map(({ fromMs, toMs }) => ({ topic: feed.topic, fromTs: fromMs, toTs: toMs })),
      ),
    }
  }
}

/** The points of a chart, one by one: as objects all at once they would not fit. */
function* pointsOf(feeds: ReturnType<Telemetry['feeds']>): Generator<Reading> {
  for (const { topic, series } of feeds) {
    const [boots, counters, values] = [series.view('boot'), series.view('n'), series.view('value')]
    for (let row = 0; row < counters.length; row++) {
      const [boot = -1, n = -1, value = -1] = [
        boots.values[row],
        counters.values[row],
        values.values[row],
      ]
      yield { topic, key: `c${boot}:${n}`, ts: counters.ts[row] ?? -1, values: { boot, n, value } }
    }
  }
}
