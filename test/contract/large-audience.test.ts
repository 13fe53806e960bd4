import { afterAll, beforeAll, expect, it } from 'vitest'
import { dynamoAudiences } from '../../backend/src/adapters/dynamo-audiences.ts'
import { dynamoSubscriptions } from '../../backend/src/adapters/dynamo-subscriptions.ts'
import type { SubscriptionRow } from '../../backend/src/core/subscriptions/ports.ts'
import { connection, streamItem } from '../../backend/src/testing/records.ts'
import { createWorld, testClock } from '../../backend/src/testing/world.ts'
import { startDynalite, type DynaliteTables } from '../support/dynalite-tables.ts'

const tables = { connectionsTable: 'connections', subscriptionsTable: 'subscriptions' }
let database: DynaliteTables
beforeAll(async () => {
  database = await startDynalite('connections', 'subscriptions')
})
afterAll(() => database.close())

it('FAULT-26: everybody is reached whose rows fill more than two pages of a query', async () => {
  const clock = testClock()
  const { client } = database
  const world = createWorld(clock, {
    subscriptions: dynamoSubscriptions(client, tables, clock),
    audiences: dynamoAudiences(client, tables, clock),
  })
  const site = 'plant-1'
  const topic = `${site}/pump-7`
  // 300 rows of about 8 KB: 2.4 MB, and a page of a query ends at one (DDB-6).
  const others = Array.from({ length: 8 }, (_, i) => `${site}/${'x'.repeat(1_000)}-${i}`)
  const rows = Array.from({ length: 300 }, (_, index): SubscriptionRow => ({
    ...connection({ connectionId: `c-${index}=`, user: `u-${index}` }),
    sid: 1,
    messageId: 1,
    topic,
    mode: 'complete',
    grants: [`${site}/#`, ...others],
  }))
  await world.subscriptions.putRows(rows)
  await world.subscriptions.bump([topic])
  await world.deliver(streamItem(1, { a: 1 }, { topic: `dt/${topic}/telemetry` }))
  const reached = world.posts.map(({ connectionId }) => connectionId)
  expect(reached.toSorted()).toEqual(rows.map(({ connectionId }) => connectionId).toSorted())
})
