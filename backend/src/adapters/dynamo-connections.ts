import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb'
import { PutCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import type { Identity } from '../core/auth/identity.ts'
import { batchGet, batchWrite, conditionally, queryAll, type Key } from './dynamo-client.ts'
import { createHash } from 'node:crypto'
import type {
  Connection,
  Connections,
  OpenConnection,
  CloseReason,
} from '../core/connections/ports.ts'
import { admitMessage, emptyBucket } from './dynamo-admission.ts'
import {
  findConnection,
  metaKey,
  toConnection,
  type ConnectionsTable as Table,
} from './connection-row.ts'

/** API Gateway cuts every socket at 2 h (APIGW-88); ten minutes of grace for its rows. */
const ROW_LIFE_SECONDS = 2 * 3_600 + 600
/** Longer than a `$connect` can still be running (29 s) when its `$disconnect` has already been handled. */
const TOMBSTONE_SECONDS = 15 * 60

const userKey = (user: string, connectionId: string) => ({
  pk: `user#${user}`,
  sk: `conn#${connectionId}`,
})

const tokenKey = (tokenId: string, connectionId: string) => ({
  pk: `jti#${tokenId}`,
  sk: `conn#${connectionId}`,
})
const OPEN_SHARDS = 16
const openPk = (shard: number): string => `open#${shard.toString(16)}`
/** All open connections, spread over 16 partitions. */
const openKey = (connectionId: string) => ({
  pk: openPk(createHash('md5').update(connectionId).digest().readUInt8(0) % OPEN_SHARDS),
  sk: `conn#${connectionId}`,
})
/** The rows by which a connection is found: by its user, by its token's id if it has one, and by the sweeper, which never scans. */
const finderKeys = (connection: Pick<Connection, 'connectionId' | 'user' | 'tokenId'>) => [
  userKey(connection.user, connection.connectionId),
  openKey(connection.connectionId),
  ...(connection.tokenId ? [tokenKey(connection.tokenId, connection.connectionId)] : []),
]

/** Connections in DynamoDB, keys as in docs/architecture.md. Throws the SDK's errors. */
export function dynamoConnections(at: Table): Connections {
  return {
    open: (connection) => open(at, connection),
    find: (connectionId) => findConnection(at, connectionId),
    admit: (connectionId, nowMs) => admitMessage(at, connectionId, nowMs),
    countOfUser: (user) => countBy(at, `user#${user}`),
    ofUser: (user) => findBy(at, `user#${user}`),
    ofToken: async (tokenId) =>
      (await findBy(at, `jti#${tokenId}`)).filter((one) => one.tokenId === tokenId),
    renew: (connectionId, identity, nowMs) => renew(at, connectionId, identity, nowMs),
    allOpen: () => allOpen(at),
    close: (connectionId, nowMs, why) => close(at, connectionId, { closedAt: nowMs, why }),
  }
}

async function open(at: Table, connection: Connection): Promise<'opened' | 'closed'> {
  const { connectionId, connectedAt, expiresAt } = connection
  const ttl = Math.floor(connectedAt / 1_000) + ROW_LIFE_SECONDS
  const finders = finderKeys(connection)
  const found = { connectionId, connectedAt, expiresAt, ttl }
  const rows = finders.map((key) => ({ put: { ...key, ...found } }))
  await batchWrite(at.client, at.table, rows)
  try {
    await at.client.send(
      new PutCommand({
        TableName: at.table,
        Item: { ...metaKey(connectionId), ...connection, ...emptyBucket, ttl },
        ConditionExpression: 'attribute_not_exists(pk)',
      }),
    )
    return 'opened'
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error
    await removeAll(at, finders)
    return 'closed'
  }
}

async function put({ client, table }: Table, item: Record<string, unknown>): Promise<void> {
  await client.send(new PutCommand({ TableName: table, Item: item }))
}

async function removeAll({ client, table }: Table, keys: readonly Key[]): Promise<void> {
  const removals = keys.map((remove) => ({ remove }))
  await batchWrite(client, table, removals)
}

const findersOf = ({ table }: Table, pk: string) => ({
  TableName: table,
  KeyConditionExpression: 'pk = :pk AND begins_with(sk, :sk)',
  ExpressionAttributeValues: { ':pk': pk, ':sk': 'conn#' },
})

async function countBy(at: Table, pk: string): Promise<number> {
  const command = new QueryCommand({ ...findersOf(at, pk), Select: 'COUNT', ConsistentRead: true })
  const { Count = 0 } = await at.client.send(command)
  return Count
}

async function findBy(at: Table, pk: string): Promise<readonly Connection[]> {
  const { client, table } = at
  const finders = await queryAll<{ connectionId: string }>(client, findersOf(at, pk))
  const keys = finders.map(({ connectionId }) => metaKey(connectionId))
  const rows = await batchGet(client, table, keys)
  return rows
    .map(toConnection)
    .filter((one) => one !== undefined)
    .sort((a, b) => a.connectedAt - b.connectedAt || (a.connectionId < b.connectionId ? -1 : 1))
}

/** The finder of a former token id stays until its ttl: {@link findBy} compares with the row. */
async function renew(
  at: Table,
  connectionId: string,
  identity: Identity,
  nowMs: number,
): Promise<'renewed' | 'unknown'> {
  const { client, table } = at
  const { roles, devices, expiresAt, issuedAt, tokenId } = identity
  const ttl = Math.floor(nowMs / 1_000) + ROW_LIFE_SECONDS
  if (tokenId) await put(at, { ...tokenKey(tokenId, connectionId), connectionId, ttl })
  try {
    const { Attributes } = await client.send(
      new UpdateCommand({
        TableName: table,
        Key: metaKey(connectionId),
        ReturnValues: 'UPDATED_NEW',
        UpdateExpression:
          'SET #roles = :roles, devices = :devices, expiresAt = :expiresAt, issuedAt = :issuedAt, tokenId = :tokenId, revision = revision + :one',
        ConditionExpression: 'attribute_exists(connectedAt)',
        ExpressionAttributeNames: { '#roles': 'roles' },
        ExpressionAttributeValues: {
          ':roles': roles,
          ':devices': devices,
          ':expiresAt': expiresAt,
          ':issuedAt': issuedAt,
          ':tokenId': tokenId,
          ':one': 1,
        },
      }),
    )
    await moveEnd(at, connectionId, { expiresAt, revision: Number(Attributes?.['revision']) })
    return 'renewed'
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return 'unknown'
    throw error
  }
}

/** Tells the sweeper's row when the newest token ends: renewals run side by side, and a row that was removed must not come back. */
async function moveEnd(
  { client, table }: Table,
  connectionId: string,
  { expiresAt, revision }: Pick<Connection, 'expiresAt' | 'revision'>,
): Promise<void> {
  await conditionally(
    client.send(
      new UpdateCommand({
        TableName: table,
        Key: openKey(connectionId),
        UpdateExpression: 'SET expiresAt = :expiresAt, revision = :revision',
        ConditionExpression:
          'attribute_exists(pk) AND (attribute_not_exists(revision) OR revision < :revision)',
        ExpressionAttributeValues: { ':expiresAt': expiresAt, ':revision': revision },
      }),
    ),
  )
}

async function close(
  at: Table,
  connectionId: string,
  { closedAt, why }: { readonly closedAt: number; readonly why: CloseReason | undefined },
): Promise<void> {
  const ttl = Math.floor(closedAt / 1_000) + TOMBSTONE_SECONDS
  const closedFor = why === undefined ? {} : { closedFor: why }
  const { Attributes } = await at.client.send(
    new PutCommand({
      TableName: at.table,
      Item: { ...metaKey(connectionId), closedAt, ...closedFor, ttl },
      ReturnValues: 'ALL_OLD',
    }),
  )
  const before = toConnection(Attributes)
  // Without the row nobody knows its user; the sweeper's way to it goes in any case, or it would find nothing there for ever.
  await removeAll(at, before ? finderKeys(before) : [openKey(connectionId)])
}

async function allOpen({ client, table }: Table): Promise<readonly OpenConnection[]> {
  const shards = await Promise.all(
    Array.from({ length: OPEN_SHARDS }, (_, shard) =>
      queryAll<OpenConnection>(client, {
        TableName: table,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': openPk(shard) },
        ConsistentRead: false,
      }),
    ),
  )
  return shards.flat().map(({ connectionId, connectedAt, expiresAt }) => ({
    connectionId,
    connectedAt,
    expiresAt,
  }))
}
