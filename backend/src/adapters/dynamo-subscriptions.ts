import {
  GetCommand,
  PutCommand,
  UpdateCommand,
  type DynamoDBDocumentClient,
} from '@aws-sdk/lib-dynamodb'
import type { Clock } from '../core/clock.ts'
import type {
  Registry,
  RegistryEntry,
  RowIdentity,
  RowKey,
  SubscriptionRow,
  Subscriptions,
} from '../core/subscriptions/ports.ts'
import type { ConnectionsTable } from './connection-row.ts'
import { batchGet, batchWrite, conditionally, queryAll, type Key } from './dynamo-client.ts'
import { partitionOf, rowKey, versionKey } from './subscription-keys.ts'
import { toSubscriptionItem } from './subscription-item.ts'
import { systemClock } from './system-clock.ts'

export interface SubscriptionTables {
  readonly subscriptionsTable: string
  readonly connectionsTable: string
}

/** A socket lives two hours at most (APIGW-88); its rows may outlive it by ten minutes. */
const ROW_SECONDS = 7_800

interface RegistryItem {
  readonly revision: number
  readonly closed: boolean
  readonly entries: string
  readonly active: number
}

const registryKey = (connectionId: string): Key => ({ pk: `conn#${connectionId}`, sk: 'subs' })

/** Subscription rows in the Subscriptions table, and each connection's registry beside its own row in the Connections table. */
export function dynamoSubscriptions(
  client: DynamoDBDocumentClient,
  tables: SubscriptionTables,
  clock: Clock = systemClock,
): Subscriptions {
  const { subscriptionsTable, connectionsTable } = tables
  const ttl = (): number => Math.ceil(clock.now() / 1_000) + ROW_SECONDS
  return {
    async registry(connectionId) {
      const { Item } = await client.send(
        new GetCommand({
          TableName: connectionsTable,
          Key: registryKey(connectionId),
          ConsistentRead: true,
        }),
      )
      return toRegistry(Item as RegistryItem | undefined)
    },
    async saveRegistry(connectionId, next) {
      const item = { ...registryKey(connectionId), ...fromRegistry(next), ttl: ttl() }
      return putIf(client, connectionsTable, item, next.revision - 1)
    },
    closeRegistry: (connectionId) =>
      closeRegistry({ client, table: connectionsTable }, connectionId, ttl()),
    async putRows(rows) {
      const puts = rows.map((row) => ({
        put: { ...toSubscriptionItem(row), ...rowKey(row), ttl: ttl() },
      }))
      await batchWrite(client, subscriptionsTable, puts)
    },
    async removeRows(keys) {
      const removals = keys.map((key) => ({ remove: rowKey(key) }))
      await batchWrite(client, subscriptionsTable, removals)
    },
    async renewRows(renewals, identity) {
      await Promise.all(
        renewals.map(({ key, grants }) =>
          renewRow(client, subscriptionsTable, { key, grants, identity }),
        ),
      )
    },
    async bump(topics) {
      const partitions = new Set(topics.map(partitionOf))
      await Promise.all(
        [...partitions].map((partition) => bumpVersion(client, subscriptionsTable, partition)),
      )
    },
    async countOfUser(user) {
      const rows = await queryAll<{ sk: string }>(client, {
        TableName: connectionsTable,
        KeyConditionExpression: 'pk = :user',
        ExpressionAttributeValues: { ':user': `user#${user}` },
      })
      const ids = rows
        .filter((row) => row.sk.startsWith('conn#'))
        .map((row) => row.sk.slice('conn#'.length))
      return countOf(client, connectionsTable, ids)
    },
    countOf: (connectionIds) => countOf(client, connectionsTable, connectionIds),
  }
}

async function countOf(
  client: DynamoDBDocumentClient,
  table: string,
  connectionIds: readonly string[],
): Promise<number> {
  const registries = await batchGet<RegistryItem>(client, table, connectionIds.map(registryKey))
  return registries.reduce((sum, { active }) => sum + active, 0)
}

/** One write, because every closed socket costs it: a storm of them is the busiest that these tables get. */
async function closeRegistry(
  { client, table }: ConnectionsTable,
  connectionId: string,
  ttl: number,
): Promise<Registry> {
  const { Attributes } = await client.send(
    new UpdateCommand({
      TableName: table,
      Key: registryKey(connectionId),
      UpdateExpression:
        'SET closed = :closed, #ttl = :ttl, entries = if_not_exists(entries, :none), active = if_not_exists(active, :zero) ADD revision :one',
      ExpressionAttributeNames: { '#ttl': 'ttl' },
      ExpressionAttributeValues: {
        ':closed': true,
        ':ttl': ttl,
        ':none': '[]',
        ':zero': 0,
        ':one': 1,
      },
      ReturnValues: 'ALL_NEW',
    }),
  )
  return toRegistry(Attributes as RegistryItem | undefined)
}

/** Tells every `deliver` to read this partition again. Call it after the change that it should see. */
export async function bumpVersion(
  client: DynamoDBDocumentClient,
  subscriptionsTable: string,
  partition: string,
): Promise<void> {
  await client.send(
    new UpdateCommand({
      TableName: subscriptionsTable,
      Key: versionKey(partition),
      UpdateExpression: 'ADD #version :one',
      ExpressionAttributeNames: { '#version': 'version' },
      ExpressionAttributeValues: { ':one': 1 },
    }),
  )
}

async function putIf(
  client: DynamoDBDocumentClient,
  table: string,
  item: Record<string, unknown>,
  expectedRevision: number,
): Promise<'saved' | 'conflict'> {
  const isFirst = expectedRevision === 0
  const isSaved = await conditionally(
    client.send(
      new PutCommand({
        TableName: table,
        Item: item,
        ConditionExpression: isFirst ? 'attribute_not_exists(pk)' : 'revision = :expected',
        ...(isFirst ? {} : { ExpressionAttributeValues: { ':expected': expectedRevision } }),
      }),
    ),
  )
  return isSaved ? 'saved' : 'conflict'
}

/** Only a row that is still there: a row that was removed meanwhile must not come back (DDB-12). */
async function renewRow(
  client: DynamoDBDocumentClient,
  table: string,
  renewal: {
    readonly key: RowKey
    readonly grants: SubscriptionRow['grants']
    readonly identity: RowIdentity
  },
): Promise<void> {
  const { expiresAt, issuedAt, tokenId } = renewal.identity
  await conditionally(
    client.send(
      new UpdateCommand({
        TableName: table,
        Key: rowKey(renewal.key),
        UpdateExpression:
          'SET expiresAt = :expiresAt, issuedAt = :issuedAt, tokenId = :tokenId, grants = :grants',
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeValues: {
          ':expiresAt': expiresAt,
          ':issuedAt': issuedAt,
          ':tokenId': tokenId,
          ':grants': renewal.grants,
        },
      }),
    ),
  )
}

function toRegistry(item: RegistryItem | undefined): Registry {
  if (!item) return { revision: 0, closed: false, entries: new Map() }
  const entries = JSON.parse(item.entries) as [number, RegistryEntry][]
  return { revision: item.revision, closed: item.closed, entries: new Map(entries) }
}

function fromRegistry({ revision, closed, entries }: Registry): RegistryItem {
  const active = [...entries.values()].filter(({ topic }) => topic !== undefined).length
  return { revision, closed, entries: JSON.stringify([...entries]), active }
}
