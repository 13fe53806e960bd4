import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb'
import {
  BatchGetCommand,
  DeleteCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  UpdateCommand,
  type DynamoDBDocumentClient,
} from '@aws-sdk/lib-dynamodb'
import type { Identity } from '../core/auth/identity.ts'
import type { Admission, Connection, Connections } from '../core/connections/ports.ts'
import { limits } from '../protocol/index.ts'

/** API Gateway cuts every socket at 2 h (aws-behaviour W88); ten minutes of grace for its rows. */
const ROW_LIFE_SECONDS = 2 * 3_600 + 600
/** Longer than a `$connect` can still be running (29 s) when its `$disconnect` has already been handled. */
const TOMBSTONE_SECONDS = 15 * 60
const MESSAGE_INTERVAL_MS = 1_000 / limits.messagesPerSecond
/** Optimistic attempts of {@link admit}: messages of one connection run side by side. */
const ADMIT_ATTEMPTS = 3

const metaKey = (connectionId: string) => ({ pk: `conn#${connectionId}`, sk: 'meta' })
const userKey = (user: string, connectionId: string) => ({
  pk: `user#${user}`,
  sk: `conn#${connectionId}`,
})

interface Table {
  readonly client: DynamoDBDocumentClient
  readonly table: string
}

/** Connections in DynamoDB, keys as in docs/architecture.md. Throws the SDK's errors. */
export function dynamoConnections(at: Table): Connections {
  return {
    open: (connection) => open(at, connection),
    find: (connectionId) => find(at, connectionId),
    admit: (connectionId, nowMs) => admit(at, connectionId, nowMs),
    ofUser: (user) => ofUser(at, user),
    renew: (connectionId, identity) => renew(at, connectionId, identity),
    close: (connectionId, nowMs) => close(at, connectionId, nowMs),
  }
}

async function open(
  { client, table }: Table,
  connection: Connection,
): Promise<'opened' | 'closed'> {
  const { connectionId, user, connectedAt } = connection
  const ttl = Math.floor(connectedAt / 1_000) + ROW_LIFE_SECONDS
  const byUser = userKey(user, connectionId)
  await client.send(
    new PutCommand({ TableName: table, Item: { ...byUser, connectionId, connectedAt, ttl } }),
  )
  try {
    await client.send(
      new PutCommand({
        TableName: table,
        Item: { ...metaKey(connectionId), ...connection, tat: 0, strikes: 0, revision: 1, ttl },
        ConditionExpression: 'attribute_not_exists(pk)',
      }),
    )
    return 'opened'
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error
    await client.send(new DeleteCommand({ TableName: table, Key: byUser }))
    return 'closed'
  }
}

async function find(
  { client, table }: Table,
  connectionId: string,
): Promise<Connection | undefined> {
  const { Item } = await client.send(
    new GetCommand({ TableName: table, Key: metaKey(connectionId), ConsistentRead: true }),
  )
  return toConnection(Item)
}

async function admit(at: Table, connectionId: string, nowMs: number): Promise<Admission> {
  for (let attempt = 0; attempt < ADMIT_ATTEMPTS; attempt++) {
    const connection =
      (await spend(at, connectionId, nowMs, 'calm')) ??
      (await spend(at, connectionId, nowMs, 'busy'))
    if (connection) return { outcome: 'admitted', connection }
    const refused = await strike(at, connectionId, nowMs)
    if (refused) return refused
  }
  return { outcome: 'limited', retryAfterMs: MESSAGE_INTERVAL_MS, strikes: 0 }
}

/**
 * The token bucket as one number, the time at which the bucket is empty again (GCRA), because an update expression has no maximum:
 * `calm` = it is empty now, `busy` = it has room.
 */
async function spend(
  { client, table }: Table,
  connectionId: string,
  nowMs: number,
  state: 'calm' | 'busy',
): Promise<Connection | undefined> {
  const calm = state === 'calm'
  try {
    const { Attributes } = await client.send(
      new UpdateCommand({
        TableName: table,
        Key: metaKey(connectionId),
        UpdateExpression: calm
          ? 'SET tat = :next, lastSeenAt = :now, strikes = :none'
          : 'SET tat = tat + :interval, lastSeenAt = :now',
        ConditionExpression: calm ? 'tat < :now' : 'tat >= :now AND tat <= :full',
        ExpressionAttributeValues: {
          ':now': nowMs,
          ...(calm
            ? { ':next': nowMs + MESSAGE_INTERVAL_MS, ':none': 0 }
            : {
                ':interval': MESSAGE_INTERVAL_MS,
                ':full': nowMs + (limits.messagesBurst - 1) * MESSAGE_INTERVAL_MS,
              }),
        },
        ReturnValues: 'ALL_NEW',
      }),
    )
    return toConnection(Attributes)
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined
    throw error
  }
}

/** Counts a refused message. `undefined`: the bucket has room after all, another message's write came between. */
async function strike(
  { client, table }: Table,
  connectionId: string,
  nowMs: number,
): Promise<Admission | undefined> {
  try {
    const { Attributes } = await client.send(
      new UpdateCommand({
        TableName: table,
        Key: metaKey(connectionId),
        UpdateExpression: 'SET strikes = strikes + :one, lastSeenAt = :now',
        ConditionExpression: 'tat > :full',
        ExpressionAttributeValues: {
          ':one': 1,
          ':now': nowMs,
          ':full': nowMs + (limits.messagesBurst - 1) * MESSAGE_INTERVAL_MS,
        },
        ReturnValues: 'ALL_NEW',
      }),
    )
    const { tat, strikes } = Attributes as { tat: number; strikes: number }
    const retryAfterMs = tat - nowMs - (limits.messagesBurst - 1) * MESSAGE_INTERVAL_MS
    return { outcome: 'limited', retryAfterMs: Math.max(1, Math.ceil(retryAfterMs)), strikes }
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error
    const known = await find({ client, table }, connectionId)
    return known ? undefined : { outcome: 'unknown' }
  }
}

async function ofUser({ client, table }: Table, user: string): Promise<readonly Connection[]> {
  const ids: string[] = []
  let start: Record<string, unknown> | undefined
  do {
    const page = await client.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :sk)',
        ExpressionAttributeValues: { ':pk': `user#${user}`, ':sk': 'conn#' },
        ConsistentRead: true,
        ...(start ? { ExclusiveStartKey: start } : {}),
      }),
    )
    ids.push(...(page.Items ?? []).map((item) => String(item['connectionId'])))
    start = page.LastEvaluatedKey
  } while (start)
  const connections: Connection[] = []
  for (let from = 0; from < ids.length; from += 100) {
    connections.push(...(await findAll({ client, table }, ids.slice(from, from + 100))))
  }
  return connections.sort(
    (a, b) => a.connectedAt - b.connectedAt || (a.connectionId < b.connectionId ? -1 : 1),
  )
}

async function findAll({ client, table }: Table, ids: readonly string[]): Promise<Connection[]> {
  const found: Connection[] = []
  let keys: Record<string, unknown>[] = ids.map(metaKey)
  while (keys.length > 0) {
    const answer = await client.send(
      new BatchGetCommand({ RequestItems: { [table]: { Keys: keys, ConsistentRead: true } } }),
    )
    for (const item of answer.Responses?.[table] ?? []) {
      const connection = toConnection(item)
      if (connection) found.push(connection)
    }
    keys = answer.UnprocessedKeys?.[table]?.Keys ?? []
  }
  return found
}

async function renew(
  { client, table }: Table,
  connectionId: string,
  identity: Identity,
): Promise<'renewed' | 'unknown'> {
  const { roles, devices, expiresAt, issuedAt, tokenId } = identity
  try {
    await client.send(
      new UpdateCommand({
        TableName: table,
        Key: metaKey(connectionId),
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
    return 'renewed'
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return 'unknown'
    throw error
  }
}

async function close({ client, table }: Table, connectionId: string, nowMs: number): Promise<void> {
  const ttl = Math.floor(nowMs / 1_000) + TOMBSTONE_SECONDS
  const { Attributes } = await client.send(
    new PutCommand({
      TableName: table,
      Item: { ...metaKey(connectionId), closedAt: nowMs, ttl },
      ReturnValues: 'ALL_OLD',
    }),
  )
  const before = toConnection(Attributes)
  if (!before) return
  await client.send(
    new DeleteCommand({ TableName: table, Key: userKey(before.user, connectionId) }),
  )
}

/** `undefined` for no item and for a tombstone. */
function toConnection(item: Record<string, unknown> | undefined): Connection | undefined {
  if (item?.['connectedAt'] === undefined) return undefined
  const row = item as unknown as Connection
  return {
    connectionId: row.connectionId,
    user: row.user,
    roles: row.roles,
    devices: row.devices,
    expiresAt: row.expiresAt,
    issuedAt: row.issuedAt,
    tokenId: row.tokenId,
    issuer: row.issuer,
    connectedAt: row.connectedAt,
    lastSeenAt: row.lastSeenAt,
  }
}
