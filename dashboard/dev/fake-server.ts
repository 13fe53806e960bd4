import type {
  AlarmView,
  Block,
  ClientMessage,
  DeviceState,
  Note,
  Position,
  ServerMessage,
  SubscriptionResult,
} from '@gaugeline/backend/protocol'
import {
  closeCodes,
  comparePositions,
  limits,
  SUBPROTOCOL,
  topicCovers,
} from '@gaugeline/backend/protocol'
import { type AddressInfo } from 'node:net'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import { FakeAlarms } from './fake-alarms.ts'
import { blockOf, bucketsOf, prevOf, stateOf } from './fake-blocks.ts'
import { type FakeDevice, type FakeReading, makeFactory } from './fake-factory.ts'

/** For looking at the dashboard without a backend. Speaks the protocol from a seeded factory; nothing of it is shipped. */
export interface FakeServer {
  readonly url: string
  readonly devices: readonly FakeDevice[]
  /** Cuts every socket without a close frame and refuses new ones until `accept`. */
  cut(): void
  accept(): void
  /** Drops this share of the pushed blocks (0–1): holes that the dashboard must find and repair. */
  drop(share: number): void
  alarm(name: string, change: Partial<AlarmView>): void
  /** Says that the access was withdrawn, and closes every socket. */
  revoke(): void
  close(): Promise<void>
}

interface Peer {
  readonly socket: WebSocket
  readonly subscriptions: Map<number, { topic: string; mode: string }>
}

export interface FakeServerOptions {
  readonly seed: number
  readonly devices: number
  readonly historyMs?: number
  /** Between two readings of a device; 1 s without. */
  readonly tickMs?: number
  readonly now?: () => number
}

type Client = { [A in ClientMessage['action']]: Extract<ClientMessage, { action: A }> }

export async function startFakeServer(options: FakeServerOptions): Promise<FakeServer> {
  const now = options.now ?? Date.now
  const devices = makeFactory({
    seed: options.seed,
    count: options.devices,
    historyMs: options.historyMs ?? 10 * 60_000,
    now: now(),
  })
  const fake = new Fake(devices, now)
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    handleProtocols: () => SUBPROTOCOL,
    verifyClient: () => fake.isAccepting,
  })
  server.on('connection', (socket) => fake.join(socket))
  await new Promise((resolve) => server.once('listening', resolve))
  const tickMs = options.tickMs ?? 1_000
  const timer = setInterval(() => fake.tick(tickMs), tickMs)
  const { port } = server.address() as AddressInfo
  return {
    url: `ws://127.0.0.1:${port}`,
    devices,
    cut: () => fake.cut(),
    accept: () => (fake.isAccepting = true),
    drop: (share) => (fake.dropShare = share),
    alarm: (name, change) => fake.alarm(name, change),
    revoke: () => fake.revoke(),
    close: () =>
      new Promise((resolve) => {
        clearInterval(timer)
        for (const client of server.clients) client.terminate()
        server.close(() => resolve())
      }),
  }
}

class Fake {
  readonly #devices: readonly FakeDevice[]
  readonly #now: () => number
  readonly #peers = new Set<Peer>()
  readonly #alarms: FakeAlarms
  readonly #notes: Note[] = []
  #dropCount = 0
  isAccepting = true
  dropShare = 0

  constructor(devices: readonly FakeDevice[], now: () => number) {
    this.#devices = devices
    this.#now = now
    this.#alarms = new FakeAlarms(now)
  }

  join(socket: WebSocket): void {
    const peer: Peer = { socket, subscriptions: new Map() }
    this.#peers.add(peer)
    socket.on('message', (data: RawData) => {
      const text = Array.isArray(data) ? '' : Buffer.from(data as Buffer).toString()
      this.#answer(peer, JSON.parse(text) as ClientMessage)
    })
    socket.on('close', () => this.#peers.delete(peer))
  }

  cut(): void {
    this.isAccepting = false
    for (const peer of this.#peers) peer.socket.terminate()
  }

  revoke(): void {
    const { revoked } = closeCodes
    this.#broadcast({ type: 'goaway', withinMs: 0, code: revoked, reason: 'revoked' })
    for (const { socket } of this.#peers) socket.close(1000)
  }

  alarm(name: string, change: Partial<AlarmView>): void {
    const push = this.#alarms.change(name, change)
    if (push) this.#broadcast(push)
  }

  tick(tickMs: number): void {
    const ts = Math.floor(this.#now() / tickMs) * tickMs
    for (const device of this.#devices) {
      if (device.isSilent) continue
      const prev = device.last?.position ?? null
      const reading = device.sample(ts)
      for (const peer of this.#peers) this.#push(peer, device, reading, prev)
    }
  }

  #push(peer: Peer, device: FakeDevice, reading: FakeReading, prev: Position | null): void {
    const blocks: Block[] = []
    for (const [sid, { topic, mode }] of peer.subscriptions) {
      if (!topicCovers(topic, device.topic)) continue
      const isDropped = mode === 'complete' && this.dropShare > 0 && this.#isDropped()
      if (!isDropped)
        blocks.push({ sid, ...blockOf(device, [reading], prev), hops: [31, 6, 14, 5] })
    }
    if (blocks.length > 0) send(peer, { type: 'data', blocks })
  }

  #isDropped(): boolean {
    this.#dropCount++
    return this.#dropCount % Math.round(1 / this.dropShare) === 0
  }

  #broadcast(message: ServerMessage): void {
    for (const peer of this.#peers) send(peer, message)
  }

  #answer(peer: Peer, message: ClientMessage): void {
    const now = this.#now()
    switch (message.action) {
      case 'hello':
        send(peer, {
          type: 'welcome',
          id: message.id,
          connectionId: 'dev',
          user: 'ana',
          roles: ['operator'],
          devices: ['plant-1/#', 'plant-2/#'],
          tokenExpiresAt: Math.floor(now / 1_000) + 3_600,
          limits,
          serverTime: now,
        })
        break
      case 'ping':
        this.#ping(peer, message)
        break
      case 'subscribe':
        this.#subscribe(peer, message)
        break
      case 'unsubscribe':
        for (const sid of message.sids) peer.subscriptions.delete(sid)
        send(peer, { type: 'unsubscribed', id: message.id, sids: message.sids, reason: 'client' })
        break
      case 'history':
        this.#history(peer, message)
        break
      case 'command':
        this.#command(peer, message)
        break
      case 'sendMessage': {
        const note = {
          noteId: String(this.#notes.length),
          topic: message.topic,
          text: message.text,
          at: message.at ?? now,
          by: 'ana',
        }
        this.#notes.push(note)
        send(peer, { type: 'note', id: message.id, note })
        break
      }
      case 'alarms':
        this.#answerAlarms(peer, message)
        break
      case 'refresh':
        send(peer, {
          type: 'refreshed',
          id: message.id,
          tokenExpiresAt: Math.floor(now / 1_000) + 3_600,
        })
        break
      case 'revoke':
        send(peer, { type: 'revoked', id: message.id, connectionsClosed: 0 })
        break
    }
  }

  #ping(peer: Peer, message: Client['ping']): void {
    const now = this.#now()
    const heads: Record<string, Position> = {}
    for (const topic of Object.keys(message.positions ?? {})) {
      const head = this.#device(topic)?.last?.position
      if (head) heads[topic] = head
    }
    const alarmsRevision = this.#alarms.revision
    send(peer, {
      type: 'pong',
      id: message.id,
      t0: message.t0,
      t1: now,
      t2: now,
      heads,
      alarmsRevision,
    })
  }

  #subscribe(peer: Peer, message: Client['subscribe']): void {
    const results: SubscriptionResult[] = []
    const blocks: Block[] = []
    const states: DeviceState[] = []
    for (const item of message.subscriptions as WantedSubscription[]) {
      const { sid, topic, mode = 'complete', since, window } = item
      peer.subscriptions.set(sid, { topic, mode })
      if (mode === 'latest') {
        results.push({ sid, ok: true, recovered: true, more: false })
        for (const device of this.#devices) {
          if (topicCovers(topic, device.topic)) states.push(...stateOf(device))
        }
        continue
      }
      const device = this.#device(topic)
      const from = this.#now() - (window?.lastMs ?? 60_000)
      const readings = (device?.readings ?? []).filter((reading) =>
        since ? comparePositions(reading.position, since) > 0 : reading.ts >= from,
      )
      const head = device?.last?.position ?? null
      results.push({ sid, ok: true, recovered: true, more: false, head })
      if (device && readings.length > 0) {
        blocks.push({ sid, ...blockOf(device, readings, since ?? prevOf(device, readings)) })
      }
    }
    send(peer, { type: 'subscribed', id: message.id, results, blocks, states, notes: this.#notes })
  }

  #history(peer: Peer, message: Client['history']): void {
    const device = this.#device(message.topic)
    const { since, until, from, to, bucketMs } = message
    const readings = (device?.readings ?? []).filter(
      (reading) =>
        (since === undefined || comparePositions(reading.position, since) > 0) &&
        (until === undefined || comparePositions(reading.position, until) <= 0) &&
        (from === undefined || reading.ts >= from) &&
        (to === undefined || reading.ts < to),
    )
    const base = {
      type: 'history' as const,
      id: message.id,
      topic: message.topic,
      cursor: null,
      complete: true,
      keptFromMs: 0,
    }
    if (bucketMs !== undefined) {
      send(peer, { ...base, buckets: bucketsOf(message.topic, readings, bucketMs) })
    } else if (device && readings.length > 0) {
      send(peer, {
        ...base,
        blocks: [blockOf(device, readings, since ?? prevOf(device, readings))],
      })
    } else send(peer, { ...base, blocks: [] })
  }

  #command(peer: Peer, message: Client['command']): void {
    const update = { type: 'command', key: message.key, commandId: message.key } as const
    const rest = { topic: message.topic, name: message.name, at: this.#now(), by: 'ana' }
    send(peer, { ...update, ...rest, id: message.id, state: 'accepted' })
    const later = ['sent', 'acked', 'done'] as const
    later.forEach((state, i) =>
      setTimeout(() => send(peer, { ...update, ...rest, state }), 200 * (i + 1)),
    )
  }

  #answerAlarms(peer: Peer, message: Client['alarms']): void {
    const answer = this.#alarms.answer(message)
    if (answer) send(peer, answer)
  }

  #device(topic: string): FakeDevice | undefined {
    return this.#devices.find((device) => device.topic === topic)
  }
}

interface WantedSubscription {
  readonly sid: number
  readonly topic: string
  readonly mode?: string
  readonly since?: Position
  readonly window?: { readonly lastMs: number }
}

function send(peer: Peer, message: ServerMessage): void {
  peer.socket.send(JSON.stringify(message))
}
