import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countedBetween, findHoles, type HistoryPage } from '../../protocol/index.ts'
import { START_MS, streamItem } from '../../testing/records.ts'
import { createWorld, testClock } from '../../testing/world.ts'

interface Sent {
  readonly ts: number
  readonly n: number
  readonly a: number | null
}

async function bucketsOf(
  sent: readonly Sent[],
  query: { readonly from: number; readonly to: number; readonly bucketMs: number },
  limit = 1_000,
): Promise<HistoryPage[]> {
  const world = createWorld(testClock(START_MS + 10_000_000))
  const readings = sent.map(({ ts, n, a }) => ({ ts, boot: 'b1', n, metrics: { a, b: 1 } }))
  for (let i = 0; i < readings.length; i += 10) {
    const part = readings.slice(i, i + 10)
    await world.deliver(streamItem(i + 1, part, { brokerMs: part.at(-1)?.ts ?? 0 }))
  }
  const pages: HistoryPage[] = []
  let cursor: string | null | undefined
  while (cursor !== null) {
    const page = await world.ask({ ...query, limit, ...(cursor === undefined ? {} : { cursor }) })
    pages.push(page)
    cursor = page.cursor
  }
  return pages
}
const holesIn = (pages: readonly HistoryPage[], metric = 'a') =>
  pages.flatMap((page) => page.buckets?.metrics[metric]?.holes ?? [])

/** What the rule finds in the readings themselves. */
function truth(sent: readonly Sent[], [from, to]: readonly [number, number]): number[][] {
  const holes = findHoles({
    ts: sent.map(({ ts }) => ts),
    values: sent.map(({ a }) => a ?? Number.NaN),
    missing: sent.map(({ n }, i) => {
      const before = sent[i - 1]
      if (!before) return Number.NaN
      return countedBetween({ boot: 'b1', n: before.n }, { boot: 'b1', n }) ?? Number.NaN
    }),
    knownFromMs: from,
    knownToMs: to,
  })
  return holes.map(({ fromMs, toMs }) => [fromMs, toMs])
}

/** One reading a second; some lost, some without the metric. */
const ledger = fc
  .array(fc.record({ lost: fc.nat(30), null: fc.nat(8), run: fc.integer({ min: 3, max: 60 }) }), {
    minLength: 1,
    maxLength: 5,
  })
  .map((parts) => {
    const sent: Sent[] = []
    let n = 1
    const send = (a: number | null): void => {
      sent.push({ ts: START_MS + n * 1_000, n, a })
      n++
    }
    for (const part of parts) {
      for (let i = 0; i < part.run; i++) send((n * 7) % 11)
      for (let i = 0; i < part.null; i++) send(null)
      n += part.lost
    }
    send(1)
    return sent
  })

describe('holes of buckets', () => {
  it('cover those of the readings, whole or in pages, and nothing else by more than a bucket', async () => {
    await fc.assert(
      fc.asyncProperty(ledger, fc.constantFrom(1, 3, 1_000), async (sent, limit) => {
        const last = sent.at(-1)?.ts ?? 0
        const query = { from: START_MS, to: last + 20_000, bucketMs: 10_000 }
        const found = holesIn(await bucketsOf(sent, query, limit))
        const expected = truth(sent, [query.from, query.to])
        for (const [from = 0, to = 0] of expected) {
          expect(found.some(({ fromMs, toMs }) => fromMs <= from && to <= toMs)).toBe(true)
        }
        const ends = new Set(expected.flat())
        for (const { fromMs, toMs } of found) {
          expect([ends.has(fromMs), ends.has(toMs)]).toEqual([true, true])
        }
        expect(found.reduce((sum, { count }) => sum + count, 0)).toBe(expected.length)
      }),
      { numRuns: 60 },
    )
  }, 60_000)

  it('reach over the pages of an answer, and say how many readings are missing', async () => {
    const sent = [1, 2, 3, 204, 205, 206].map((n) => ({ ts: START_MS + n * 1_000, n, a: n }))
    const query = { from: START_MS, to: START_MS + 207_000, bucketMs: 10_000 }
    const hole = { fromMs: START_MS + 3_000, toMs: START_MS + 204_000, missing: 200, without: 0 }
    for (const limit of [1, 2, 100]) {
      expect(holesIn(await bucketsOf(sent, query, limit))).toEqual([{ ...hole, count: 1 }])
    }
  })

  it('DDB-12: the mean of the largest doubles is a number', async () => {
    const values = [1.79e308, -1.79e308, 5e-324, 1.79e308, 1.79e308]
    const sent = values.map((a, n) => ({ ts: START_MS + n * 1_000, n, a }))
    const query = { from: START_MS, to: START_MS + 5_000, bucketMs: 10_000 }
    const [page] = await bucketsOf(sent, query)
    expect(page?.buckets?.metrics['a']).toMatchObject({
      min: [-1.79e308],
      minAt: [1_000],
      max: [1.79e308],
      maxAt: [0],
      avg: [7.16e307],
    })
  })
})
