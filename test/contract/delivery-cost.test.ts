import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { dynamoAudiences } from '../../backend/src/adapters/dynamo-audiences.ts'
import { dynamoHistory } from '../../backend/src/adapters/dynamo-history.ts'
import { dynamoSubscriptions } from '../../backend/src/adapters/dynamo-subscriptions.ts'
import { createSubscriberCounts } from '../../backend/src/core/subscriber-count/announce-in-batch.ts'
import type { DemandMessages } from '../../backend/src/core/subscriber-count/ports.ts'
import { connection, START_MS, streamItem } from '../../backend/src/testing/records.ts'
import { createWorld, testClock } from '../../backend/src/testing/world.ts'
import { startDynalite, type DynaliteTables } from '../support/dynalite-tables.ts'

const tables = { connectionsTable: 'connections', subscriptionsTable: 'subscriptions' }
let database: DynaliteTables
const calls = new Map<string, number>()
beforeAll(async () => {
  database = await startDynalite('connections', 'subscriptions', 'history')
  database.client.middlewareStack.add(
    (next, { commandName = '' }) =>
      (args) => {
        calls.set(commandName, (calls.get(commandName) ?? 0) + 1)
        return next(args)
      },
    { step: 'initialize' },
  )
})
afterAll(() => database.close())

let world: ReturnType<typeof createWorld>
/** Devices that were told who watches them. */
let told: string[]
let site: string
let serial = 0
let sequence = 0
beforeEach(() => {
  const clock = testClock()
  const { client } = database
  told = []
  const messages: DemandMessages = {
    publish: (topic) => Promise.resolve(void told.push(topic)),
  }
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  world = createWorld(clock, {
    subscriberCounts: createSubscriberCounts({ messages, clock, log }),
    history: dynamoHistory({ client, table: 'history', retentionMs: 86_400_000, clock }),
    subscriptions: dynamoSubscriptions(client, tables, clock),
    audiences: dynamoAudiences(client, tables, clock),
  })
  site = `cost-${++serial}`
  sequence = 0
})

async function watch(connections: number, device = 'pump-7'): Promise<void> {
  for (let index = 0; index < connections; index++) {
    const connectionId = `cost-${serial}-${++sequence}=`
    const who = connection({ connectionId, user: connectionId, devices: [`${site}/#`] })
    await world.subscribe([{ sid: 1, topic: `${site}/${device}` }], who)
  }
}

/** What DynamoDB is asked for one batch. */
async function countBatch(readings: number, devices = 1): Promise<Record<string, number>> {
  const items = Array.from({ length: readings }, (_, i) =>
    streamItem(
      ++sequence,
      { a: i },
      {
        topic: `dt/${site}/${devices === 1 ? 'pump-7' : `d-${i % devices}`}/telemetry`,
        shardId: `shard-${site}`,
        brokerMs: START_MS + sequence,
      },
    ),
  )
  calls.clear()
  await world.deliver(...items)
  return Object.fromEntries(calls)
}

/** Two reads (heads, versions) and two writes (rows, heads). */
const steady = { BatchGetItemCommand: 2, BatchWriteItemCommand: 2 }

it.each([
  [1, 1],
  [1_000, 1],
  [1, 100],
  [1_000, 100],
])(
  'costs the same four calls for %i readings and %i connections while nobody subscribes',
  async (readings, connections) => {
    await watch(connections)
    await countBatch(1)
    expect(await countBatch(readings)).toEqual(steady)
    expect(world.posts.length).toBeGreaterThanOrEqual(2 * connections)
  },
  60_000,
)

it.each([1, 100])(
  'reads the site’s rows again, in one query more, after somebody of %i subscribed',
  async (connections) => {
    await watch(connections)
    await countBatch(1)
    await watch(1)
    world.counts.clear()
    expect(await countBatch(1)).toEqual({ ...steady, QueryCommand: 1 })
    expect(world.counts.get('SubscriptionsRead')).toBe(connections + 1)
    world.counts.clear()
    await countBatch(1)
    expect(world.counts.get('SubscriptionsRead')).toBe(0)
  },
  60_000,
)

it('another site’s subscribers cost nothing', async () => {
  await watch(1)
  await countBatch(1)
  const mine = site
  site = `${site}-other`
  await watch(3)
  site = mine
  expect(await countBatch(1)).toEqual(steady)
})

it('devices are told who watches them at no cost: the same four calls', async () => {
  await watch(1)
  await countBatch(1)
  expect(told).toEqual([`${site}/pump-7`])
  world.clock.ms += 5 * 60_000
  expect(await countBatch(1)).toEqual(steady)
  expect(told).toHaveLength(2)
})

it('writes of a batch grow with the lanes of its devices, not with the devices: 25 items a call', async () => {
  await watch(1)
  await countBatch(200, 200)
  const { BatchWriteItemCommand, ...rest } = await countBatch(200, 200)
  expect(BatchWriteItemCommand).toBe(2)
  expect(rest).toEqual({ BatchGetItemCommand: 2 })
})

it('a refused connection costs two writes and a read in all, not for each batch', async () => {
  await watch(2)
  await countBatch(1)
  world.outcomes.set(`cost-${serial}-1=`, 'throttled')
  const first = await countBatch(1)
  expect(first).toEqual({ BatchGetItemCommand: 2, BatchWriteItemCommand: 3, UpdateItemCommand: 1 })
  expect(await countBatch(1)).toEqual({ ...steady, QueryCommand: 1 })
  expect(await countBatch(1)).toEqual(steady)
})
