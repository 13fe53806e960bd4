import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { dynamoAudiences } from '../../backend/src/adapters/dynamo-audiences.ts'
import { dynamoHistory } from '../../backend/src/adapters/dynamo-history.ts'
import { dynamoSubscriptions } from '../../backend/src/adapters/dynamo-subscriptions.ts'
import { removeConnection } from '../../backend/src/core/subscriptions/remove-connection.ts'
import type { SubscriptionRow } from '../../backend/src/core/subscriptions/ports.ts'
import { earliestPosition, type Data } from '../../backend/src/protocol/index.ts'
import { connection, START_MS, streamItem } from '../../backend/src/testing/records.ts'
import { createWorld, testClock, valuesIn } from '../../backend/src/testing/world.ts'
import { startDynalite, type DynaliteTables } from '../support/dynalite-tables.ts'

const tables = { connectionsTable: 'connections', subscriptionsTable: 'subscriptions' }
let database: DynaliteTables
beforeAll(async () => {
  database = await startDynalite('connections', 'subscriptions', 'history')
})
afterAll(() => database.close())

type World = ReturnType<typeof createWorld>
/** With `beside`: another execution environment on the same data. */
const inMemory = (beside?: World): World =>
  beside
    ? createWorld(beside.clock, {
        history: beside.history,
        subscriptions: beside.memory,
        audiences: beside.memory,
      })
    : createWorld()
const inDynamo = (beside?: World): World => {
  const clock = beside?.clock ?? testClock()
  const { client } = database
  return createWorld(clock, {
    history: dynamoHistory({ client, table: 'history', retentionMs: 86_400_000, clock }),
    subscriptions: dynamoSubscriptions(client, tables, clock),
    audiences: dynamoAudiences(client, tables, clock),
  })
}

/** Each test has a site and connections of its own: the tables are shared. */
let serial = 0

describe.each([
  ['in memory', inMemory],
  ['in DynamoDB', inDynamo],
])('delivery %s', (_name, make) => {
  let world: World
  let site: string
  let me: ReturnType<typeof connection>
  const topic = () => `${site}/pump-7`
  const item = (sequence: number, payload: unknown, device = 'pump-7') =>
    streamItem(sequence, payload, {
      topic: `dt/${site}/${device}/telemetry`,
      shardId: `shard-${site}`,
    })
  beforeEach(() => {
    world = make()
    site = `site-${++serial}`
    me = connection({
      connectionId: `connection-${serial}=`,
      user: `user-${serial}`,
      devices: [`${site}/#`],
    })
  })

  it.each([2 ** 53 + 2, -1.79e308, 5e-324, 0.1 + 0.2])(
    'compares with any number that a double holds: %s',
    async (value) => {
      const subscription = { sid: 1, topic: topic(), where: { metric: 'a', op: 'gte', value } }
      const answer = await world.subscribe([{ ...subscription, deadband: { a: 5e-324 } }], me)
      expect(answer.results).toMatchObject([{ ok: true }])
      await world.deliver(item(1, { a: value, b: 1 }))
      expect(world.pushed(me.connectionId)).toEqual([value])
    },
  )

  it('keeps what it pushes, and answers a resume with what was missed', async () => {
    await world.subscribe([{ sid: 1, topic: topic() }], me)
    await world.deliver(item(1, { a: 1 }), item(2, [{ a: 2 }, { a: 3 }]))
    await world.deliver(item(3, { boot: 'b', n: 1, metrics: { a: 4, b: null } }))
    expect(world.pushed(me.connectionId)).toEqual([1, 2, 3, 4])
    const [first] = world.posts
    const since = (first!.message as unknown as { blocks: { position: string }[] }).blocks[0]!
      .position
    const answer = await world.subscribe([{ sid: 2, topic: topic(), since }], me)
    expect([valuesIn(answer), answer.results]).toMatchObject([[4], [{ recovered: true }]])
  })

  it('gives blocks back as they were kept: positions, boot, counters, quality and nulls', async () => {
    await world.subscribe([{ sid: 1, topic: topic() }], me)
    await world.deliver(
      item(1, [
        { ts: START_MS + 5, boot: 'b', n: 7, metrics: { a: 1.25, b: null } },
        { boot: 'b', n: 9, metrics: { b: -0.5 } },
      ]),
    )
    const page = await world.ask({ topic: topic(), since: earliestPosition(START_MS) }, me)
    const pushed = (world.posts[0]!.message as Data).blocks[0]!
    expect(page.blocks).toEqual([{ ...pushed, sid: undefined, hops: undefined }])
  })

  it('keeps a redelivered batch once', async () => {
    const batch = [item(1, { a: 1 }), item(2, { a: 2 }), item(3, { a: 3 })]
    await world.deliver(...batch)
    await world.deliver(...batch.slice(0, 2))
    await world.deliver(...batch.slice(2), item(4, { a: 4 }))
    const page = await world.ask({ topic: topic(), since: earliestPosition(START_MS) }, me)
    expect(valuesIn({ blocks: page.blocks! })).toEqual([1, 2, 3, 4])
  })

  it('goes on where the parent shard left a device (KINESIS-16)', async () => {
    await world.subscribe([{ sid: 1, topic: topic() }], me)
    await world.deliver(item(1, { a: 1 }))
    await world.deliver({ ...item(2, { a: 2 }), shardId: `child-of-${site}` })
    const [first, second] = world.posts.map((post) => (post.message as Data).blocks[0]!)
    expect(second!.prev).toBe(first!.position)
  })

  it('sees a subscription that was made, replaced or ended since the last batch', async () => {
    await world.deliver(item(1, { a: 1 }))
    await world.subscribe([{ sid: 1, topic: topic() }], me)
    await world.deliver(item(2, { a: 2 }), item(3, { a: 30 }, 'fan-1'))
    await world.subscribe([{ sid: 1, topic: `${site}/fan-1` }], me)
    await world.deliver(item(4, { a: 3 }), item(5, { a: 31 }, 'fan-1'))
    await world.unsubscribe([1], me)
    await world.deliver(item(6, { a: 4 }), item(7, { a: 32 }, 'fan-1'))
    expect(world.pushed(me.connectionId)).toEqual([2, 31])
  })

  it('FAULT-31: every deliver knows of a throttled connection, and that it is over, also one that begins later', async () => {
    await world.subscribe([{ sid: 1, topic: topic() }], me)
    await world.deliver(item(1, { a: 1 }))
    world.outcomes.set(me.connectionId, 'throttled')
    await world.deliver(item(2, { a: 2 }))
    world.outcomes.delete(me.connectionId)
    const [other, later] = [make(world), make(world)]
    await other.deliver(item(3, { a: 3 }), item(4, { a: 4 }))
    world.clock.ms += 11_001
    await later.deliver(item(5, { a: 5 }))
    await other.deliver(item(6, { a: 6 }))
    const told = (one: World) =>
      one.posts.map(({ message }) => (message.type === 'slow' ? message.mode : message.type))
    expect([told(world), told(other), told(later)]).toEqual([
      ['data'],
      ['latest', 'data', 'complete', 'data'],
      ['complete', 'data'],
    ])
    expect(other.pushed(me.connectionId)).toEqual([4, 6])
    const [slow] = other.posts.flatMap(({ message }) =>
      message.type === 'data' ? [...message.blocks] : [],
    )
    const since = earliestPosition(START_MS)
    const missed = await world.ask({ topic: topic(), since, until: slow!.prev! }, me)
    expect(valuesIn({ blocks: missed.blocks! })).toEqual([1, 2, 3])
  })

  it('finds late readings by their own time, each once', async () => {
    const lateMs = START_MS - 3_600_000
    await world.deliver(
      item(1, [
        { ts: lateMs, metrics: { a: 1 } },
        { ts: lateMs + 1_000, metrics: { a: 2 } },
        { ts: START_MS, metrics: { a: 3 } },
      ]),
    )
    const page = await world.ask({ topic: topic(), from: lateMs, to: lateMs + 1_000 }, me)
    expect(valuesIn({ blocks: page.blocks! })).toEqual([1])
    const whole = await world.ask({ topic: topic(), from: lateMs, to: START_MS + 1 }, me)
    expect(valuesIn({ blocks: whole.blocks! })).toEqual([1, 2, 3])
  })

  it('makes buckets that begin at multiples of their length', async () => {
    const readings = [0, 400, 1_100, 1_900, 2_000].map((ms, a) => ({
      ts: START_MS + ms,
      metrics: { a },
    }))
    await world.deliver(item(1, readings))
    const { buckets } = await world.ask(
      { topic: topic(), from: START_MS + 300, to: START_MS + 1_500, bucketMs: 1_000 },
      me,
    )
    expect(buckets).toEqual({
      topic: topic(),
      bucketMs: 1_000,
      ts: [START_MS, START_MS + 1_000],
      metrics: {
        a: {
          min: [0, 2],
          minAt: [0, 100],
          max: [1, 3],
          maxAt: [400, 900],
          avg: [0.5, 2.5],
          count: [2, 2],
          holes: [],
        },
      },
    })
  })

  it.each([0, 1, 12, 13, 25, 26, 101, 1_000])(
    'PROMISE-9: removes %i subscriptions of a connection and nobody else’s',
    async (count) => {
      const other = connection({
        connectionId: `other-${serial}=`,
        user: `other-${serial}`,
        devices: [`${site}/#`],
      })
      await world.subscribe([{ sid: 1, topic: topic() }], other)
      await writeSubscriptions(world, me.connectionId, site, count)
      const both = [me.connectionId, other.connectionId]
      expect(await world.subscriptions.countOf(both)).toBe(count + 1)
      expect(await removeConnection(me.connectionId, world.subscriptions)).toBe(count)
      await world.deliver(item(1, { a: 1 }), item(2, { a: 2 }, 'd-0'))
      expect(world.posts.map((post) => post.connectionId)).toEqual([other.connectionId])
      expect(await removeConnection(me.connectionId, world.subscriptions)).toBe(0)
    },
  )
})

/** More than a client may have, straight through the ports. */
async function writeSubscriptions(
  world: World,
  connectionId: string,
  site: string,
  count: number,
): Promise<void> {
  const who = connection({ connectionId })
  const rows = Array.from({ length: count }, (_, sid): SubscriptionRow => ({
    ...who,
    sid,
    messageId: 1,
    topic: `${site}/d-${sid}`,
    mode: 'complete',
    grants: [`${site}/#`],
  }))
  const entries = new Map(rows.map((row) => [row.sid, { messageId: 1, topic: row.topic }]))
  await world.subscriptions.saveRegistry(connectionId, { revision: 1, closed: false, entries })
  await world.subscriptions.putRows(rows)
}
