import { isDeviceTopic, type ServerMessage } from '@gaugeline/backend/protocol'
import WebSocket from 'ws'
import { LiveClient } from '../../dashboard/src/stream/live-client.ts'
import type { SocketLike } from '../../dashboard/src/stream/socket-session.ts'
import { systemClock } from '../../dashboard/src/stream/clock.ts'
import { Telemetry } from '../../dashboard/src/stream/telemetry.ts'
import type { Chart, Delivery, MarkedGap, Reading } from './checker.ts'

/** The dashboard without its screen: its own stream client and series, over a socket that the campaign can cut. */
export class CampaignDashboard {
  readonly name: string
  readonly telemetry: Telemetry
  readonly deliveries: Delivery[] = []
  readonly #client: LiveClient
  readonly #topics: readonly string[]
  readonly #fromTs: number
  #socket: WebSocket | undefined

  constructor(options: {
    readonly name: string
    readonly url: string
    readonly token: string
    readonly topics: readonly string[]
    readonly random: () => number
    readonly fromTs: number
  }) {
    this.name = options.name
    this.#topics = options.topics
    this.#fromTs = options.fromTs
    this.#client = new LiveClient({
      url: options.url,
      token: () => Promise.resolve(options.token),
      openSocket: (url, protocols) => this.#open(url, protocols),
      clock: systemClock,
      random: options.random,
      name: `campaign/${options.name}`,
    })
    this.telemetry = new Telemetry({ client: this.#client, clock: systemClock })
    this.#logDeliveries()
  }

  start(): void {
    for (const topic of this.#topics) this.telemetry.watch(topic, 3_600_000)
    this.#client.start()
  }

  get isLive(): boolean {
    return this.#client.connection().phase === 'live'
  }

  /** Without a close frame, as a lost network. */
  cut(): void {
    this.#socket?.terminate()
  }

  close(): void {
    this.#socket?.close(1001)
  }

  /** What a browser does when its tab becomes visible: look at once. */
  wake(): void {
    this.#client.wake()
  }

  stop(): void {
    this.#client.stop()
  }

  /** Points held over all topics. */
  count(): number {
    return this.telemetry.feeds().reduce((sum, feed) => sum + feed.series.length, 0)
  }

  chart(): Chart & { readonly points: readonly Reading[] } {
    const feeds = this.telemetry.feeds()
    return {
      client: this.name,
      promised: this.#topics.map((topic) => ({ topic, fromTs: this.#fromTs })),
      points: feeds.flatMap((feed): Reading[] => {
        const n = feed.series.view('n')
        const value = feed.series.view('value')
        return Array.from({ length: n.length }, (_, row) => ({
          topic: feed.topic,
          key: `c1:${n.values[row] ?? -1}`,
          ts: n.ts[row] ?? -1,
          values: { n: n.values[row] ?? -1, value: value.values[row] ?? -1 },
        }))
      }),
      gaps: feeds.flatMap((feed): MarkedGap[] =>
        feed.gaps
          .filter((gap) => gap.state === 'lost')
          .map(({ fromMs, toMs }) => ({ topic: feed.topic, fromTs: fromMs, toTs: toMs })),
      ),
    }
  }

  #open(url: string, protocols: string[]): SocketLike {
    const socket = new WebSocket(url, protocols)
    socket.on('error', () => undefined)
    this.#socket = socket
    return socket as unknown as SocketLike
  }

  /** One entry per topic and tenth of a second is enough to see that something came to somebody who may not have it. */
  #logDeliveries(): void {
    const seen = new Set<string>()
    this.#client.listen({
      message: (message, receivedAt) => {
        for (const topic of topicsOf(message)) {
          const key = `${topic}@${Math.floor(receivedAt / 100)}`
          if (seen.has(key)) continue
          seen.add(key)
          this.deliveries.push({ client: this.name, topic, atMs: receivedAt })
        }
      },
    })
  }
}

/** The devices of which a message tells its receiver something. */
function topicsOf(message: ServerMessage): string[] {
  switch (message.type) {
    case 'data':
      return message.blocks.map(({ topic }) => topic)
    case 'subscribed':
      return [...message.blocks, ...message.states].map(({ topic }) => topic)
    case 'history':
      return [message.topic, ...(message.blocks ?? []).map(({ topic }) => topic)]
    case 'presence':
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
