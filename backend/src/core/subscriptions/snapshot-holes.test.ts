import { describe, expect, it } from 'vitest'
import type { Block } from '../../protocol/index.ts'
import { START_MS, streamItem } from '../../testing/records.ts'
import { createWorld, testClock } from '../../testing/world.ts'

const pump = { sid: 7, topic: 'plant-1/pump-7' }
const LOST = [100, 200, 300] as const
const isLost = (n: number): boolean => LOST.some((from) => n >= from && n < from + 20)

/** 400 readings, one a second, of which three times twenty got lost on their way; `a` is not measured from 340 to 360. */
async function window(points?: number): Promise<readonly Block[]> {
  const world = createWorld(testClock(START_MS + 400_000))
  const batches = Array.from({ length: 40 }, (_, batch) =>
    Array.from({ length: 10 }, (_n, i) => batch * 10 + i).filter((n) => !isLost(n)),
  )
  for (const [batch, numbers] of batches.entries()) {
    if (numbers.length === 0) continue
    const readings = numbers.map((n) => ({
      ts: START_MS + n * 1_000,
      boot: 'b1',
      n,
      metrics: { a: n >= 340 && n < 360 ? null : n % 7, b: n },
    }))
    const brokerMs = START_MS + (batch + 1) * 10_000
    await world.deliver(streamItem(batch + 1, readings, { brokerMs }))
  }
  const lastMs = 500_000
  const shown = points === undefined ? { lastMs } : { lastMs, points }
  return (await world.subscribe([{ ...pump, window: shown }])).blocks
}

/** Steps between readings that follow each other in no block that says it left some out. */
function steps(blocks: readonly Block[]): number[][] {
  const rows = blocks.flatMap((block) =>
    block.ts.map((_, row) => ({ n: block.n?.[row] ?? -1, isInside: block.thinned && row > 0 })),
  )
  return rows.flatMap(({ n, isInside }, i) => {
    const before = rows[i - 1]?.n ?? n
    return isInside || n - before <= 1 ? [] : [[before, n]]
  })
}
const holes = LOST.map((from) => [from - 1, from + 20])

describe('the readings of a window', () => {
  it('are not said to be thinned when all of them are there', async () => {
    const blocks = await window(1_000)
    expect(blocks.filter(({ thinned }) => thinned)).toEqual([])
    expect(steps(blocks)).toEqual(holes)
  })

  it('show each hole when they are thinned: blocks are cut there, and no other step is one', async () => {
    const blocks = await window(40)
    expect(blocks.some(({ thinned }) => thinned)).toBe(true)
    expect(blocks.flatMap(({ ts }) => ts).length).toBeLessThan(200)
    expect(steps(blocks)).toEqual(holes)
    blocks.slice(1).forEach((block, i) => expect(block.prev).toBe(blocks[i]?.position))
  })

  it('show where a metric ceases and comes back when they are thinned', async () => {
    const blocks = await window(40)
    const values = new Map(
      blocks.flatMap(({ n, metrics }) => (n ?? []).map((k, row) => [k, metrics['a']?.[row]])),
    )
    expect([339, 340, 359, 360].map((n) => values.get(n))).toEqual([3, null, null, 3])
  })
})
