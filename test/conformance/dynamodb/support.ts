import {
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  paginateScan,
  PutItemCommand,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb'
import { createDynamoDb, type DynamoDb } from '../../../infra/local/services/dynamodb/index.ts'
import { awsFront, ground, type AwsFront, type Ground } from '../../support/aws-front.ts'
import { fixtureResource } from '../fixture/resources.ts'
import { named, runId, target, targetClient, type Target } from '../target.ts'

export type Attributes = Record<string, AttributeValue>

/** The table `Items` of the fixture, here or at the target. */
export interface ItemsTable {
  readonly client: DynamoDBClient
  readonly TableName: string
  put(item: Attributes, more?: object): Promise<{ readonly ConsumedCapacity?: unknown }>
  /** Reads consistently. */
  get(pk: string, sk?: string): Promise<Attributes | undefined>
  /** Leaves nothing of this run in a table of the target. */
  close(): Promise<void>
}

/** The same with what only a table in this process has. */
export interface LocalTable extends ItemsTable {
  readonly on: Ground
  readonly front: AwsFront
  readonly dynamodb: DynamoDb
}

/** Keys of this run: a table of the target may hold those of another. */
export const key = (pk: string, sk = 'x'): Attributes => ({
  pk: { S: pk === '' ? '' : `${runId}-${pk}` },
  sk: { S: sk },
})

export async function openItems(): Promise<ItemsTable> {
  return target === undefined ? localItems() : targetItems(target)
}

/** A table in this process, on a clock of its own. */
export async function localItems(
  options: { readonly timeToLiveDelayMs?: number } = {},
): Promise<LocalTable> {
  const on = ground()
  const dynamodb = createDynamoDb({ ...on, ...options })
  const front = await awsFront(on, [dynamodb])
  const { type, properties } = fixtureResource('Items')
  const { ref } = await front.create(type, properties, 'Items')
  const client = new DynamoDBClient(front.developer)
  const close = async (): Promise<void> => {
    client.destroy()
    await front.stop()
  }
  return { ...tableOf(client, ref), on, front, dynamodb, close }
}

function targetItems(at: Target): ItemsTable {
  const client = new DynamoDBClient(targetClient(at))
  const table = tableOf(client, named(at.tables, 'Items'))
  return {
    ...table,
    async close() {
      await removeOwnItems(table)
      client.destroy()
    },
  }
}

function tableOf(client: DynamoDBClient, TableName: string): Omit<ItemsTable, 'close'> {
  return {
    client,
    TableName,
    put: (item, more = {}) => client.send(new PutItemCommand({ TableName, Item: item, ...more })),
    async get(pk, sk = 'x') {
      const input = { TableName, Key: key(pk, sk), ConsistentRead: true }
      return (await client.send(new GetItemCommand(input))).Item
    },
  }
}

async function removeOwnItems({ client, TableName }: Omit<ItemsTable, 'close'>): Promise<void> {
  const pages = paginateScan(
    { client },
    {
      TableName,
      ProjectionExpression: 'pk, sk',
      FilterExpression: 'begins_with(pk, :run)',
      ExpressionAttributeValues: { ':run': { S: runId } },
    },
  )
  for await (const { Items = [] } of pages) {
    for (const Key of Items) await client.send(new DeleteItemCommand({ TableName, Key }))
  }
}
