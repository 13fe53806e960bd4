import { PutCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { queryAll } from '../../backend/src/adapters/dynamo-client.ts'
import { dynamoHistory } from '../../backend/src/adapters/dynamo-history.ts'
import { earliestPosition } from '../../backend/src/protocol/index.ts'
import { connection, START_MS, streamItem } from '../../backend/src/testing/records.ts'
import { memoryHistory } from '../../backend/src/testing/memory-history.ts'
import { createWorld, testClock, valuesIn } from '../../backend/src/testing/world.ts'
import { startDynalite, type DynaliteTables } from '../support/dynalite-tables.ts'

const RETENTION_MS = 86_400_000
let database: DynaliteTables
beforeAll(async () => {
  database = await startDynalite('history')
})
afterAll(() => database.close())

let serial = 0
const clockAt = () => testClock(START_MS + 10_000)
const kept = { retentionMs: RETENTION_MS }

describe.each([
  ['in memory', (clock: ReturnType<typeof clockAt>) => memoryHistory({ clock, ...kept })],
  [
    'in DynamoDB, whose TTL has not run',
    (clock: ReturnType<typeof clockAt>) =>
      dynamoHistory({ client: database.client, table: 'history', clock, ...kept }),
  ],
])('readings past their retention (DDB-2), %s', (_name, historyAt) => {
  let clock: ReturnType<typeof clockAt>
  let world: ReturnType<typeof createWorld>
  let topic: string
  let me: ReturnType<typeof connection>
  const item = (n: number, payload: unknown, arrivalMs = START_MS + n) =>
    streamItem(n, payload, {
      topic: `dt/${topic}/telemetry`,
      shardId: `shard-${topic}`,
      arrivalMs,
      brokerMs: arrivalMs,
    })
  const dayAfter = START_MS + RETENTION_MS + 2_000
  const range = { from: START_MS - 7_200_000, to: dayAfter + 60_000 }
  const ask = (query: object) => world.ask({ topic, ...query }, me)

  beforeEach(async () => {
    clock = clockAt()
    world = createWorld(clock, { history: historyAt(clock) })
    topic = `site-${++serial}/pump-7`
    me = connection({ devices: [`site-${serial}/#`], expiresAt: dayAfter / 1_000 + 3_600 })
    await world.deliver(
      item(1, { ts: START_MS, metrics: { a: 1 } }),
      item(2, { ts: START_MS - 3_600_000, metrics: { a: 2 } }),
    )
  })

  it('are read until then, on time and late ones', async () => {
    clock.ms = START_MS + RETENTION_MS - 1_000
    const page = await ask(range)
    expect(valuesIn({ blocks: page.blocks! }).sort()).toEqual([1, 2])
  })

  it('are in no raw page, no bucket and no answer by position, and the answer says so', async () => {
    clock.ms = dayAfter
    await world.deliver(item(3, { ts: dayAfter - 50, metrics: { a: 3 } }, dayAfter - 50))
    await world.deliver(item(4, { ts: dayAfter - 7_200_000, metrics: { a: 4 } }, dayAfter - 40))
    const raw = await ask(range)
    const buckets = await ask({ ...range, bucketMs: 3_600_000 })
    const since = await ask({ since: earliestPosition(START_MS) })
    expect(valuesIn({ blocks: raw.blocks! })).toEqual([4, 3])
    expect(buckets.buckets!.metrics['a']!.count).toEqual([1, 1])
    expect(valuesIn({ blocks: since.blocks! })).toEqual([3, 4])
    expect([raw.complete, buckets.complete]).toEqual([false, false])
    expect(raw.keptFromMs).toBe(dayAfter - RETENTION_MS)
  })

  it('a resume from before them has the rest, and what is lost from where to where', async () => {
    const first = await ask({ since: earliestPosition(START_MS), limit: 1 })
    const since = first.blocks![0]!.position
    clock.ms = dayAfter
    await world.deliver(item(3, { ts: dayAfter - 50, metrics: { a: 3 } }, dayAfter - 50))
    const answer = await world.subscribe([{ sid: 1, topic, since }], me)
    expect(valuesIn(answer)).toEqual([3])
    expect(answer.results).toMatchObject([
      {
        ok: true,
        recovered: false,
        lost: { reason: 'retention', fromMs: START_MS + 1, toMs: dayAfter - 50 },
      },
    ])
  })
})

describe('more than one page of a query (DDB-6)', () => {
  const history = () =>
    dynamoHistory({ client: database.client, table: 'history', clock: clockAt(), ...kept })

  it('all items of a partition of more than 1 MB are read', async () => {
    for (const n of [1, 2, 3, 4]) {
      const Item = { pk: 'large', sk: `${n}`, data: 'x'.repeat(390_000) }
      await database.client.send(new PutCommand({ TableName: 'history', Item }))
    }
    const rows = await queryAll<{ sk: string }>(database.client, {
      TableName: 'history',
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': 'large' },
    })
    expect(rows.map(({ sk }) => sk)).toEqual(['1', '2', '3', '4'])
  })

  it.each([
    ['on time', 0],
    ['late', 7_200_000],
  ])(
    'raw pages and buckets of 1.5 MB of readings that came %s lack none',
    async (_name, behindMs) => {
      const world = createWorld(clockAt(), { history: history() })
      const site = `large-${++serial}`
      const me = connection({ devices: [`${site}/#`] })
      const metrics = Object.fromEntries(Array.from({ length: 48 }, (_, i) => [`m${i}`, 1 / 3 + i]))
      for (let n = 0; n < 13; n++) {
        const at = START_MS + n * 10_000
        const readings = Array.from({ length: 100 }, (_, i) => ({
          ts: at + i - behindMs,
          metrics: { ...metrics, a: n * 100 + i },
        }))
        await world.deliver(
          streamItem(n + 1, readings, {
            topic: `dt/${site}/d/telemetry`,
            shardId: `shard-${site}`,
            arrivalMs: at,
            // By the broker's time too, or it would be the device's clock that is ahead.
            ...(behindMs === 0 ? { brokerMs: at } : {}),
          }),
        )
      }
      const range = {
        topic: `${site}/d`,
        from: START_MS - behindMs,
        to: START_MS + 130_000 - behindMs,
      }
      const values: (number | null)[] = []
      let cursor: string | null | undefined
      while (cursor !== null) {
        const page = await world.ask(
          { ...range, metrics: ['a'], ...(cursor === undefined ? {} : { cursor }) },
          me,
        )
        values.push(...valuesIn({ blocks: page.blocks ?? [] }))
        cursor = page.cursor
      }
      expect(values).toEqual(Array.from({ length: 1_300 }, (_, i) => i))
      const buckets = await world.ask({ ...range, metrics: ['a'], bucketMs: 10_000 }, me)
      expect(buckets.buckets!.metrics['a']!.count).toEqual(Array.from({ length: 13 }, () => 100))
    },
    120_000,
  )
})
