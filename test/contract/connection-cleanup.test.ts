import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { dynamoSubscriptions } from '../../backend/src/adapters/dynamo-subscriptions.ts'
import type { SubscriptionRow } from '../../backend/src/core/subscriptions/ports.ts'
import { removeConnection } from '../../backend/src/core/subscriptions/remove-connection.ts'
import { connection } from '../../backend/src/testing/records.ts'
import { createDynamoDb } from '../../infra/local/services/dynamodb/index.ts'
import { awsFront, ground, type AwsFront, type Ground } from '../support/aws-front.ts'

const tables = { connectionsTable: 'Connections', subscriptionsTable: 'Subscriptions' }
let on: Ground
let front: AwsFront
let client: DynamoDBDocumentClient
let subscriptions: ReturnType<typeof dynamoSubscriptions>

beforeAll(async () => {
  on = ground()
  front = await awsFront(on, [createDynamoDb(on)])
  const marshallOptions = { removeUndefinedValues: true }
  client = DynamoDBDocumentClient.from(new DynamoDBClient(front.developer), { marshallOptions })
  subscriptions = dynamoSubscriptions(client, tables, on.clock)
  for (const TableName of Object.values(tables)) {
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
      ],
    })
  }
})
beforeEach(() => on.faults.clear())
afterAll(() => front.stop())

/** Every subscription row, by its connection; version rows left out. */
async function rowsByConnection(): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  let key: Record<string, unknown> | undefined
  do {
    const page = await client.send(
      new ScanCommand({ TableName: tables.subscriptionsTable, ExclusiveStartKey: key }),
    )
    for (const item of page.Items ?? []) {
      const connectionId = item['connectionId'] as string | undefined
      if (connectionId !== undefined) {
        counts.set(connectionId, (counts.get(connectionId) ?? 0) + 1)
      }
    }
    key = page.LastEvaluatedKey
  } while (key)
  return counts
}

/** Straight through the ports: 1,000 are more than one client may have. */
async function subscribeTo(connectionId: string, count: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, sid): SubscriptionRow => ({
    ...connection({ connectionId }),
    sid,
    messageId: 1,
    topic: `plant-1/d-${sid}`,
    mode: 'complete',
    grants: ['plant-1/#'],
  }))
  const entries = new Map(rows.map((row) => [row.sid, { messageId: 1, topic: row.topic }]))
  await subscriptions.saveRegistry(connectionId, { revision: 1, closed: false, entries })
  await subscriptions.putRows(rows)
}

describe('clean-up of a connection while DynamoDB leaves every second batch half done (PROMISE-9, DDB-9)', () => {
  it.each([1, 12, 13, 25, 26, 101, 1_000])(
    'removes all of %i subscriptions and nobody else’s',
    async (count) => {
      const [mine, other] = [`mine-${count}`, `mine-${count}0`]
      await subscribeTo(other, 30)
      await subscribeTo(mine, count)
      const before = await rowsByConnection()
      expect(before.get(mine)).toBe(count)
      on.faults.add({ seam: 'dynamodb.BatchWriteItem', every: 2, fault: { kind: 'throttle' } })
      expect(await removeConnection(mine, subscriptions)).toBe(count)
      before.delete(mine)
      expect(await rowsByConnection()).toEqual(before)
      const [report] = on.faults.report()
      if (count > 25) expect(report!.injected).toBeGreaterThan(0)
      expect(await removeConnection(mine, subscriptions)).toBe(0)
    },
    120_000,
  )

  it('a clean-up that cannot end now is ended by the next one', async () => {
    await subscribeTo('stuck', 30)
    on.faults.add({ seam: 'dynamodb.BatchWriteItem', fault: { kind: 'throttle' } })
    await expect(removeConnection('stuck', subscriptions)).rejects.toThrow()
    on.faults.clear()
    expect(await removeConnection('stuck', subscriptions)).toBe(30)
    expect((await rowsByConnection()).has('stuck')).toBe(false)
  }, 60_000)
})
