import { closeCodes, limits } from '@gaugeline/backend/protocol'
import { describe, expect, it } from 'vitest'
import { liveClient } from './fake-socket.ts'
import { settled } from './manual-clock.ts'

describe('live client', () => {
  it('is live only after every listener has subscribed again', async () => {
    let subscribed = (): void => undefined
    const ready = new Promise<void>((resolve) => (subscribed = resolve))
    const { client } = await liveClient(undefined, { welcome: () => ready })
    expect(client.connection().phase).toBe('resuming')
    subscribed()
    await settled()
    expect(client.connection().phase).toBe('live')
  })

  it('opens another socket, later and later, when the subscriptions fail', async () => {
    const { client, clock, sockets, latest } = await liveClient(undefined, {
      welcome: () => Promise.reject(new Error('no')),
    })
    expect(client.connection()).toMatchObject({ phase: 'reconnecting', attempt: 1 })
    await clock.advance(500)
    await latest().welcome(clock.now())
    expect(client.connection()).toMatchObject({ phase: 'reconnecting', attempt: 2 })
    expect(sockets).toHaveLength(2)
  })

  it('opens again after a close, later with each try, and starts over after a productive message', async () => {
    const { client, clock, sockets, latest } = await liveClient()
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
    const { client, clock, sockets, latest } = await liveClient()
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

  it('moves on goaway: the new socket is ready before the old one closes', async () => {
    const welcomes: string[] = []
    const { clock, sockets, latest, client } = await liveClient(undefined, {
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
    const { clock, sockets, latest } = await liveClient(undefined, {
      message: (message) => types.push(message.type),
    })
    sockets[0]!.push({ type: 'goaway', reason: 'connection age', withinMs: 60_000 })
    await settled()
    await latest().welcome(clock.now())
    sockets[0]!.push({ type: 'data', blocks: [] })
    expect(types.at(-1)).toBe('data')
  })

  it('rotates by itself before the hard cut at 2 h (APIGW-88)', async () => {
    const { clock, sockets, latest } = await liveClient()
    clock.sleep(limits.connectionAgeMs)
    latest().pong(clock)
    await clock.advance(2_000)
    expect(sockets).toHaveLength(2)
  })

  it('signs out when access is withdrawn, also when only goaway carried the code', async () => {
    const { client, latest, sockets, clock } = await liveClient()
    const reason = 'revoked'
    latest().push({ type: 'goaway', reason, code: closeCodes.revoked, withinMs: 0 })
    latest().drop(1000)
    await clock.advance(30_000)
    expect(client.connection().phase).toBe('signed-out')
    expect(sockets).toHaveLength(1)
  })

  it('rejects a request with the code and sentence of the error answer', async () => {
    const { client, latest } = await liveClient()
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
    const { client, latest } = await liveClient()
    const waiting = client.request({ action: 'unsubscribe', sids: [1] })
    latest().drop()
    await expect(waiting).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(client.request({ action: 'unsubscribe', sids: [1] })).rejects.toMatchObject({
      code: 'CLOSED',
    })
  })

  it('ignores frames that are not messages', async () => {
    const { client, latest } = await liveClient()
    latest().onmessage?.({ data: '{"message":"Internal server error","connectionId":"x"}' })
    latest().onmessage?.({ data: 'nonsense' })
    latest().onmessage?.({ data: new ArrayBuffer(2) })
    expect(client.connection().phase).toBe('live')
  })

  it('sends nothing and opens nothing after stop', async () => {
    const { client, clock, sockets } = await liveClient()
    client.stop()
    await clock.advance(600_000)
    expect(sockets).toHaveLength(1)
    expect(sockets[0]!.isClosed).toBe(true)
    expect(client.connection().phase).toBe('idle')
  })
})
