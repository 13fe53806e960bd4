import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  GetItemCommand,
  QueryCommand,
  TransactGetItemsCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { key, localItems, type LocalTable } from './support.ts'

/** Source: DynamoDB Developer Guide, "Read and write operations": 1 KB a write unit, 4 KB a read unit, half of it without consistency. */
describe('consumed capacity, which the cost figures rely on', () => {
  let table: LocalTable
  let client: DynamoDBClient
  let TableName: string
  const ReturnConsumedCapacity = 'TOTAL'
  const item = (sk: string, bytes = 2500) => ({
    ...key('cap', sk),
    data: { S: 'x'.repeat(bytes) },
  })

  beforeAll(async () => {
    table = await localItems()
    ;({ client, TableName } = table)
  })
  beforeEach(async () => {
    for (const sk of ['a', 'b']) await table.put(item(sk))
  })
  afterAll(() => table.close())

  const total = (CapacityUnits: number) => ({ TableName, CapacityUnits })

  it('is in the answer as asked', async () => {
    const put = (wanted?: string) => table.put(item('a'), { ReturnConsumedCapacity: wanted })
    expect((await put()).ConsumedCapacity).toBeUndefined()
    expect((await put('NONE')).ConsumedCapacity).toBeUndefined()
    expect((await put('TOTAL')).ConsumedCapacity).toEqual(total(3))
    expect((await put('INDEXES')).ConsumedCapacity).toEqual({
      ...total(3),
      Table: { CapacityUnits: 3 },
    })
  })

  it('of an update is that of the larger of both items', async () => {
    const { ConsumedCapacity } = await client.send(
      new UpdateItemCommand({
        TableName,
        Key: key('cap', 'a'),
        UpdateExpression: 'REMOVE #data',
        ExpressionAttributeNames: { '#data': 'data' },
        ReturnConsumedCapacity,
      }),
    )
    expect(ConsumedCapacity).toEqual(total(3))
  })

  it('of a read is half without consistency', async () => {
    const get = async (ConsistentRead: boolean) => {
      const input = { TableName, Key: key('cap', 'a'), ConsistentRead, ReturnConsumedCapacity }
      return (await client.send(new GetItemCommand({ ...input, ReturnConsumedCapacity: 'TOTAL' })))
        .ConsumedCapacity
    }
    expect(await get(false)).toEqual(total(0.5))
    expect(await get(true)).toEqual(total(1))
  })

  it('of a query is that of all items it looks at together', async () => {
    const query = async (more: object = {}) =>
      (
        await client.send(
          new QueryCommand({
            TableName,
            KeyConditionExpression: 'pk = :p',
            ExpressionAttributeValues: { ':p': key('cap')['pk']! },
            ReturnConsumedCapacity,
            ...more,
          }),
        )
      ).ConsumedCapacity
    expect(await query()).toEqual(total(1))
    expect(await query({ ConsistentRead: true })).toEqual(total(2))
  })

  it('of a query of an index is that of the index', async () => {
    await table.put({ ...item('c'), owner: key('ana')['pk']! })
    const { ConsumedCapacity } = await client.send(
      new QueryCommand({
        TableName,
        IndexName: 'byOwner',
        KeyConditionExpression: '#o = :o',
        ExpressionAttributeNames: { '#o': 'owner' },
        ExpressionAttributeValues: { ':o': key('ana')['pk']! },
        ReturnConsumedCapacity: 'INDEXES',
      }),
    )
    expect(ConsumedCapacity).toEqual({
      ...total(0.5),
      Table: { CapacityUnits: 0 },
      GlobalSecondaryIndexes: { byOwner: { CapacityUnits: 0.5 } },
    })
  })

  it('of a batch is the sum of its items, each rounded up', async () => {
    const written = await client.send(
      new BatchWriteItemCommand({
        RequestItems: {
          [TableName]: [item('a', 100), item('b')].map((Item) => ({ PutRequest: { Item } })),
        },
        ReturnConsumedCapacity,
      }),
    )
    // The first replaces an item of three.
    expect(written.ConsumedCapacity).toEqual([total(6)])
    const Keys = [key('cap', 'a'), key('cap', 'b')]
    const read = await client.send(
      new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys } }, ReturnConsumedCapacity }),
    )
    expect(read.ConsumedCapacity).toEqual([total(1)])
  })

  it('of a transaction is twice that of its parts', async () => {
    const written = await client.send(
      new TransactWriteItemsCommand({
        TransactItems: [{ Put: { TableName, Item: item('a') } }],
        ReturnConsumedCapacity,
      }),
    )
    expect(written.ConsumedCapacity).toEqual([total(6)])
    const read = await client.send(
      new TransactGetItemsCommand({
        TransactItems: [{ Get: { TableName, Key: key('cap', 'a') } }],
        ReturnConsumedCapacity,
      }),
    )
    expect(read.ConsumedCapacity).toEqual([total(2)])
  })

  it('is counted for every call, asked for or not', async () => {
    const unitsOf = (): number =>
      table.dynamodb.counts().find((count) => count.operation === 'PutItem')?.capacityUnits ?? 0
    const before = unitsOf()
    await table.put(item('a'))
    expect(unitsOf()).toBe(before + 3)
  })
})
