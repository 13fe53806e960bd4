import { closeCodes } from '@gaugeline/backend/protocol'
import { describe, expect, it } from 'vitest'
import { clientOverFakes, liveClient } from './fake-socket.ts'
import { settled } from './manual-clock.ts'
import { SignInNeeded } from './token-source.ts'

describe('session opener', () => {
  it('offers the protocol and the token as subprotocols and keeps the token out of the URL', async () => {
    const { sockets } = await liveClient()
    expect(sockets[0]!.protocols).toEqual(['gaugeline.v1', 'bearer.jwt'])
    expect(sockets[0]!.url).toBe('wss://example/prod')
  })

  it('renews the token after a close for its expiry', async () => {
    const wants: string[] = []
    const { clock, latest } = await liveClient((want) => {
      wants.push(want)
      return Promise.resolve('jwt')
    })
    latest().drop(closeCodes.tokenExpired)
    await clock.advance(500)
    expect(wants).toEqual(['current', 'renew'])
  })

  it('suspects the token after two refused handshakes', async () => {
    const wants: string[] = []
    const { client, clock, latest } = clientOverFakes((want) => {
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

  it('PROMISE-17: goes on with the token it has when the issuer cannot give a newer one', async () => {
    const wants: string[] = []
    const { client, clock, latest, sockets } = clientOverFakes((want) => {
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
    const { client } = clientOverFakes(() =>
      Promise.reject(new SignInNeeded('Your session has ended.')),
    )
    client.start()
    await settled()
    expect(client.connection()).toMatchObject({
      phase: 'signed-out',
      reason: 'Your session has ended.',
    })
  })

  it('keeps trying when the issuer cannot be reached', async () => {
    let calls = 0
    const { client, clock } = clientOverFakes(() => {
      calls++
      return Promise.reject(new TypeError('Failed to fetch'))
    })
    client.start()
    await clock.advance(3_000)
    expect(client.connection().phase).toBe('reconnecting')
    expect(calls).toBeGreaterThan(2)
  })
})
