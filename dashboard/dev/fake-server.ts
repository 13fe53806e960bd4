import type { AlarmView, ClientMessage, ServerMessage } from '@gaugeline/backend/protocol'
import { closeCodes, SUBPROTOCOL } from '@gaugeline/backend/protocol'
import { type AddressInfo } from 'node:net'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import { FakeAlarms } from './fake-alarms.ts'
import { FakeAnswers } from './fake-answers.ts'
import { type FakeDevice, makeFactory } from './fake-factory.ts'
import { FakePeer } from './fake-peer.ts'

/** For looking at the dashboard without a backend. Speaks the protocol from a seeded factory; nothing of it is shipped. */
export interface FakeServer {
  readonly url: string
  readonly devices: readonly FakeDevice[]
  /** False once the token has ended: no new one is to be had. */
  readonly hasToken: boolean
  /** Cuts every socket without a close frame and refuses new ones until `accept`. */
  cut(): void
  accept(): void
  /** Drops this share of the pushed blocks (0–1): holes that the dashboard must find and repair. */
  drop(share: number): void
  alarm(name: string, change: Partial<AlarmView>): void
  /** A storm: the first so many alarms go on, five seconds apart. */
  raise(count: number, change: { readonly since: number; readonly reason: string }): void
  /** Says that the access was withdrawn, and closes every socket. */
  revoke(): void
  /** Says that the token has ended, and closes every socket. */
  expire(): void
  close(): Promise<void>
}

export interface FakeServerOptions {
  readonly seed: number
  readonly devices: number
  /** How much the service has kept; 10 min without. */
  readonly historyMs?: number
  /** Between two readings of a device; 1 s without. */
  readonly tickMs?: number
  /** How many alarms watch the system; 8 without. */
  readonly alarms?: number
  /** With devices whose numbers and names are hard to show. */
  readonly hasAwkward?: boolean
  /** Until the token ends; an hour without. */
  readonly tokenMs?: number
  readonly now?: () => number
}

export async function startFakeServer(options: FakeServerOptions): Promise<FakeServer> {
  const fake = new Fake(options)
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
    devices: fake.devices,
    get hasToken() {
      return fake.hasToken
    },
    cut: () => fake.cut(),
    accept: () => (fake.isAccepting = true),
    drop: (share) => (fake.dropShare = share),
    alarm: (name, change) => fake.alarm(name, change),
    raise: (count, change) => fake.raise(count, change),
    revoke: () => fake.turnAway(closeCodes.revoked, 'revoked'),
    expire: () => {
      fake.hasToken = false
      fake.turnAway(closeCodes.tokenExpired, 'token expired')
    },
    close: () =>
      new Promise((resolve) => {
        clearInterval(timer)
        for (const client of server.clients) client.terminate()
        server.close(() => resolve())
      }),
  }
}

class Fake {
  readonly devices: readonly FakeDevice[]
  readonly #now: () => number
  readonly #peers = new Set<FakePeer>()
  readonly #alarms: FakeAlarms
  readonly #answers: FakeAnswers
  #dropCount = 0
  isAccepting = true
  hasToken = true
  dropShare = 0

  constructor({ seed, devices: count, now = Date.now, ...options }: FakeServerOptions) {
    const { historyMs = 10 * 60_000, alarms = 8, tokenMs = 3_600_000 } = options
    const hasAwkward = options.hasAwkward === true
    this.#now = now
    this.devices = makeFactory({ seed, count, historyMs, now: now(), hasAwkward })
    this.#alarms = new FakeAlarms(now, alarms)
    this.#answers = new FakeAnswers({ devices: this.devices, alarms: this.#alarms, now, tokenMs })
  }

  join(socket: WebSocket): void {
    const peer = new FakePeer(socket)
    this.#peers.add(peer)
    socket.on('message', (data: RawData) => {
      const text = Array.isArray(data) ? '' : Buffer.from(data as Buffer).toString()
      this.#answers.answer(peer, JSON.parse(text) as ClientMessage)
    })
    socket.on('close', () => this.#peers.delete(peer))
  }

  cut(): void {
    this.isAccepting = false
    for (const peer of this.#peers) peer.cut()
  }

  turnAway(code: number, reason: string): void {
    this.#broadcast({ type: 'goaway', withinMs: 0, code, reason })
    for (const peer of this.#peers) peer.close()
  }

  alarm(name: string, change: Partial<AlarmView>): void {
    const push = this.#alarms.change(name, change)
    if (push) this.#broadcast(push)
  }

  raise(count: number, { since, reason }: { since: number; reason: string }): void {
    this.#alarms.names.slice(0, count).forEach((name, i) => {
      this.alarm(name, { state: 'ALARM', since: since - i * 5_000, reason })
    })
  }

  tick(tickMs: number): void {
    const ts = Math.floor(this.#now() / tickMs) * tickMs
    const sending = this.devices.filter((device) => !device.isSilent)
    const batch = sending.map((device) => ({ device, reading: device.sample(ts) }))
    for (const peer of this.#peers) peer.push(batch, () => this.#isDropped())
  }

  #isDropped(): boolean {
    if (this.dropShare === 0) return false
    this.#dropCount++
    return this.#dropCount % Math.round(1 / this.dropShare) === 0
  }

  #broadcast(message: ServerMessage): void {
    for (const peer of this.#peers) peer.send(message)
  }
}
