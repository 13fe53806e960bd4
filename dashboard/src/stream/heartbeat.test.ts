import { limits } from '@gaugeline/backend/protocol'
import { describe, expect, it } from 'vitest'
import { liveClient } from './fake-socket.ts'
import { settled } from './manual-clock.ts'

describe('heartbeat', () => {
  it('pings with positions, measures the round trip and the clock offset', async () => {
    const { client, clock, latest } = await liveClient()
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

  it('calls a silent socket checking after 5 s and opens another after 10 s', async () => {
    const { client, clock, latest, sockets } = await liveClient()
    await clock.advance(limits.pingIntervalMs * 1.2 + 7_000)
    expect(client.connection().phase).toBe('checking')
    await clock.advance(6_000)
    expect(sockets[0]!.isClosed).toBe(true)
    expect(sockets).toHaveLength(2)
    await latest().welcome(clock.now())
    expect(client.connection().phase).toBe('live')
  })

  it('does not kill a healthy socket after the laptop slept', async () => {
    const { client, clock, sockets, latest } = await liveClient()
    clock.sleep(3_600_000)
    await clock.advance(1)
    expect(sockets[0]!.isClosed).toBe(false)
    latest().pong(clock)
    await settled()
    expect(client.connection().phase).toBe('live')
  })
})
