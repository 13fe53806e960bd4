import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  QueryCommand,
  TransactGetItemsCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  UpdateTimeToLiveCommand,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDynamoDb, type DynamoDb } from '../../../infra/local/services/dynamodb/index.ts'
import { awsFront, ground, type AwsFront, type Ground } from '../../support/aws-front.ts'

let on: Ground
let front: AwsFront
let dynamodb: DynamoDb
let client: DynamoDBClient
const TableName = 'Readings'

beforeAll(async () => {
  on = ground()
  dynamodb = createDynamoDb(on)
  front = await awsFront(on, [dynamodb])
  client = new DynamoDBClient(front.developer)
  await front.create('AWS::DynamoDB::Table', {
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
    AttributeDefinitions: [
      { AttributeName: 'pk', AttributeType: 'S' },
      { AttributeName: 'sk', AttributeType: 'S' },
      { AttributeName: 'owner', AttributeType: 'S' },
    ],
    GlobalSecondaryIndexes: [
      {
        IndexName: 'byOwner',
        KeySchema: [{ AttributeName: 'owner', KeyType: 'HASH' }],
        Projection: { ProjectionType: 'ALL' },
      },
    ],
    TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
  })
})
beforeEach(() => {
  on.faults.clear()
  on.denied.clear()
})
afterAll(() => front.stop())

type Attributes = Record<string, AttributeValue>
const key = (pk: string, sk = 'x'): Attributes => ({ pk: { S: pk }, sk: { S: sk } })
const put = (item: Attributes, more: object = {}) =>
  client.send(new PutItemCommand({ TableName, Item: item, ...more }))
const get = async (pk: string, sk = 'x') =>
  (await client.send(new GetItemCommand({ TableName, Key: key(pk, sk), ConsistentRead: true })))
    .Item
const nowSeconds = (): number => Math.floor(on.clock.now() / 1000)

describe('items', () => {
  it('D5: an item of more than 400 KB is refused', async () => {
    await expect(put({ ...key('big'), data: { S: 'x'.repeat(410_000) } })).rejects.toMatchObject({
      name: 'ValidationException',
      message: 'Item size has exceeded the maximum allowed size',
    })
  })

  it('D6: a query page ends at 1 MB or at Limit before the filter, with LastEvaluatedKey', async () => {
    for (const n of [1, 2, 3, 4]) {
      await put({ ...key('page', `${n}`), data: { S: 'x'.repeat(390_000) }, n: { N: `${n}` } })
    }
    const query = { TableName, KeyConditionExpression: 'pk = :p' }
    const values = { ':p': { S: 'page' } }
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

  it('D7: a filter on a key attribute is refused, and so is a range on the partition key', async () => {
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

  it('D8: an index gives no consistent reads, repeats keys and lacks items without the key', async () => {
    await put({ ...key('g1'), owner: { S: 'ana' } })
    await put({ ...key('g2'), owner: { S: 'ana' } })
    await put(key('g3'))
    const query = {
      TableName,
      IndexName: 'byOwner',
      KeyConditionExpression: '#o = :o',
      ExpressionAttributeNames: { '#o': 'owner' },
      ExpressionAttributeValues: { ':o': { S: 'ana' } },
    }
    expect((await client.send(new QueryCommand(query))).Count).toBe(2)
    await expect(
      client.send(new QueryCommand({ ...query, ConsistentRead: true })),
    ).rejects.toMatchObject({ name: 'ValidationException' })
  })

  it('D12: an update makes a missing item unless a condition forbids it; deleting nothing succeeds', async () => {
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

  it('D15: empty strings are values but not keys, empty sets are neither', async () => {
    await put({ ...key('empty'), note: { S: '' } })
    await expect(put(key(''))).rejects.toMatchObject({ name: 'ValidationException' })
    await expect(put({ ...key('empty'), tags: { SS: [] } })).rejects.toMatchObject({
      name: 'ValidationException',
    })
  })

  it('D16: a reserved word needs a name placeholder', async () => {
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

describe('conditions and transactions', () => {
  it('D11: a failed condition carries the item on demand', async () => {
    await put({ ...key('cond'), v: { N: '1' } })
    const conditional = { ConditionExpression: 'attribute_not_exists(pk)' }
    await expect(put(key('cond'), conditional)).rejects.toMatchObject({
      name: 'ConditionalCheckFailedException',
      message: 'The conditional request failed',
      $metadata: { httpStatusCode: 400 },
    })
    await expect(
      put(key('cond'), { ...conditional, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }),
    ).rejects.toMatchObject({ Item: { ...key('cond'), v: { N: '1' } } })
  })

  it('D10: a transaction writes everything or nothing, with reasons in request order', async () => {
    await put({ ...key('t1'), v: { N: '1' } })
    const transact = (expected: string) =>
      client.send(
        new TransactWriteItemsCommand({
          TransactItems: [
            { Put: { TableName, Item: key('t2') } },
            {
              Update: {
                TableName,
                Key: key('t1'),
                UpdateExpression: 'SET v = :w',
                ConditionExpression: 'v = :v',
                ExpressionAttributeValues: { ':v': { N: expected }, ':w': { N: '2' } },
                ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
              },
            },
          ],
        }),
      )
    await expect(transact('7')).rejects.toMatchObject({
      name: 'TransactionCanceledException',
      CancellationReasons: [
        { Code: 'None' },
        { Code: 'ConditionalCheckFailed', Item: { ...key('t1'), v: { N: '1' } } },
      ],
    })
    expect(await get('t2')).toBeUndefined()
    await transact('1')
    const both = await client.send(
      new TransactGetItemsCommand({
        TransactItems: ['t1', 't2', 't3'].map((pk) => ({ Get: { TableName, Key: key(pk) } })),
      }),
    )
    expect(
      both.Responses?.map((response) => response.Item?.['v']?.N ?? response.Item?.['pk']?.S),
    ).toEqual(['2', 't2', undefined])
  })

  it('D10: concurrent transactions on one item leave one winner', async () => {
    await put({ ...key('race'), v: { N: '0' } })
    const attempts = Array.from({ length: 10 }, () =>
      client.send(
        new TransactWriteItemsCommand({
          TransactItems: [
            {
              Update: {
                TableName,
                Key: key('race'),
                UpdateExpression: 'SET v = :w',
                ConditionExpression: 'v = :v',
                ExpressionAttributeValues: { ':v': { N: '0' }, ':w': { N: '1' } },
              },
            },
          ],
        }),
      ),
    )
    const outcomes = await Promise.allSettled(attempts)
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1)
  })

  it('D10: a write that fails after the conditions undoes the writes before it', async () => {
    await put({ ...key('undo'), v: { N: '1' } })
    await put({ ...key('text'), v: { S: 'a' } })
    const add = (pk: string) => ({
      Update: {
        TableName,
        Key: key(pk),
        UpdateExpression: 'ADD v :one',
        ExpressionAttributeValues: { ':one': { N: '1' } },
      },
    })
    await expect(
      client.send(new TransactWriteItemsCommand({ TransactItems: [add('undo'), add('text')] })),
    ).rejects.toMatchObject({
      CancellationReasons: [{ Code: 'None' }, { Code: 'ValidationError' }],
    })
    expect(await get('undo')).toEqual({ ...key('undo'), v: { N: '1' } })
  })
})

describe('batches, throttles and capacity', () => {
  const batch = (count: number) => ({
    RequestItems: {
      [TableName]: Array.from({ length: count }, (_, n) => ({
        PutRequest: { Item: key('batch', `${n}`) },
      })),
    },
  })

  it('D9: a batch takes 25 items, refuses more and refuses the same key twice', async () => {
    await client.send(new BatchWriteItemCommand(batch(25)))
    await expect(client.send(new BatchWriteItemCommand(batch(26)))).rejects.toMatchObject({
      name: 'ValidationException',
    })
    const same = { PutRequest: { Item: key('batch', 'same') } }
    await expect(
      client.send(new BatchWriteItemCommand({ RequestItems: { [TableName]: [same, same] } })),
    ).rejects.toThrow('Provided list of item keys contains duplicates')
  })

  it('D9: a throttled batch returns what it did not do; a single one is refused', async () => {
    on.faults.add({ seam: 'dynamodb.Batch*', count: 2, fault: { kind: 'throttle' } })
    const written = await client.send(new BatchWriteItemCommand(batch(10)))
    expect(written.UnprocessedItems?.[TableName]).toHaveLength(5)
    const read = await client.send(
      new BatchGetItemCommand({
        RequestItems: {
          [TableName]: {
            Keys: [0, 1, 2, 3].map((n) => key('batch', `${n}`)),
            ConsistentRead: true,
          },
        },
      }),
    )
    expect(read.Responses?.[TableName]).toHaveLength(2)
    expect(read.UnprocessedKeys?.[TableName]).toEqual({
      Keys: [key('batch', '2'), key('batch', '3')],
      ConsistentRead: true,
    })
    on.faults.add({ seam: 'dynamodb.PutItem', count: 1, fault: { kind: 'throttle' } })
    await expect(put(key('one'))).rejects.toMatchObject({
      name: 'ProvisionedThroughputExceededException',
    })
    expect(on.recorded.some((datum) => datum.name === 'WriteThrottleEvents')).toBe(true)
  })

  it('D13: errors are 400 with the prefixed type, a service error is 500', async () => {
    on.faults.add({ seam: 'dynamodb.GetItem', count: 1, fault: { kind: 'error' } })
    await expect(get('any')).rejects.toMatchObject({
      name: 'InternalServerError',
      $metadata: { httpStatusCode: 500 },
    })
    const response = await fetch(front.endpoint.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': 'DynamoDB_20120810.GetItem',
        'x-amz-date': '20260101T000000Z',
        authorization:
          'AWS4-HMAC-SHA256 Credential=any/20260101/eu-west-1/dynamodb/aws4_request, SignedHeaders=host, Signature=00',
      },
      body: JSON.stringify({ TableName: 'Nothing', Key: key('a') }),
    })
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({
      __type: 'com.amazonaws.dynamodb.v20120810#ResourceNotFoundException',
      message: 'Requested resource not found',
    })
  })

  it('returns consumed capacity as asked and counts it for every call', async () => {
    const item = { ...key('cap'), data: { S: 'x'.repeat(2500) } }
    expect((await put(item, { ReturnConsumedCapacity: 'TOTAL' })).ConsumedCapacity).toEqual({
      TableName,
      CapacityUnits: 3,
    })
    expect((await put(item)).ConsumedCapacity).toBeUndefined()
    const counted = dynamodb.counts().find((count) => count.operation === 'PutItem')
    expect(counted?.capacityUnits).toBeGreaterThanOrEqual(6)
  })
})

describe('time to live', () => {
  it('D1, D2: an expired item is there until a late sweep; milliseconds and old times never expire', async () => {
    const expired = nowSeconds() - 1
    await put({ ...key('ttl', 'due'), ttl: { N: `${expired}` } })
    await put({ ...key('ttl', 'ms'), ttl: { N: `${on.clock.now()}` } })
    await put({ ...key('ttl', 'ancient'), ttl: { N: `${expired - 6 * 365 * 86_400}` } })
    await put({ ...key('ttl', 'text'), ttl: { S: `${expired}` } })
    expect(await get('ttl', 'due')).toBeDefined()
    await on.clock.advance(61_000)
    await expect.poll(() => get('ttl', 'due')).toBeUndefined()
    for (const sk of ['ms', 'ancient', 'text']) expect(await get('ttl', sk)).toBeDefined()
  })

  it('D3: an expired item can be prolonged before it goes', async () => {
    await put({ ...key('ttl', 'longer'), ttl: { N: `${nowSeconds() - 1}` } })
    await put({ ...key('ttl', 'shorter'), ttl: { N: `${nowSeconds() - 1}` } })
    await client.send(
      new UpdateItemCommand({
        TableName,
        Key: key('ttl', 'longer'),
        UpdateExpression: 'SET #ttl = :t',
        ExpressionAttributeNames: { '#ttl': 'ttl' },
        ExpressionAttributeValues: { ':t': { N: `${nowSeconds() + 3600}` } },
      }),
    )
    await on.clock.advance(61_000)
    await expect.poll(() => get('ttl', 'shorter')).toBeUndefined()
    expect(await get('ttl', 'longer')).toBeDefined()
  })

  it('D4: deleting by time to live uses no write capacity', async () => {
    await put({ ...key('ttl', 'free'), ttl: { N: `${nowSeconds() - 1}` } })
    const before = dynamodb.counts().filter((count) => count.operation === 'DeleteItem')
    await on.clock.advance(61_000)
    await expect.poll(() => get('ttl', 'free')).toBeUndefined()
    expect(dynamodb.counts().filter((count) => count.operation === 'DeleteItem')).toEqual(before)
  })

  it('switches on and off through the API', async () => {
    const off = { AttributeName: 'ttl', Enabled: false }
    const command = { TableName, TimeToLiveSpecification: off }
    const answer = await client.send(new UpdateTimeToLiveCommand(command))
    expect(answer.TimeToLiveSpecification).toEqual(off)
  })
})

describe('permissions and names', () => {
  it('refuses a role what its policies do not allow, on the table and on the index', async () => {
    const asRole = new DynamoDBClient(front.role)
    const arn = `arn:aws:dynamodb:eu-west-1:000000000000:table/${TableName}`
    on.denied.add(`dynamodb:PutItem ${arn}`)
    on.denied.add(`dynamodb:Query ${arn}/index/byOwner`)
    const transaction = { TransactItems: [{ Put: { TableName, Item: key('no') } }] }
    await expect(asRole.send(new TransactWriteItemsCommand(transaction))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      $metadata: { httpStatusCode: 400 },
    })
    await expect(
      asRole.send(
        new QueryCommand({
          TableName,
          IndexName: 'byOwner',
          KeyConditionExpression: '#o = :o',
          ExpressionAttributeNames: { '#o': 'owner' },
          ExpressionAttributeValues: { ':o': { S: 'ana' } },
        }),
      ),
    ).rejects.toThrow('is not authorized to perform: dynamodb:Query')
    await expect(
      asRole.send(new GetItemCommand({ TableName, Key: key('g1') })),
    ).resolves.toBeDefined()
  })

  it('D25: a table name outside 3–255 characters of the alphabet stops the start', async () => {
    await expect(
      front.create('AWS::DynamoDB::Table', {
        TableName: 'a!',
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      }),
    ).rejects.toThrow('It (AWS::DynamoDB::Table): DynamoDB would refuse it')
  })

  it('C17: Ref is the table name, GetAtt Arn its ARN', async () => {
    const created = await front.create('AWS::DynamoDB::Table', {
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    })
    expect(created.ref).toMatch(/^Gaugeline-It-[A-Z0-9]{12}$/)
    expect(created.attributes).toEqual({
      Arn: `arn:aws:dynamodb:eu-west-1:000000000000:table/${created.ref}`,
    })
    expect((await client.send(new ListTablesCommand({}))).TableNames).toContain(created.ref)
  })
})
