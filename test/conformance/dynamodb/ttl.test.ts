import {
  ScanCommand,
  UpdateItemCommand,
  UpdateTimeToLiveCommand,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { key, localItems, type LocalTable } from './support.ts'

let table: LocalTable
let client: DynamoDBClient
let TableName: string
const put: LocalTable['put'] = (...input) => table.put(...input)
const get: LocalTable['get'] = (...input) => table.get(...input)

beforeAll(async () => {
  table = await localItems()
  ;({ client, TableName } = table)
})
beforeEach(() => {
  table.on.faults.clear()
  table.on.denied.clear()
})
afterAll(() => table.close())

const nowSeconds = (): number => Math.floor(table.on.clock.now() / 1000)

describe('time to live', () => {
  it('DDB-1, DDB-2, DDB-19: an expired item is there until a late sweep; milliseconds and old times never expire', async () => {
    const expired = nowSeconds() - 1
    await put({ ...key('ttl', 'due'), ttl: { N: `${expired}` } })
    await put({ ...key('ttl', 'ms'), ttl: { N: `${table.on.clock.now()}` } })
    await put({ ...key('ttl', 'ancient'), ttl: { N: `${expired - 6 * 365 * 86_400}` } })
    await put({ ...key('ttl', 'text'), ttl: { S: `${expired}` } })
    expect(await get('ttl', 'due')).toBeDefined()
    await table.on.clock.advance(61_000)
    await expect.poll(() => get('ttl', 'due')).toBeUndefined()
    for (const sk of ['ms', 'ancient', 'text']) expect(await get('ttl', sk)).toBeDefined()
  })

  it('DDB-2: with a delay of two days an expired item is read, queried and scanned until then', async () => {
    const slow = await localItems({ timeToLiveDelayMs: 48 * 3_600_000 })
    const expiresS = Math.floor(slow.on.clock.now() / 1000) + 60
    await slow.put({ ...key('ttl', 'late'), ttl: { N: `${expiresS}` } })
    await slow.on.clock.advance(47 * 3_600_000)
    expect(await slow.get('ttl', 'late')).toBeDefined()
    const found = await slow.client.send(new ScanCommand({ TableName: slow.TableName }))
    expect(found.Count).toBe(1)
    await slow.on.clock.advance(3_600_000 + 180_000)
    await expect.poll(() => slow.get('ttl', 'late')).toBeUndefined()
    await slow.close()
  })

  it('DDB-3: an expired item can be prolonged before it goes', async () => {
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
    await table.on.clock.advance(61_000)
    await expect.poll(() => get('ttl', 'shorter')).toBeUndefined()
    expect(await get('ttl', 'longer')).toBeDefined()
  })

  it('DDB-4: deleting by time to live uses no write capacity', async () => {
    await put({ ...key('ttl', 'free'), ttl: { N: `${nowSeconds() - 1}` } })
    const before = table.dynamodb.counts().filter((count) => count.operation === 'DeleteItem')
    await table.on.clock.advance(61_000)
    await expect.poll(() => get('ttl', 'free')).toBeUndefined()
    expect(table.dynamodb.counts().filter((count) => count.operation === 'DeleteItem')).toEqual(
      before,
    )
  })

  it('switches on and off through the API', async () => {
    const off = { AttributeName: 'ttl', Enabled: false }
    const command = { TableName, TimeToLiveSpecification: off }
    const answer = await client.send(new UpdateTimeToLiveCommand(command))
    expect(answer.TimeToLiveSpecification).toEqual(off)
  })
})
