import { beforeEach, describe, expect, it } from 'vitest'
import { limits } from '../../protocol/index.ts'
import { connect, type ConnectPorts } from './connect.ts'
import {
  connectionOf,
  fakeClock,
  fakeExpiryQueue,
  identityOf,
  memoryConnections,
  memoryRevocations,
} from './fakes.ts'

const headers = {
  Origin: 'https://dash.example.com',
  'Sec-WebSocket-Protocol': 'gaugeline.v1, bearer.a.b.c',
}
let clock: ReturnType<typeof fakeClock>
let expiryQueue: ReturnType<typeof fakeExpiryQueue>
let ports: ConnectPorts
beforeEach(() => {
  clock = fakeClock()
  expiryQueue = fakeExpiryQueue()
  ports = {
    connections: memoryConnections(),
    revocations: memoryRevocations(),
    expiryQueue,
    allowedOrigins: ['https://dash.example.com', 'http://127.0.0.1:8080'],
    clock,
  }
})

const open = (
  connectionId = 'c1=',
  change: Partial<Parameters<typeof connect>[0]> = {},
): ReturnType<typeof connect> =>
  connect({ connectionId, headers, identity: identityOf(), ...change }, ports)

it('APIGW-25: answers the subprotocol gaugeline.v1 and never the bearer entry', async () => {
  expect(await open()).toEqual({
    statusCode: 200,
    headers: { 'Sec-WebSocket-Protocol': 'gaugeline.v1' },
  })
})

it('keeps the identity; asks to be woken at the end of a token that the sweeper might not see in time', async () => {
  await open()
  expect(await ports.connections.find('c1=')).toMatchObject({
    ...identityOf(),
    connectedAt: clock.ms,
  })
  expect(expiryQueue.sent).toEqual([])
  const identity = identityOf({ expiresAt: clock.ms / 1_000 + 119.5 })
  await open('c2=', { identity })
  expect(expiryQueue.sent).toEqual([{ connectionId: 'c2=', reason: 'token', delaySeconds: 120 }])
})

describe('HANDSHAKE-5: origins', () => {
  it.each([
    'https://evil.example',
    'null',
    '',
    'https://dash.example.com.evil.example',
    'http://dash.example.com',
    'https://dash.example.com:8443',
    'HTTPS://DASH.EXAMPLE.COM',
    'https://dash.example.com/',
  ])('%s is refused with 403', async (origin) => {
    const answer = await open('c1=', { headers: { ...headers, Origin: origin } })
    expect(answer).toEqual({ statusCode: 403, reason: 'ORIGIN_NOT_ALLOWED' })
    expect(await ports.connections.find('c1=')).toBeUndefined()
  })
  it.each([
    ['https://abc.execute-api.eu-west-1.amazonaws.com', 'abc.execute-api.eu-west-1.amazonaws.com'],
    ['http://127.0.0.1:4001', '127.0.0.1:4001'],
  ])(
    'HANDSHAKE-1: the address of the API itself (%s) serves no pages, so a client is let in',
    async (Origin, Host) => {
      const answer = await open('c1=', { headers: { ...headers, Origin, Host } })
      expect(answer).toMatchObject({ statusCode: 200 })
    },
  )
  it('HANDSHAKE-1: another address is refused, whatever Host it names', async () => {
    const more = { Origin: 'https://evil.example', Host: 'abc.execute-api.eu-west-1.amazonaws.com' }
    const answer = await open('c1=', { headers: { ...headers, ...more } })
    expect(answer).toEqual({ statusCode: 403, reason: 'ORIGIN_NOT_ALLOWED' })
  })
  it('HANDSHAKE-4: a client without an origin is no browser and is let in by its token', async () => {
    const bare = { 'sec-websocket-protocol': headers['Sec-WebSocket-Protocol'] }
    expect(await open('c1=', { headers: bare })).toMatchObject({ statusCode: 200 })
  })
  it('the header is found in any case', async () => {
    const answer = await open('c1=', {
      headers: { origin: 'https://evil.example', 'SEC-WEBSOCKET-PROTOCOL': 'gaugeline.v1' },
    })
    expect(answer).toMatchObject({ statusCode: 403 })
  })
})

describe('HANDSHAKE-6, HANDSHAKE-7: subprotocols', () => {
  it.each(['bearer.a.b.c', 'gaugeline.v2', '', 'gaugeline.v1, gaugeline.v1', 'x'.repeat(10_240)])(
    '%.30s is refused with 400',
    async (protocol) => {
      const answer = await open('c1=', {
        headers: { ...headers, 'Sec-WebSocket-Protocol': protocol },
      })
      expect(answer).toEqual({ statusCode: 400, reason: 'SUBPROTOCOL_REQUIRED' })
    },
  )
})

it('fails closed when no authorizer has said who it is', async () => {
  expect(await open('c1=', { identity: undefined })).toMatchObject({ statusCode: 401 })
})

describe('HANDSHAKE-15: sockets of one user', () => {
  const fill = async (): Promise<void> => {
    for (let i = 0; i < limits.connectionsPerUser; i++) await open(`old-${i}`)
  }
  it('the one above the cap is refused with 429 and leaves no row', async () => {
    await fill()
    clock.ms += 1
    expect(await open('new')).toEqual({ statusCode: 429, reason: 'CONNECTION_LIMIT' })
    expect(await ports.connections.find('new')).toBeUndefined()
    expect(await ports.connections.ofUser('ana')).toHaveLength(limits.connectionsPerUser)
  })
  it('another user is not concerned', async () => {
    await fill()
    expect(await open('new', { identity: identityOf({ user: 'vic' }) })).toMatchObject({
      statusCode: 200,
    })
  })
  it('sockets that fell silent make room, and expire is asked to look at them', async () => {
    await fill()
    clock.ms += 76_000
    await ports.connections.admit('old-0', clock.ms)
    expect(await open('new')).toMatchObject({ statusCode: 200 })
    const silent = expiryQueue.sent.filter(({ reason }) => reason === 'silent')
    expect(silent.map(({ connectionId }) => connectionId)).toEqual(
      Array.from({ length: 9 }, (_, i) => `old-${i + 1}`),
    )
  })
})

it('APIGW-13: a $disconnect that came first leaves nothing behind', async () => {
  await ports.connections.close('c1=', clock.ms)
  expect(await open()).toMatchObject({ statusCode: 410 })
  expect(await ports.connections.find('c1=')).toBeUndefined()
  expect(await ports.connections.ofUser('ana')).toEqual([])
})

it('a revocation between authorizer and $connect is seen', async () => {
  const { issuer } = connectionOf()
  await ports.revocations.isRevoked(connectionOf())
  const revocations = memoryRevocations()
  await revocations.revokeUser(issuer, 'ana', clock.ms)
  ports = { ...ports, revocations }
  expect(await open()).toEqual({ statusCode: 403, reason: 'REVOKED' })
  expect(await ports.connections.find('c1=')).toBeUndefined()
})
