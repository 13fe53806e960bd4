import { DeleteCommand, ScanCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { dynamoConnections } from '../../backend/src/adapters/dynamo-connections.ts'
import { dynamoRevocations } from '../../backend/src/adapters/dynamo-revocations.ts'
import {
  connectionOf,
  identityOf,
  memoryConnections,
  memoryRevocations,
} from '../../backend/src/core/connections/fakes.ts'
import type { Revocations } from '../../backend/src/core/auth/ports.ts'
import type { Connections } from '../../backend/src/core/connections/ports.ts'
import { limits } from '../../backend/src/protocol/index.ts'
import { startDynalite, type DynaliteTables } from '../support/dynalite-tables.ts'

let database: DynaliteTables
beforeAll(async () => {
  database = await startDynalite('connections', 'subscriptions')
})
afterAll(() => database.close())

const NOW = Date.UTC(2026, 0, 1)
let serial = 0

const rowsOf = async (connectionId: string): Promise<Record<string, unknown>[]> => {
  const { Items } = await database.client.send(new ScanCommand({ TableName: 'connections' }))
  return (Items ?? []).filter((row) => `${row['pk']} ${row['sk']}`.includes(connectionId))
}

const implementations: readonly (readonly [string, () => Connections])[] = [
  ['in memory', memoryConnections],
  ['in DynamoDB', () => dynamoConnections({ client: database.client, table: 'connections' })],
]

describe.each(implementations)('connections %s', (_name, make) => {
  let connections: Connections
  let one: ReturnType<typeof connectionOf>
  let two: ReturnType<typeof connectionOf>
  beforeEach(() => {
    connections = make()
    serial++
    const who = { user: `user-${serial}`, tokenId: `token-${serial}` }
    one = connectionOf({ ...who, connectionId: `one-${serial}=` })
    two = connectionOf({ ...who, connectionId: `two-${serial}=`, connectedAt: NOW + 1 })
  })

  it('finds an open connection by id, user and token, oldest first', async () => {
    expect(await connections.open(two)).toBe('opened')
    expect(await connections.open(one)).toBe('opened')
    expect(await connections.find(one.connectionId)).toEqual(one)
    expect(await connections.ofUser(one.user)).toEqual([one, two])
    expect(await connections.countOfUser(one.user)).toBe(2)
    expect(await connections.ofToken(one.tokenId)).toEqual([one, two])
    const ids = (await connections.allOpen()).map(({ connectionId }) => connectionId)
    expect(ids).toEqual(expect.arrayContaining([one.connectionId, two.connectionId]))
  })
  it('closing touches nobody else, and can be repeated', async () => {
    await connections.open(one)
    await connections.open(two)
    await connections.close(one.connectionId, NOW)
    await connections.close(one.connectionId, NOW)
    expect(await connections.find(one.connectionId)).toBeUndefined()
    expect(await connections.ofUser(one.user)).toEqual([two])
    expect(await connections.countOfUser(one.user)).toBe(1)
    const ids = (await connections.allOpen()).map(({ connectionId }) => connectionId)
    expect(ids).not.toContain(one.connectionId)
  })
  it('a way of the sweeper that was left behind is gone after one more close', async () => {
    if (_name !== 'in DynamoDB') return
    await connections.open(one)
    await database.client.send(
      new DeleteCommand({
        TableName: 'connections',
        Key: { pk: `conn#${one.connectionId}`, sk: 'meta' },
      }),
    )
    await connections.close(one.connectionId, NOW)
    const ids = (await connections.allOpen()).map(({ connectionId }) => connectionId)
    expect(ids).not.toContain(one.connectionId)
  })
  it('APIGW-13: a connection that was closed first cannot be opened', async () => {
    await connections.close(one.connectionId, NOW)
    expect(await connections.open(one)).toBe('closed')
    expect(await connections.find(one.connectionId)).toBeUndefined()
    expect(await connections.ofUser(one.user)).toEqual([])
    expect(await connections.ofToken(one.tokenId)).toEqual([])
  })
  it('renewing replaces the identity, and the old token no longer finds it', async () => {
    await connections.open(one)
    const later = identityOf({
      ...one,
      tokenId: `new-${serial}`,
      devices: ['plant-2/pump-1'],
      roles: ['viewer'],
      expiresAt: one.expiresAt + 900,
      issuedAt: one.issuedAt + 900,
    })
    expect(await connections.renew(one.connectionId, later, NOW)).toBe('renewed')
    expect(await connections.find(one.connectionId)).toMatchObject({
      revision: 2,
      tokenId: `new-${serial}`,
      devices: ['plant-2/pump-1'],
      roles: ['viewer'],
      expiresAt: later.expiresAt,
      connectedAt: one.connectedAt,
    })
    expect(await connections.ofToken(one.tokenId)).toEqual([])
    expect(await connections.ofToken(`new-${serial}`)).toHaveLength(1)
  })
  it('the sweeper sees when each token ends, also after several renewals at once', async () => {
    const endOf = async ({ connectionId }: typeof one): Promise<number | undefined> =>
      (await connections.allOpen()).find((open) => open.connectionId === connectionId)?.expiresAt
    await connections.open(one)
    expect(await endOf(one)).toBe(one.expiresAt)
    const renewals = [900, 300, 1_500, 600].map((more) =>
      identityOf({ ...one, expiresAt: one.expiresAt + more }),
    )
    await Promise.all(renewals.map((later) => connections.renew(one.connectionId, later, NOW)))
    expect(await endOf(one)).toBe((await connections.find(one.connectionId))?.expiresAt)
    expect(await endOf(one)).not.toBe(one.expiresAt)
  })
  it('renewing or admitting what is not there says so and creates nothing', async () => {
    await connections.close(two.connectionId, NOW)
    for (const id of [one.connectionId, two.connectionId]) {
      expect(await connections.renew(id, identityOf(), NOW)).toBe('unknown')
      expect(await connections.admit(id, NOW)).toEqual({ outcome: 'unknown' })
      expect(await connections.find(id)).toBeUndefined()
    }
  })
  it('MESSAGE-21: who speaks after the server closed his connection is told why', async () => {
    await connections.open(one)
    await connections.close(one.connectionId, NOW, 'revoked')
    expect(await connections.admit(one.connectionId, NOW)).toEqual({
      outcome: 'unknown',
      closedFor: 'revoked',
    })
  })
  it('MESSAGE-16: admits a burst, then one message per interval, and counts what it refuses', async () => {
    await connections.open(one)
    for (let i = 0; i < limits.messagesBurst; i++) {
      expect(await connections.admit(one.connectionId, NOW)).toMatchObject({ outcome: 'admitted' })
    }
    expect(await connections.admit(one.connectionId, NOW)).toEqual({
      outcome: 'limited',
      retryAfterMs: 100,
      strikes: 1,
    })
    expect(await connections.admit(one.connectionId, NOW + 40)).toEqual({
      outcome: 'limited',
      retryAfterMs: 60,
      strikes: 2,
    })
    expect(await connections.admit(one.connectionId, NOW + 100)).toMatchObject({
      outcome: 'admitted',
    })
    expect(await connections.admit(one.connectionId, NOW + 100)).toMatchObject({ strikes: 3 })
  })
  it('a calm bucket forgets what was refused, and notes when the client was last heard', async () => {
    await connections.open(one)
    for (let i = 0; i <= limits.messagesBurst; i++) await connections.admit(one.connectionId, NOW)
    const calm = NOW + 60_000
    expect(await connections.admit(one.connectionId, calm)).toEqual({
      outcome: 'admitted',
      connection: { ...one, lastSeenAt: calm },
    })
    for (let i = 1; i < limits.messagesBurst; i++) await connections.admit(one.connectionId, calm)
    expect(await connections.admit(one.connectionId, calm)).toMatchObject({ strikes: 1 })
  })
  it('APIGW-13: of messages that come at once exactly the burst is admitted', async () => {
    await connections.open(one)
    const all = await Promise.all(
      Array.from({ length: limits.messagesBurst + 20 }, () =>
        connections.admit(one.connectionId, NOW),
      ),
    )
    expect(all.filter(({ outcome }) => outcome === 'admitted')).toHaveLength(limits.messagesBurst)
  })
})

it('a closed connection leaves its tombstone and nothing else in the table', async () => {
  const connections = dynamoConnections({ client: database.client, table: 'connections' })
  const connection = connectionOf({ connectionId: 'lonely=', user: 'lonely-user' })
  await connections.open(connection)
  expect(await rowsOf('lonely=')).toHaveLength(4)
  await connections.close('lonely=', NOW)
  expect(await rowsOf('lonely=')).toEqual([
    { pk: 'conn#lonely=', sk: 'meta', closedAt: NOW, ttl: NOW / 1_000 + 900 },
  ])
})

describe.each<readonly [string, () => Revocations]>([
  ['in memory', memoryRevocations],
  [
    'in DynamoDB',
    () =>
      dynamoRevocations(database.client, {
        connectionsTable: 'connections',
        subscriptionsTable: 'subscriptions',
      }),
  ],
])('revocations %s', (_name, make) => {
  it("TOKEN-27: a user's end the tokens issued up to then, at that issuer only", async () => {
    const revocations = make()
    const subject = { ...identityOf(), user: 'gone' }
    await revocations.revokeUser(subject.issuer, 'gone', subject.issuedAt * 1_000 + 500)
    expect(await revocations.isRevoked(subject)).toBe(true)
    expect(await revocations.isRevoked({ ...subject, issuedAt: subject.issuedAt + 1 })).toBe(false)
    expect(await revocations.isRevoked({ ...subject, issuer: 'https://other' })).toBe(false)
    expect(await revocations.isRevoked({ ...subject, user: 'stays' })).toBe(false)
  })
  it("TOKEN-24: a token's is final, and another token of the same user is not concerned", async () => {
    const revocations = make()
    const subject = { ...identityOf(), user: 'two-tokens', tokenId: 'lost' }
    await revocations.revokeToken(subject.issuer, 'lost', NOW)
    expect(await revocations.isRevoked({ ...subject, issuedAt: NOW })).toBe(true)
    expect(await revocations.isRevoked({ ...subject, tokenId: 'kept' })).toBe(false)
    expect(await revocations.isRevoked({ ...subject, tokenId: '' })).toBe(false)
  })
})
