import { beforeEach, describe, expect, it } from 'vitest'
import type { TokenOutcome } from '../auth/ports.ts'
import {
  connectionOf,
  fakeClock,
  fakeSockets,
  fakeExpiryQueue,
  identityOf,
  memoryConnections,
  memoryConnectionSubscriptions,
  memoryRevocations,
} from '../connections/fakes.ts'
import { refresh } from './refresh.ts'
import { revoke } from './revoke.ts'
import { pong, welcome } from './session.ts'

const connection = connectionOf()
let clock: ReturnType<typeof fakeClock>
let ports: ReturnType<typeof makePorts>
function makePorts() {
  const outcomes = new Map<string, TokenOutcome>()
  return {
    clock,
    outcomes,
    tokens: {
      verify: (token: string) =>
        Promise.resolve(outcomes.get(token) ?? ({ ok: false, reason: 'TOKEN_MALFORMED' } as const)),
    },
    connections: memoryConnections(),
    revocations: memoryRevocations(),
    subscriptions: memoryConnectionSubscriptions(),
    sockets: fakeSockets(),
    expiryQueue: fakeExpiryQueue(),
  }
}
beforeEach(() => {
  clock = fakeClock()
  ports = makePorts()
})

it('hello is answered with who the server takes the client for', () => {
  expect(welcome({ action: 'hello', id: 1 }, connection, clock)).toMatchObject({
    type: 'welcome',
    id: 1,
    connectionId: 'c1=',
    user: 'ana',
    roles: ['operator'],
    devices: ['plant-1/#'],
    tokenExpiresAt: identityOf().expiresAt,
    serverTime: clock.ms,
  })
})

describe('ping', () => {
  const asked: string[] = []
  const heads = {
    positions: (topics: readonly string[]) => {
      asked.push(...topics)
      return Promise.resolve(Object.fromEntries(topics.map((topic) => [topic, 'head'])))
    },
  }
  const alarms = { current: () => Promise.resolve(7) }
  const ping = (positions?: Record<string, string>) =>
    pong(
      { action: 'ping', id: 2, t0: 5, ...(positions ? { positions } : {}) },
      { connection, receivedAtMs: clock.ms - 3 },
      { heads, alarms, clock },
    )
  it('is answered with the three times, the alarms revision and the heads that were asked for', async () => {
    expect(await ping({ 'plant-1/pump-1': 'p' })).toEqual({
      type: 'pong',
      id: 2,
      t0: 5,
      t1: clock.ms - 3,
      t2: clock.ms,
      heads: { 'plant-1/pump-1': 'head' },
      alarmsRevision: 7,
    })
  })
  it('MESSAGE-10: a foreign device and no device at all look the same, and neither is looked up', async () => {
    asked.length = 0
    const answer = await ping({ 'plant-2/pump-1': 'p', __proto__x: 'p', 'plant-1/#': 'p' })
    expect(answer.heads).toEqual({})
    expect(asked).toEqual([])
  })
  it('names at most 200 devices', async () => {
    const positions = Object.fromEntries(
      Array.from({ length: 201 }, (_, i) => [`plant-1/${i}`, 'p']),
    )
    await expect(ping(positions)).rejects.toMatchObject({ code: 'LIMIT_RANGE' })
  })
})

describe('refresh', () => {
  const message = { action: 'refresh', id: 3, token: 'new' } as const
  const offer = (change: Parameters<typeof identityOf>[0]): void => {
    ports.outcomes.set('new', { ok: true, identity: identityOf(change) })
  }
  beforeEach(async () => {
    await ports.connections.open(connection)
  })
  it('moves expiry and grants of the living connection', async () => {
    offer({ expiresAt: connection.expiresAt + 1_800, tokenId: 'token-2', devices: ['#'] })
    expect(await refresh(message, connection, ports)).toEqual({
      type: 'refreshed',
      id: 3,
      tokenExpiresAt: connection.expiresAt + 1_800,
    })
    expect(await ports.connections.find('c1=')).toMatchObject({
      devices: ['#'],
      tokenId: 'token-2',
    })
    expect(ports.expiryQueue.sent).toEqual([])
  })
  it('an earlier end gets its own wake-up when the sweeper might not see it in time', async () => {
    offer({ expiresAt: connection.expiresAt - 3_000 })
    await refresh(message, connection, ports)
    expect(ports.expiryQueue.sent).toEqual([])
    offer({ expiresAt: connection.expiresAt - 3_500 })
    await refresh(message, connection, ports)
    expect(ports.expiryQueue.sent).toMatchObject([{ reason: 'token', delaySeconds: 100 }])
  })
  it('tells which subscriptions the new grants no longer cover', async () => {
    offer({ devices: ['plant-2/#'] })
    ports.subscriptions.ended = [4, 9]
    await refresh(message, connection, ports)
    expect(ports.sockets.posted).toEqual([
      { to: 'c1=', message: { type: 'unsubscribed', sids: [4, 9], reason: 'revoked' } },
    ])
  })
  it.each([
    ['MESSAGE-24: another user', { user: 'vic' }],
    ['another issuer', { issuer: 'https://other.example' }],
  ])('%s is refused and changes nothing', async (_title, change) => {
    offer(change)
    await expect(refresh(message, connection, ports)).rejects.toMatchObject({
      code: 'TOKEN_SUBJECT_MISMATCH',
    })
    expect(await ports.connections.find('c1=')).toEqual(connection)
  })
  it('TOKEN-27: a revoked token is refused', async () => {
    await ports.revocations.revokeToken(connection.issuer, 'token-9', clock.ms)
    offer({ tokenId: 'token-9' })
    await expect(refresh(message, connection, ports)).rejects.toMatchObject({ code: 'REVOKED' })
  })
  it.each([
    ['TOKEN_EXPIRED', 'TOKEN_EXPIRED'],
    ['SIGNATURE_INVALID', 'TOKEN_INVALID'],
    ['KEYS_UNAVAILABLE', 'OVERLOADED'],
  ] as const)('%s is told as %s', async (reason, code) => {
    ports.outcomes.set('new', { ok: false, reason })
    await expect(refresh(message, connection, ports)).rejects.toMatchObject({ code })
  })
  it('PROMISE-17: while the keys of the issuer cannot be had the old token holds, and the client is told when to try again', async () => {
    ports.outcomes.set('new', { ok: false, reason: 'KEYS_UNAVAILABLE' })
    await expect(refresh(message, connection, ports)).rejects.toMatchObject({
      code: 'OVERLOADED',
      retryAfterMs: 30_000,
    })
    expect(await ports.connections.find('c1=')).toEqual(connection)
  })
  it('TOKEN-27: a token that is revoked while the row is renewed leaves no right and no socket', async () => {
    offer({ tokenId: 'token-2' })
    const { connections } = ports
    const raced = {
      ...connections,
      // An administrator's revocation that looks for the token's connections just before this row has it.
      async renew(...args: Parameters<typeof connections.renew>) {
        await ports.revocations.revokeToken(connection.issuer, 'token-2', clock.ms)
        expect(await connections.ofToken('token-2')).toEqual([])
        return connections.renew(...args)
      },
    }
    await expect(
      refresh(message, connection, { ...ports, connections: raced }),
    ).rejects.toMatchObject({ code: 'REVOKED' })
    expect(await connections.find('c1=')).toBeUndefined()
    expect(ports.subscriptions.removed).toEqual(['c1='])
    expect(ports.expiryQueue.sent).toEqual([
      { connectionId: 'c1=', reason: 'revoked', delaySeconds: 0 },
    ])
  })
  it('APIGW-13: of two refreshes at once the rows end with the identity that the connection has', async () => {
    offer({ tokenId: 'token-2', devices: ['#'] })
    const given: (readonly string[])[] = []
    const subscriptions = {
      ...ports.subscriptions,
      removeConnection: () => Promise.resolve(),
      async renewConnection(_id: string, { devices }: { readonly devices: readonly string[] }) {
        // The other one comes when this one's rows are half written.
        if (given.push(devices) === 1) {
          const narrow = identityOf({ tokenId: 'token-3', devices: ['plant-1/a'] })
          await ports.connections.renew('c1=', narrow, clock.ms)
        }
        return []
      },
    }
    await refresh(message, connection, { ...ports, subscriptions })
    expect(given).toEqual([['#'], ['plant-1/a']])
  })
  it('MESSAGE-21: a connection whose row is gone is told so', async () => {
    await ports.connections.close('c1=', clock.ms)
    offer({})
    await expect(refresh(message, connection, ports)).rejects.toMatchObject({
      code: 'CONNECTION_UNKNOWN',
    })
  })
})

describe('revoke', () => {
  const admin = connectionOf({ connectionId: 'admin=', user: 'ada', roles: ['admin'] })
  beforeEach(async () => {
    await ports.connections.open(connectionOf({ connectionId: 'a=', tokenId: 't-a' }))
    await ports.connections.open(connectionOf({ connectionId: 'b=', tokenId: 't-b' }))
    await ports.connections.open(connectionOf({ connectionId: 'v=', user: 'vic', tokenId: 't-v' }))
  })
  it('a user: no new socket, no row, no subscription, and every socket of his is to be closed', async () => {
    const answer = await revoke({ action: 'revoke', id: 4, user: 'ana' }, admin, ports)
    expect(answer).toEqual({ type: 'revoked', id: 4, connectionsClosed: 2 })
    expect(ports.expiryQueue.sent).toEqual([
      { connectionId: 'a=', reason: 'revoked', delaySeconds: 0 },
      { connectionId: 'b=', reason: 'revoked', delaySeconds: 0 },
    ])
    expect(ports.subscriptions.removed).toEqual(['a=', 'b='])
    expect(await ports.connections.find('a=')).toBeUndefined()
    expect(await ports.revocations.isRevoked(connectionOf())).toBe(true)
    expect(await ports.connections.find('v=')).toBeDefined()
  })
  it('a write that is throttled leaves nobody his access: all are woken first, and each is forgotten by itself', async () => {
    const close = ports.connections.close.bind(ports.connections)
    const connections = {
      ...ports.connections,
      close: (...args: Parameters<typeof close>) =>
        args[0] === 'a=' ? Promise.reject(new Error('throttled')) : close(...args),
    }
    await revoke({ action: 'revoke', id: 4, user: 'ana' }, admin, { ...ports, connections })
    expect(ports.expiryQueue.sent.map(({ connectionId }) => connectionId)).toEqual(['a=', 'b='])
    expect(await ports.connections.find('b=')).toBeUndefined()
  })
  it('a queue that is throttled keeps no row alive', async () => {
    const expiryQueue = { send: () => Promise.reject(new Error('throttled')) }
    await revoke({ action: 'revoke', id: 4, user: 'ana' }, admin, { ...ports, expiryQueue })
    expect(await ports.connections.ofUser('ana')).toEqual([])
  })
  it('fails when a socket could be neither woken nor forgotten, so that the administrator repeats it', async () => {
    const failing = {
      ...ports,
      expiryQueue: { send: () => Promise.reject(new Error('throttled')) },
      connections: {
        ...ports.connections,
        close: () => Promise.reject(new Error('throttled')),
      },
    }
    await expect(revoke({ action: 'revoke', id: 4, user: 'ana' }, admin, failing)).rejects.toThrow()
    const again = await revoke({ action: 'revoke', id: 5, user: 'ana' }, admin, ports)
    expect(again.connectionsClosed).toBe(2)
  })
  it('a user may sign in again with a token issued later', async () => {
    await revoke({ action: 'revoke', id: 4, user: 'ana' }, admin, ports)
    const later = identityOf({ issuedAt: clock.ms / 1_000 + 1, tokenId: 'later' })
    expect(await ports.revocations.isRevoked(later)).toBe(false)
  })
  it('TOKEN-24: one token by its id: only its sockets', async () => {
    const answer = await revoke({ action: 'revoke', id: 4, jti: 't-b' }, admin, ports)
    expect(answer.connectionsClosed).toBe(1)
    expect(ports.expiryQueue.sent.map(({ connectionId }) => connectionId)).toEqual(['b='])
  })
  it('an issuer has no say over the users of another', async () => {
    const foreign = { ...admin, issuer: 'https://other.example' }
    const answer = await revoke({ action: 'revoke', id: 4, user: 'ana' }, foreign, ports)
    expect(answer.connectionsClosed).toBe(0)
    expect(ports.expiryQueue.sent).toEqual([])
  })
  it('needs the role admin, and exactly one target', async () => {
    await expect(
      revoke({ action: 'revoke', id: 4, user: 'vic' }, connection, ports),
    ).rejects.toMatchObject({ code: 'FORBIDDEN' })
    for (const target of [{}, { user: 'ana', jti: 't-a' }]) {
      await expect(
        revoke({ action: 'revoke', id: 4, ...target }, admin, ports),
      ).rejects.toMatchObject({ code: 'MESSAGE_INVALID' })
    }
  })
})
