import {
  GetCommand,
  QueryCommand,
  UpdateCommand,
  type DynamoDBDocumentClient,
} from '@aws-sdk/lib-dynamodb'
import type { AlarmEntry, AlarmRecord, AlarmRecords } from '../core/alarms/ports.ts'
import { queryAll } from './dynamo-client.ts'
import { transact } from './dynamo-transaction.ts'

const HISTORY_DAYS = 30
const revisionKey = { pk: 'revision', sk: 'alarms' } as const

interface Table {
  readonly client: DynamoDBDocumentClient
  readonly table: string
}

/** The Alarms table, keys as in docs/architecture.md. Throws the SDK's errors. */
export function dynamoAlarms(at: Table): AlarmRecords {
  return {
    all: async () => {
      const rows = await queryAll<{ record: AlarmRecord }>(at.client, {
        TableName: at.table,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': 'alarm' },
      })
      return rows.map(({ record }) => record)
    },
    find: async (alarm) => {
      const key = { pk: 'alarm', sk: alarm }
      return (await get<{ record: AlarmRecord }>(at, key))?.record
    },
    replace: (record, before) => replace(at, record, before),
    history: (alarm, limit) => history(at, alarm, limit),
    bump: () => bump(at),
    current: async () => (await get<{ value: number }>(at, revisionKey))?.value ?? 0,
  }
}

async function get<Row>(
  { client, table }: Table,
  key: { pk: string; sk: string },
): Promise<Row | undefined> {
  const { Item } = await client.send(
    new GetCommand({ TableName: table, Key: key, ConsistentRead: true }),
  )
  return Item as Row | undefined
}

/** One transaction; the history line's key is the record's revision, so that there is one for each. */
async function replace(
  { client, table: TableName }: Table,
  record: AlarmRecord & { readonly last: AlarmEntry },
  before: number,
): Promise<'replaced' | 'conflict'> {
  const { alarm, revision, last } = record
  const condition =
    before === 0
      ? { ConditionExpression: 'attribute_not_exists(pk)' }
      : {
          ConditionExpression: 'revision = :before',
          ExpressionAttributeValues: { ':before': before },
        }
  const line = {
    pk: `history#${alarm}`,
    sk: `${padded(last.at)}#${padded(revision)}`,
    entry: last,
    ttl: Math.ceil(last.at / 1_000) + HISTORY_DAYS * 86_400,
  }
  const outcome = await transact(client, [
    { Put: { TableName, Item: { pk: 'alarm', sk: alarm, revision, record }, ...condition } },
    { Put: { TableName, Item: line } },
  ])
  return outcome === 'written' ? 'replaced' : 'conflict'
}

const padded = (number: number): string => String(number).padStart(13, '0')

async function history(
  { client, table }: Table,
  alarm: string,
  limit: number,
): Promise<readonly AlarmEntry[]> {
  const { Items } = await client.send(
    new QueryCommand({
      TableName: table,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': `history#${alarm}` },
      ScanIndexForward: false,
      Limit: limit,
    }),
  )
  return (Items ?? []).map((item) => (item as { entry: AlarmEntry }).entry)
}

async function bump({ client, table }: Table): Promise<number> {
  const { Attributes } = await client.send(
    new UpdateCommand({
      TableName: table,
      Key: revisionKey,
      UpdateExpression: 'ADD #value :one',
      ExpressionAttributeNames: { '#value': 'value' },
      ExpressionAttributeValues: { ':one': 1 },
      ReturnValues: 'UPDATED_NEW',
    }),
  )
  return (Attributes as { value: number }).value
}
