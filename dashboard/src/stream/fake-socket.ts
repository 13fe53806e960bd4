import { limits } from '@gaugeline/backend/protocol'
import { LiveClient } from './live-client.ts'
import { manualClock, type ManualClock, settled } from './manual-clock.ts'
import type { SocketLike } from './socket-session.ts'
import type { StreamListener } from './stream-client.ts'
import type { TokenSource } from './token-source.ts'

/** A WebSocket without a network, for tests: what is sent is kept, what comes is said. */
export class FakeSocket implements SocketLike {
  onopen: (() => void) | null = null
  onmessage: ((event: { data: unknown }) => void) | null = null
  onclose: ((event: { code: number; reason: string }) => void) | null = null
  readonly sent: Record<string, unknown>[] = []
  isClosed = false
  readonly url: string
  readonly protocols: string[]

  constructor(url: string, protocols: string[]) {
    this.url = url
    this.protocols = protocols
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>)
  }
  close(): void {
    this.isClosed = true
  }
  /** The network or the server ends the socket. */
  drop(code = 1006): void {
    this.onclose?.({ code, reason: '' })
  }
  push(message: Record<string, unknown>): void {
    this.onmessage?.({ data: JSON.stringify(message) })
  }
  last(action: string): Record<string, unknown> | undefined {
    return this.sent.findLast((message) => message['action'] === action)
  }
  answer(action: string, message: Record<string, unknown>): void {
    this.push({ ...message, id: this.last(action)?.['id'] })
  }
  async welcome(now: number, change: Record<string, unknown> = {}): Promise<void> {
    this.onopen?.()
    await settled()
    this.answer('hello', {
      type: 'welcome',
      connectionId: 'c',
      user: 'ana',
      roles: ['operator'],
      devices: ['#'],
      tokenExpiresAt: now / 1_000 + 3_600,
      limits,
      serverTime: now,
      ...change,
    })
    await settled()
  }
  pong(clock: ManualClock): void {
    const now = clock.now()
    this.answer('ping', { type: 'pong', t0: now, t1: now, t2: now, heads: {}, alarmsRevision: 0 })
  }
}

interface ClientParts {
  readonly clock: ManualClock
  readonly sockets: readonly FakeSocket[]
  readonly client: LiveClient
  /** The socket that was opened last. */
  readonly latest: () => FakeSocket
}

/** A live client that has not been started, over fake sockets and a clock that stands still. */
export function clientOverFakes(token: TokenSource = () => Promise.resolve('jwt')): ClientParts {
  const clock = manualClock()
  const sockets: FakeSocket[] = []
  const latest = (): FakeSocket => {
    const socket = sockets.at(-1)
    if (!socket) throw new Error('No socket has been opened yet')
    return socket
  }
  const client = new LiveClient({
    url: 'wss://example/prod',
    token,
    clock,
    random: () => 1,
    name: 'web/test',
    openSocket: (url, protocols) => {
      const socket = new FakeSocket(url, protocols)
      sockets.push(socket)
      return socket
    },
  })
  return { clock, sockets, client, latest }
}

/** The same, welcomed and live. */
export async function liveClient(
  token?: TokenSource,
  listener: StreamListener = {},
): Promise<ClientParts> {
  const parts = clientOverFakes(token)
  parts.client.listen(listener)
  parts.client.start()
  await settled()
  await parts.latest().welcome(parts.clock.now())
  parts.latest().pong(parts.clock)
  await settled()
  return parts
}
