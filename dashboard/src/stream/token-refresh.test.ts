import { describe, expect, it } from 'vitest'
import { liveClient } from './fake-socket.ts'
import { settled } from './manual-clock.ts'

describe('token refresh', () => {
  it('puts a new token on the live socket a minute before the old one ends', async () => {
    const wants: string[] = []
    const { client, clock, latest, sockets } = await liveClient((want) => {
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
})
