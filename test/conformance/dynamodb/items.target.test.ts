import {
  BatchWriteItemCommand,
  DeleteItemCommand,
  GetItemCommand,
  QueryCommand,
  UpdateItemCommand,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { key, openItems, type Attributes, type ItemsTable } from './support.ts'

let table: ItemsTable
let client: DynamoDBClient
let TableName: string
const put: ItemsTable['put'] = (...input) => table.put(...input)
const get: ItemsTable['get'] = (...input) => table.get(...input)

beforeAll(async () => {
  table = await openItems()
  ;({ client, TableName } = table)
})
afterAll(() => table.close())

describe('items', () => {
  it('DDB-5: an item of more than 400 KB is refused', async () => {
    await expect(put({ ...key('big'), data: { S: 'x'.repeat(410_000) } })).rejects.toMatchObject({
      name: 'ValidationException',
      message: 'Item size has exceeded the maximum allowed size',
    })
  })

  it('DDB-6: a query page ends at 1 MB or at Limit before the filter, with LastEvaluatedKey', async () => {
    for (const n of [1, 2, 3, 4]) {
      await put({ ...key('page', `${n}`), data: { S: 'x'.repeat(390_000) }, n: { N: `${n}` } })
    }
    const query = { TableName, KeyConditionExpression: 'pk = :p' }
    const values = { ':p': key('page')['pk']! }
    const first = await client.send(
      new QueryCommand({ ...query, ExpressionAttributeValues: values }),
    )
    expect(first.Count).toBe(3)
    expect(first.LastEvaluatedKey).toEqual(key('page', '3'))
    const filtered = await client.send(
      new QueryCommand({
        ...query,
        Limit: 2,
        FilterExpression: 'n > :n',
        ExpressionAttributeValues: { ...values, ':n': { N: '3' } },
      }),
    )
    expect(filtered).toMatchObject({
      Count: 0,
      ScannedCount: 2,
      LastEvaluatedKey: key('page', '2'),
    })
  })

  it('DDB-7: a filter on a key attribute is refused, and so is a range on the partition key', async () => {
    const refused = { name: 'ValidationException' }
    await expect(
      client.send(
        new QueryCommand({
          TableName,
          KeyConditionExpression: 'pk = :p',
          FilterExpression: 'sk = :s',
          ExpressionAttributeValues: { ':p': { S: 'a' }, ':s': { S: 'b' } },
        }),
      ),
    ).rejects.toMatchObject(refused)
    await expect(
      client.send(
        new QueryCommand({
          TableName,
          KeyConditionExpression: 'pk > :p',
          ExpressionAttributeValues: { ':p': { S: 'a' } },
        }),
      ),
    ).rejects.toMatchObject(refused)
  })

  it('DDB-8: an index gives no consistent reads, repeats keys and lacks items without the key', async () => {
    await put({ ...key('g1'), owner: key('ana')['pk']! })
    await put({ ...key('g2'), owner: key('ana')['pk']! })
    await put(key('g3'))
    const query = {
      TableName,
      IndexName: 'byOwner',
      KeyConditionExpression: '#o = :o',
      ExpressionAttributeNames: { '#o': 'owner' },
      ExpressionAttributeValues: { ':o': key('ana')['pk']! },
    }
    await expect.poll(async () => (await client.send(new QueryCommand(query))).Count).toBe(2)
    await expect(
      client.send(new QueryCommand({ ...query, ConsistentRead: true })),
    ).rejects.toMatchObject({ name: 'ValidationException' })
  })

  it('DDB-12: an update makes a missing item unless a condition forbids it; deleting nothing succeeds', async () => {
    const update = {
      TableName,
      Key: key('new'),
      UpdateExpression: 'SET n = :n',
      ExpressionAttributeValues: { ':n': { N: '1' } },
    }
    await expect(
      client.send(
        new UpdateItemCommand({ ...update, ConditionExpression: 'attribute_exists(pk)' }),
      ),
    ).rejects.toMatchObject({ name: 'ConditionalCheckFailedException' })
    await client.send(new UpdateItemCommand(update))
    expect(await get('new')).toEqual({ ...key('new'), n: { N: '1' } })
    await client.send(new DeleteItemCommand({ TableName, Key: key('never') }))
  })

  it('DDB-15: empty strings are values but not keys, empty sets are neither', async () => {
    await put({ ...key('empty'), note: { S: '' } })
    await expect(put(key(''))).rejects.toMatchObject({ name: 'ValidationException' })
    await expect(put({ ...key('empty'), tags: { SS: [] } })).rejects.toMatchObject({
      name: 'ValidationException',
    })
  })

  it('DDB-24: updates set, append, add, remove and delete, and conditions of keys range', async () => {
    const update = (UpdateExpression: string, ExpressionAttributeValues?: Attributes) =>
      client.send(
        new UpdateItemCommand({
          TableName,
          Key: key('expr', 'a1'),
          UpdateExpression,
          ...(ExpressionAttributeValues && { ExpressionAttributeValues }),
        }),
      )
    const [zero, one, list, texts] = [{ N: '0' }, { N: '1' }, { L: [{ N: '1' }] }, { SS: ['a'] }]
    await update('SET n = if_not_exists(n, :z) + :o, l = :l, gone = :o', {
      ':z': zero,
      ':o': one,
      ':l': list,
    })
    await update('SET l = list_append(l, :l) REMOVE gone ADD s :s', {
      ':l': list,
      ':s': { SS: ['a', 'b'] },
    })
    await update('DELETE s :s', { ':s': texts })
    expect(await get('expr', 'a1')).toEqual({
      ...key('expr', 'a1'),
      n: { N: '1' },
      l: { L: [{ N: '1' }, { N: '1' }] },
      s: { SS: ['b'] },
    })
    await put(key('expr', 'a2'))
    await put(key('expr', 'b1'))
    const query = async (condition: string, values: Attributes): Promise<unknown[]> => {
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName,
          KeyConditionExpression: `pk = :p AND ${condition}`,
          ExpressionAttributeValues: { ':p': key('expr')['pk']!, ...values },
          ConsistentRead: true,
        }),
      )
      return Items.map((item) => item['sk']?.S)
    }
    expect(await query('begins_with(sk, :a)', { ':a': { S: 'a' } })).toEqual(['a1', 'a2'])
    const between = { ':f': { S: 'a2' }, ':t': { S: 'b1' } }
    expect(await query('sk BETWEEN :f AND :t', between)).toEqual(['a2', 'b1'])
  })

  it('DDB-24: atomic additions at once sum up', async () => {
    const add = () =>
      client.send(
        new UpdateItemCommand({
          TableName,
          Key: key('sum'),
          UpdateExpression: 'ADD n :one',
          ExpressionAttributeValues: { ':one': { N: '1' } },
        }),
      )
    await Promise.all(Array.from({ length: 20 }, add))
    expect((await get('sum'))?.['n']).toEqual({ N: '20' })
  })

  it('DDB-16: a reserved word needs a name placeholder', async () => {
    await expect(
      client.send(
        new UpdateItemCommand({
          TableName,
          Key: key('r'),
          UpdateExpression: 'SET ttl = :t',
          ExpressionAttributeValues: { ':t': { N: '1' } },
        }),
      ),
    ).rejects.toThrow('reserved keyword: ttl')
  })
})

describe('batches and errors', () => {
  const batch = (count: number) => ({
    RequestItems: {
      [TableName]: Array.from({ length: count }, (_, n) => ({
        PutRequest: { Item: key('batch', `${n}`) },
      })),
    },
  })

  it('DDB-9: a batch takes 25 items, refuses more and refuses the same key twice', async () => {
    await client.send(new BatchWriteItemCommand(batch(25)))
    await expect(client.send(new BatchWriteItemCommand(batch(26)))).rejects.toMatchObject({
      name: 'ValidationException',
    })
    const same = { PutRequest: { Item: key('batch', 'same') } }
    await expect(
      client.send(new BatchWriteItemCommand({ RequestItems: { [TableName]: [same, same] } })),
    ).rejects.toThrow('Provided list of item keys contains duplicates')
  })

  it('DDB-13: an error is 400', async () => {
    const input = { TableName: 'GaugelineNothing', Key: key('a') }
    await expect(client.send(new GetItemCommand(input))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'Requested resource not found',
      $metadata: { httpStatusCode: 400 },
    })
  })
})
