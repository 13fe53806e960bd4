import { ScanCommand } from '@aws-sdk/lib-dynamodb'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dynamoHistory } from '../../backend/src/adapters/dynamo-history.ts'
import { unknownHead, type DeviceHead } from '../../backend/src/core/history/device-head.ts'
import { laneOf } from '../../backend/src/core/history/lanes.ts'
import {
  earliestPosition,
  encodePosition,
  limits,
  type DeviceTopic,
} from '../../backend/src/protocol/index.ts'
import { connection, START_MS, streamItem } from '../../backend/src/testing/records.ts'
import { createWorld, testClock } from '../../backend/src/testing/world.ts'
import { startDynalite, type DynaliteTables } from '../support/dynalite-tables.ts'

const ITEM_BYTES = 400 * 1_024
/** Sites whose devices all share a lane: the worst that can come together in one item. */
const sameLane = (site: string, count: number): DeviceTopic[] => {
  const devices: DeviceTopic[] = []
  for (let n = 0; devices.length < count; n++) {
    if (laneOf(`${site}/d-${n}`) === '00') devices.push(`${site}/d-${n}`)
  }
  return devices
}

let database: DynaliteTables
beforeAll(async () => {
  database = await startDynalite('history')
})
afterAll(() => database.close())

let serial = 0
/** A world of its own site on the shared table. */
const make = () => {
  const clock = testClock()
  const history = dynamoHistory({
    client: database.client,
    table: 'history',
    retentionMs: 86_400_000,
    clock,
  })
  return { world: createWorld(clock, { history }), history, site: `site-${++serial}` }
}
const largestItem = async (): Promise<number> => {
  let largest = 0
  let key: Record<string, unknown> | undefined
  do {
    const page = await database.client.send(
      new ScanCommand({ TableName: 'history', ExclusiveStartKey: key }),
    )
    for (const item of page.Items ?? []) {
      largest = Math.max(largest, Buffer.byteLength(JSON.stringify(item)))
    }
    key = page.LastEvaluatedKey
  } while (key)
  return largest
}

interface Payload {
  readonly device: number
  readonly boot: string
  readonly rows: number
  readonly names: number
  readonly first: number
  readonly letter: string
  readonly value: number
  readonly behindMs: number
}

const payload: fc.Arbitrary<Payload> = fc.record({
  device: fc.integer({ min: 0, max: 40 }),
  boot: fc.constantFrom('b', 'あ'.repeat(64), '\u0001'.repeat(64)),
  rows: fc.integer({ min: 1, max: 6 }),
  names: fc.constantFrom(1, 12, limits.metricsPerReading),
  /** Names that other payloads of the device do not have. */
  first: fc.constantFrom(0, 40, 500),
  letter: fc.constantFrom('x', '"', 'é', '温', '😀'),
  value: fc.double({ noNaN: true, noDefaultInfinity: true }),
  behindMs: fc.constantFrom(0, 7_200_000),
})

const readingsOf = ({ rows, names, first, letter, value, boot, behindMs }: Payload): unknown[] =>
  Array.from({ length: rows }, (_, row) => ({
    ts: START_MS - behindMs,
    boot,
    metrics: Object.fromEntries(
      Array.from({ length: names }, (_, i) => {
        const number = String(first + i + row)
        const letters = letter.repeat((limits.metricNameCharacters - number.length) / letter.length)
        return [letters + number, value]
      }),
    ),
  }))

describe('what a history item may hold (DDB-5)', () => {
  it('whatever valid telemetry comes, every write is accepted, every item is below 400 KB and every reading is kept', async () => {
    const batch = fc.array(payload, { minLength: 1, maxLength: 120 })
    await fc.assert(
      fc.asyncProperty(batch, async (payloads) => {
        const { world, site } = make()
        const devices = sameLane(site, 41)
        const items = payloads.map((one, n) =>
          streamItem(n + 1, readingsOf(one), {
            topic: `dt/${devices[one.device]!}/telemetry`,
            shardId: `shard-${site}`,
            arrivalMs: START_MS,
          }),
        )
        await world.deliver(...items)
        const who = connection({ devices: [`${site}/#`] })
        const accepted = payloads.filter((_, n) => !isRejected(world.rejects, items[n]!))
        for (const device of new Set(accepted.map((one) => one.device))) {
          const rows = await count(world, devices[device]!, who)
          const sent = accepted.filter((one) => one.device === device)
          expect(rows).toBe(sent.reduce((sum, one) => sum + one.rows, 0))
        }
      }),
      { numRuns: 8, endOnFailure: true },
    )
    expect(await largestItem()).toBeLessThan(ITEM_BYTES)
  }, 120_000)

  it('takes one payload of 500 readings that share no names', async () => {
    const { world, site } = make()
    await world.subscribe([{ sid: 1, topic: `${site}/d` }], connection({ devices: [`${site}/#`] }))
    const readings = Array.from({ length: 500 }, (_, row) =>
      Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`${row}.${i}`, 1])),
    )
    await world.deliver(streamItem(1, readings, { topic: `dt/${site}/d/telemetry` }))
    expect(await count(world, `${site}/d`, connection({ devices: [`${site}/#`] }))).toBe(500)
    const frames = world.posts.map(({ message }) => Buffer.byteLength(JSON.stringify(message)))
    expect(Math.max(...frames)).toBeLessThanOrEqual(limits.frameBytes)
    expect(frames.length).toBeLessThan(40)
  }, 120_000)

  it('121 devices of one lane with 64 names of 64 wide characters each fit its rows and its heads', async () => {
    const { world, history, site } = make()
    const devices = sameLane(site, 121)
    const wide = { device: 0, boot: 'b', rows: 1, names: 64, first: 0, letter: '温', value: 1 / 3 }
    await world.deliver(
      ...devices.map((device, n) =>
        streamItem(n + 1, readingsOf({ ...wide, behindMs: 0 }), {
          topic: `dt/${device}/telemetry`,
          shardId: `shard-${site}`,
          arrivalMs: START_MS,
        }),
      ),
    )
    const heads = await history.heads(devices)
    expect([...heads.values()].filter(({ position }) => position !== null)).toHaveLength(121)
    expect(await largestItem()).toBeLessThan(ITEM_BYTES)
  })

  it('a lane of 1,000 devices with 12 Japanese names each keeps the place of every device, and the last values of the newest', async () => {
    const { history, site } = make()
    const devices = sameLane(site, 1_000)
    const metrics = Object.fromEntries(
      Array.from({ length: 12 }, (_, i) => [`冷却水の温度センサー${i}`, 21.5]),
    )
    const headOf = (n: number): DeviceHead => ({
      ...unknownHead(),
      publishers: { [`client-${n}`]: { heardMs: START_MS + n } },
      position: encodePosition(START_MS + n, String(n + 1)),
      ts: START_MS + n,
      metrics,
    })
    const heads = new Map(devices.map((device, n) => [device, headOf(n)]))
    await history.writeHeads(`shard-${site}`, new Map([['00', heads]]))
    const kept = await history.heads(devices)
    const places = devices.map((device) => kept.get(device)?.position)
    expect(places).toEqual([...heads.values()].map(({ position }) => position))
    expect(kept.get(devices.at(-1)!)?.metrics).toEqual(metrics)
    expect(kept.get(devices[0]!)?.metrics).toEqual({})
    expect(await largestItem()).toBeLessThan(ITEM_BYTES)
  })
})

type World = ReturnType<typeof make>['world']

function isRejected(rejects: World['rejects'], item: { sequenceNumber: string }): boolean {
  return rejects.some((reject) => reject.sequenceNumber === item.sequenceNumber)
}

/** How many readings of a device the history gives, over all pages. */
async function count(
  world: World,
  topic: string,
  who: ReturnType<typeof connection>,
): Promise<number> {
  const query = { topic, since: earliestPosition(START_MS - 1) }
  let found = 0
  let cursor: string | null | undefined
  while (cursor !== null) {
    const page = await world.ask(cursor === undefined ? query : { ...query, cursor }, who)
    for (const block of page.blocks ?? []) found += block.ts.length
    cursor = page.cursor
  }
  return found
}
