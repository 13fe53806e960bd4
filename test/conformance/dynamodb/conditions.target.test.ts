import {
  TransactGetItemsCommand,
  TransactWriteItemsCommand,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { key, openItems, type ItemsTable } from './support.ts'

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

describe('conditions and transactions', () => {
  it('DDB-11, DDB-21: a failed condition carries the item on demand', async () => {
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

  it('DDB-10: a transaction writes everything or nothing, with reasons in request order', async () => {
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
    ).toEqual(['2', key('t2')['pk']?.S, undefined])
  })

  it('DDB-10: a transaction has at most 100 items and 4 MB', async () => {
    const puts = (count: number, bytes: number) =>
      new TransactWriteItemsCommand({
        TransactItems: Array.from({ length: count }, (_, n) => ({
          Put: { TableName, Item: { ...key('many', `${n}`), data: { S: 'x'.repeat(bytes) } } },
        })),
      })
    for (const tooMuch of [puts(101, 1), puts(12, 390_000)]) {
      await expect(client.send(tooMuch)).rejects.toMatchObject({ name: 'ValidationException' })
    }
    expect(await get('many', '0')).toBeUndefined()
    await client.send(puts(100, 1))
    expect(await get('many', '99')).toBeDefined()
  })

  it('DDB-10: concurrent transactions on one item leave one winner', async () => {
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

  it('DDB-10: a write that fails after the conditions undoes the writes before it', async () => {
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
