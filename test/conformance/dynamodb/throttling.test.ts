import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
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

describe('batches, throttles and capacity', () => {
  const batch = (count: number) => ({
    RequestItems: {
      [TableName]: Array.from({ length: count }, (_, n) => ({
        PutRequest: { Item: key('batch', `${n}`) },
      })),
    },
  })

  it('DDB-9: a throttled batch returns what it did not do; a single one is refused', async () => {
    table.on.faults.add({ seam: 'dynamodb.Batch*', count: 2, fault: { kind: 'throttle' } })
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
    table.on.faults.add({ seam: 'dynamodb.PutItem', count: 1, fault: { kind: 'throttle' } })
    await expect(put(key('one'))).rejects.toMatchObject({
      name: 'ProvisionedThroughputExceededException',
    })
    expect(table.on.recorded.some((datum) => datum.name === 'WriteThrottleEvents')).toBe(true)
  })

  it('DDB-13: errors are 400 with the prefixed type, a service error is 500', async () => {
    table.on.faults.add({ seam: 'dynamodb.GetItem', count: 1, fault: { kind: 'error' } })
    await expect(get('any')).rejects.toMatchObject({
      name: 'InternalServerError',
      $metadata: { httpStatusCode: 500 },
    })
    const response = await fetch(table.front.endpoint.url, {
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
})
