import { expect } from 'vitest'
import type { StreamPut } from '../../../infra/local/platform/types.ts'
import { earliestPosition, type Block, type Data } from '../../../backend/src/protocol/index.ts'
import { connection, START_MS, streamItem } from '../../../backend/src/testing/records.ts'
import { createWorld } from '../../../backend/src/testing/world.ts'
import { ruleOutput } from './broker-bench.ts'
import { shownOf } from './dashboard-view.ts'
import type { Outcome, ReadingOutcome, Shown } from './row.ts'

/** What `deliver` counts of good and bad readings alike. */
const ALWAYS = [
  'Heartbeat',
  'ReadingsReceived',
  'ReadingsDelivered',
  'DeliveryLatency',
  'SubscriptionsRead',
]

/** What `deliver` makes of the records of the stream, one batch each. What it pushes and what the history has is compared: both or neither. */
export async function deliver(puts: readonly StreamPut[], expected: Outcome): Promise<Outcome> {
  const world = createWorld()
  const who = connection({ devices: ['#'] })
  const [put] = puts
  if (!put) throw new TypeError('nothing to deliver')
  const topic = ruleOutput(put).topic.split('/').slice(1, 3).join('/')
  const answer = await world.subscribe([{ sid: 1, topic }], who)
  for (const [i, { data }] of puts.entries()) {
    await world.deliver({ ...streamItem(i + 1, {}), data })
  }
  const pushed = world.posts
    .map(({ message }) => message)
    .filter((message): message is Data => message.type === 'data')
    .flatMap(({ blocks }) => [...blocks])
  const page = await world.ask({ topic, since: earliestPosition(START_MS) }, who)
  // As on the wire: there -0 is 0.
  const kept = JSON.parse(JSON.stringify(page.blocks ?? [])) as Block[]
  const brokerMs = ruleOutput(put).ts
  const readings = readingsOf(kept, brokerMs, expected)
  expect(readingsOf(pushed, brokerMs, expected)).toEqual(readings)
  const [reject] = world.rejects
  if (reject) {
    expect([readings, world.warnings]).toEqual([[], ['records rejected']])
    expect(Buffer.from(reject.original).toString('base64')).toBe(ruleOutput(put).data)
    const { reason: rejected, byteOffset } = reject
    return { rejected, ...(byteOffset === undefined ? {} : { byteOffset }) }
  }
  const counted = [...world.counts].filter(
    ([name]) => !ALWAYS.includes(name) && !/^Posts/.test(name),
  )
  const shown = pickShown(expected, () => shownOf(topic, answer, pushed))
  return {
    readings,
    ...(counted.length === 0 ? {} : { counted: Object.fromEntries(counted) }),
    ...(shown === undefined ? {} : { shown }),
  }
}

/** Readings with the facts that the row speaks of. */
function readingsOf(
  blocks: readonly Block[],
  brokerMs: number,
  expected: Outcome,
): readonly ReadingOutcome[] {
  const asked = typeof expected === 'object' && 'readings' in expected ? expected.readings : []
  return blocks
    .flatMap((block) => block.ts.map((ts, row) => ({ block, ts, row })))
    .map(({ block, ts, row }, i): ReadingOutcome => {
      const quality = block.quality?.[row] ?? null
      const askedTs = asked[i]?.ts
      return {
        metrics: Object.fromEntries(
          Object.entries(block.metrics).map(([name, column]) => [name, column[row] ?? null]),
        ),
        ...(askedTs === undefined
          ? {}
          : { ts: askedTs === 'broker' && ts === brokerMs ? 'broker' : ts }),
        ...(quality === null ? {} : { quality }),
      }
    })
}

function pickShown(expected: Outcome, look: () => Required<Shown>): Shown | undefined {
  if (typeof expected !== 'object' || !('readings' in expected) || !expected.shown) return undefined
  const names = Object.keys(expected.shown)
  return Object.fromEntries(Object.entries(look()).filter(([name]) => names.includes(name)))
}
