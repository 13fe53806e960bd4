import { closeCodes, limits } from '@gaugeline/backend/protocol'
import { describe, expect, it } from 'vitest'
import { LiveClient, SignInNeeded, type TokenSource } from './live-client.ts'
import { manualClock, type ManualClock, settled } from './manual-clock.ts'
import type { SocketLike } from './socket-session.ts'
import type { StreamListener } from './stream-client.ts'

class FakeSocket implements SocketLike {
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

function setUp(token: TokenSource = () => Promise.resolve('jwt')) {
  const clock = manualClock()
  const sockets: FakeSocket[] = []
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
  return { clock, sockets, client, latest: () => sockets.at(-1)! }
}

async function live(token?: TokenSource, listener: StreamListener = {}) {
  const parts = setUp(token)
  parts.client.listen(listener)
  parts.client.start()
  await settled()
  await parts.latest().welcome(parts.clock.now())
  parts.latest().pong(parts.clock)
  await settled()
  return parts
}

describe('live client', () => {
  it('offers the protocol and the token as subprotocols and keeps the token out of the URL', async () => {
    const { sockets } = await live()
    expect(sockets[0]!.protocols).toEqual(['gaugeline.v1', 'bearer.jwt'])
    expect(sockets[0]!.url).toBe('wss://example/prod')
  })

  it('is live only after every listener has subscribed again', async () => {
    let subscribed = (): void => undefined
    const ready = new Promise<void>((resolve) => (subscribed = resolve))
    const { client } = await live(undefined, { welcome: () => ready })
    expect(client.connection().phase).toBe('resuming')
    subscribed()
    await settled()
    expect(client.connection().phase).toBe('live')
  })

  it('opens another socket, later and later, when the subscriptions fail', async () => {
    const { client, clock, sockets, latest } = await live(undefined, {
      welcome: () => Promise.reject(new Error('no')),
    })
    expect(client.connection()).toMatchObject({ phase: 'reconnecting', attempt: 1 })
    await clock.advance(500)
    await latest().welcome(clock.now())
    expect(client.connection()).toMatchObject({ phase: 'reconnecting', attempt: 2 })
    expect(sockets).toHaveLength(2)
  })

  it('pings with positions, measures the round trip and the clock offset', async () => {
    const { client, clock, latest } = await live()
    client.reportPositions(() => ({ 'plant-1/pump-1': 'p' }))
    await clock.advance(limits.pingIntervalMs * 1.2 + 1_000)
    const ping = latest().last('ping')!
    expect(ping['positions']).toEqual({ 'plant-1/pump-1': 'p' })
    const t0 = ping['t0'] as number
    clock.sleep(t0 + 40 - clock.now())
    latest().answer('ping', {
      type: 'pong',
      t0,
      t1: t0 + 1_020,
      t2: t0 + 1_020,
      heads: {},
      alarmsRevision: 0,
    })
    await settled()
    expect(client.connection().roundTripMs).toBe(40)
    expect(client.connection().clockOffsetMs).toBe(1_000)
  })

  it('opens again after a close, later with each try, and starts over after a productive message', async () => {
    const { client, clock, sockets, latest } = await live()
    latest().drop()
    expect(client.connection()).toMatchObject({ phase: 'reconnecting', attempt: 1 })
    await clock.advance(500)
    expect(sockets).toHaveLength(2)
    latest().drop()
    expect(client.connection().attempt).toBe(2)
    await clock.advance(999)
    expect(sockets).toHaveLength(2)
    await clock.advance(1)
    await latest().welcome(clock.now())
    expect(client.connection().attempt).toBe(2)
    latest().push({ type: 'data', blocks: [] })
    expect(client.connection().attempt).toBe(0)
  })

  it('tries at once when the machine wakes or the network comes back', async () => {
    const { client, clock, sockets, latest } = await live()
    for (let i = 0; i < 5; i++) {
      latest().drop()
      await clock.advance(20_000)
    }
    latest().drop()
    const before = sockets.length
    client.wake()
    await settled()
    expect(sockets).toHaveLength(before + 1)
  })

  it('calls a silent socket checking after 5 s and opens another after 10 s', async () => {
    const { client, clock, latest, sockets } = await live()
    await clock.advance(limits.pingIntervalMs * 1.2 + 7_000)
    expect(client.connection().phase).toBe('checking')
    await clock.advance(6_000)
    expect(sockets[0]!.isClosed).toBe(true)
    expect(sockets).toHaveLength(2)
    await latest().welcome(clock.now())
    expect(client.connection().phase).toBe('live')
  })

  it('does not kill a healthy socket after the laptop slept', async () => {
    const { client, clock, sockets, latest } = await live()
    clock.sleep(3_600_000)
    await clock.advance(1)
    expect(sockets[0]!.isClosed).toBe(false)
    latest().pong(clock)
    await settled()
    expect(client.connection().phase).toBe('live')
  })

  it('moves on goaway: the new socket is ready before the old one closes', async () => {
    const welcomes: string[] = []
    const { clock, sockets, latest, client } = await live(undefined, {
      welcome: async () => void welcomes.push('again'),
    })
    sockets[0]!.push({ type: 'goaway', reason: 'connection age', withinMs: 60_000 })
    await settled()
    expect(sockets).toHaveLength(2)
    expect(sockets[0]!.isClosed).toBe(false)
    expect(client.connection().phase).toBe('live')
    await latest().welcome(clock.now())
    expect(sockets[0]!.isClosed).toBe(false)
    await clock.advance(3_000)
    expect(sockets[0]!.isClosed).toBe(true)
    expect(welcomes).toHaveLength(2)
    expect(client.connection()).toMatchObject({ phase: 'live', lostAt: undefined })
  })

  it('still delivers what the old socket pushes while it is replaced', async () => {
    const types: string[] = []
    const { clock, sockets, latest } = await live(undefined, {
      message: (message) => types.push(message.type),
    })
    sockets[0]!.push({ type: 'goaway', reason: 'connection age', withinMs: 60_000 })
    await settled()
    await latest().welcome(clock.now())
    sockets[0]!.push({ type: 'data', blocks: [] })
    expect(types.at(-1)).toBe('data')
  })

  it('rotates by itself before the hard cut at 2 h (W88)', async () => {
    const { clock, sockets, latest } = await live()
    clock.sleep(limits.connectionAgeMs)
    latest().pong(clock)
    await clock.advance(2_000)
    expect(sockets).toHaveLength(2)
  })

  it('puts a new token on the live socket a minute before the old one ends', async () => {
    const wants: string[] = []
    const { client, clock, latest, sockets } = await live((want) => {
      wants.push(want)
      return Promise.resolve(`jwt-${wants.length}`)
    })
    clock.sleep(3_541_000)
    latest().pong(clock)
    await clock.advance(2_000)
    expect(latest().last('refresh')).toMatchObject({ token: 'jwt-2' })
    const tokenExpiresAt = clock.now() / 1_000 + 3_600
    latest().answer('refresh', { type: 'refreshed', tokenExpiresAt })
    await settled()
    expect(client.connection().tokenExpiresAt).toBe(tokenExpiresAt * 1_000)
    expect(wants).toEqual(['current', 'renew'])
    expect(sockets).toHaveLength(1)
  })

  it('renews the token after a close for its expiry', async () => {
    const wants: string[] = []
    const { clock, latest } = await live((want) => {
      wants.push(want)
      return Promise.resolve('jwt')
    })
    latest().drop(closeCodes.tokenExpired)
    await clock.advance(500)
    expect(wants).toEqual(['current', 'renew'])
  })

  it('suspects the token after two refused handshakes', async () => {
    const wants: string[] = []
    const { client, clock, latest } = setUp((want) => {
      wants.push(want)
      return Promise.resolve('jwt')
    })
    client.start()
    await settled()
    latest().drop()
    await clock.advance(500)
    latest().drop()
    await clock.advance(1_000)
    expect(wants).toEqual(['current', 'current', 'renew'])
  })

  it('P17: goes on with the token it has when the issuer cannot give a newer one', async () => {
    const wants: string[] = []
    const { client, clock, latest, sockets } = setUp((want) => {
      wants.push(want)
      return want === 'renew'
        ? Promise.reject(new TypeError('Failed to fetch'))
        : Promise.resolve('jwt')
    })
    client.start()
    await settled()
    latest().drop()
    await clock.advance(500)
    latest().drop()
    await clock.advance(5_000)
    expect(wants).toEqual(['current', 'current', 'renew', 'current'])
    expect(sockets).toHaveLength(3)
  })

  it('signs out, with the reason, when only the person can help', async () => {
    const { client } = setUp(() => Promise.reject(new SignInNeeded('Your session has ended.')))
    client.start()
    await settled()
    expect(client.connection()).toMatchObject({
      phase: 'signed-out',
      reason: 'Your session has ended.',
    })
  })

  it('keeps trying when the issuer cannot be reached', async () => {
    let calls = 0
    const { client, clock } = setUp(() => {
      calls++
      return Promise.reject(new TypeError('Failed to fetch'))
    })
    client.start()
    await clock.advance(3_000)
    expect(client.connection().phase).toBe('reconnecting')
    expect(calls).toBeGreaterThan(2)
  })

  it('signs out when access is withdrawn, also when only goaway carried the code', async () => {
    const { client, latest, sockets, clock } = await live()
    const reason = 'revoked'
    latest().push({ type: 'goaway', reason, code: closeCodes.revoked, withinMs: 0 })
    latest().drop(1000)
    await clock.advance(30_000)
    expect(client.connection().phase).toBe('signed-out')
    expect(sockets).toHaveLength(1)
  })

  it('rejects a request with the code and sentence of the error answer', async () => {
    const { client, latest } = await live()
    const request = client.request({ action: 'unsubscribe', sids: [1] })
    latest().answer('unsubscribe', {
      type: 'error',
      code: 'RATE_LIMITED',
      message: 'Too many messages.',
      retry: 'backoff',
      retryAfterMs: 800,
    })
    await expect(request).rejects.toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: 800 })
  })

  it('rejects what waits when the socket closes and what comes while there is none', async () => {
    const { client, latest } = await live()
    const waiting = client.request({ action: 'unsubscribe', sids: [1] })
    latest().drop()
    await expect(waiting).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(client.request({ action: 'unsubscribe', sids: [1] })).rejects.toMatchObject({
      code: 'CLOSED',
    })
  })

  it('ignores frames that are not messages', async () => {
    const { client, latest } = await live()
    latest().onmessage?.({ data: '{"message":"Internal server error","connectionId":"x"}' })
    latest().onmessage?.({ data: 'nonsense' })
    latest().onmessage?.({ data: new ArrayBuffer(2) })
    expect(client.connection().phase).toBe('live')
  })

  it('sends nothing and opens nothing after stop', async () => {
    const { client, clock, sockets } = await live()
    client.stop()
    await clock.advance(600_000)
    expect(sockets).toHaveLength(1)
    expect(sockets[0]!.isClosed).toBe(true)
    expect(client.connection().phase).toBe('idle')
  })
})
