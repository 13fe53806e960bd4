import { beforeEach, describe, expect, it } from 'vitest'
import { earliestPosition, type HistoryPage, limits } from '../../protocol/index.ts'
import { connection, START_MS, streamItem } from '../../testing/records.ts'
import { createWorld, testClock, valuesIn } from '../../testing/world.ts'
import { memoryHistory } from '../../testing/memory-history.ts'

let world: ReturnType<typeof createWorld>
beforeEach(() => {
  const clock = testClock(START_MS + 100_000)
  world = createWorld(clock, { history: memoryHistory({ clock, pageRows: 3 }) })
})
const feed = async (count: number): Promise<void> => {
  for (let n = 1; n <= count; n++) {
    await world.deliver(streamItem(n, { ts: START_MS + n * 100, metrics: { a: n, b: -n } }))
  }
}
type Query = Parameters<typeof world.ask>[0]
const whole = { from: START_MS, to: START_MS + 100_000 }
/** All pages of a question. */
const pages = async (query: Query): Promise<HistoryPage[]> => {
  const all: HistoryPage[] = [await world.ask(query)]
  while (all.at(-1)!.cursor !== null && all.length < 100) {
    all.push(await world.ask({ ...query, cursor: all.at(-1)!.cursor }))
  }
  return all
}
const values = (all: readonly HistoryPage[], metric = 'a') =>
  all.flatMap((page) => valuesIn({ blocks: page.blocks ?? [] }, metric))

describe('history: what may be asked', () => {
  it.each<[string, Query, string]>([
    ['MESSAGE-18: from after to', { from: 10, to: 5 }, 'RANGE_INVALID'],
    ['MESSAGE-18: from equal to to', { from: 5, to: 5 }, 'RANGE_INVALID'],
    ['MESSAGE-18: ten years', { from: 0, to: START_MS }, 'RANGE_INVALID'],
    ['neither a time nor a position', {}, 'RANGE_INVALID'],
    ['both', { from: 1, to: 2, since: earliestPosition(1) }, 'RANGE_INVALID'],
    ['buckets by position', { since: earliestPosition(1), bucketMs: 1_000 }, 'RANGE_INVALID'],
    [
      'a filter without sense',
      { ...whole, where: { metric: 'a', op: 'in', value: 1 } },
      'FILTER_INVALID',
    ],
    ['MESSAGE-18: a cursor that is none', { ...whole, cursor: 'x' }, 'CURSOR_INVALID'],
    ['MESSAGE-10: a device of somebody else', { ...whole, topic: 'plant-2/pump-7' }, 'FORBIDDEN'],
  ])('refuses %s', async (_name, query, code) => {
    await expect(world.ask(query)).rejects.toMatchObject({ code })
  })

  it('MESSAGE-18: refuses a cursor of another user and of another question', async () => {
    await feed(9)
    const { cursor } = await world.ask({ ...whole, limit: 4 })
    const bea = connection({ user: 'bea' })
    await expect(world.ask({ ...whole, limit: 4, cursor }, bea)).rejects.toMatchObject({
      code: 'CURSOR_INVALID',
    })
    await expect(world.ask({ ...whole, limit: 5, cursor })).rejects.toMatchObject({
      code: 'CURSOR_INVALID',
    })
  })
})

describe('history: pages', () => {
  it.each<[string, Query]>([
    ['by time', whole],
    ['by position', { since: earliestPosition(START_MS) }],
  ])('%s: holds every reading once, in order, and is chained', async (_name, query) => {
    await feed(20)
    const all = await pages({ ...query, limit: 3 })
    expect(all.length).toBeGreaterThan(5)
    expect(values(all)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
    const blocks = all.flatMap((page) => page.blocks ?? [])
    blocks.slice(1).forEach((block, i) => expect(block.prev).toBe(blocks[i]!.position))
    expect(all.every((page) => page.complete)).toBe(true)
  })

  it('begins at `from` and ends before `to`', async () => {
    await feed(9)
    expect(values(await pages({ from: START_MS + 300, to: START_MS + 600 }))).toEqual([3, 4, 5])
  })

  it('by position: ends with `until`', async () => {
    await feed(9)
    const [third, sixth] = [3, 6].map((n) => ({
      from: START_MS + n * 100,
      to: START_MS + n * 100 + 1,
    }))
    const since = (await world.ask(third!)).blocks![0]!.position
    const until = (await world.ask(sixth!)).blocks![0]!.position
    expect(values(await pages({ since, until }))).toEqual([4, 5, 6])
  })

  it('chooses metrics and rows', async () => {
    await feed(9)
    const all = await pages({
      ...whole,
      metrics: ['b'],
      where: { metric: 'a', op: 'gte', value: 8 },
    })
    expect([values(all, 'b'), values(all, 'a')]).toEqual([[-8, -9], []])
  })

  it('holds readings of one arrival and many times in pages too', async () => {
    const readings = Array.from({ length: 450 }, (_, i) => ({
      ts: START_MS - 7_200_000 + i * 1_000,
      metrics: { a: i },
    }))
    await world.deliver(streamItem(1, readings))
    const query = { from: START_MS - 7_200_000, to: START_MS, limit: 100 }
    expect(values(await pages(query))).toEqual(readings.map((one) => one.metrics.a))
  })

  it('holds late readings once, raw and in buckets, after their batch came again in other parts', async () => {
    const lateMs = (n: number) => START_MS - 3_600_000 + ((n * 7) % 30) * 60_000
    const items = Array.from({ length: 30 }, (_, n) =>
      streamItem(n + 1, { ts: lateMs(n), metrics: { a: n } }),
    )
    const saved = { ...world.history }
    world.history.writeHeads = () => Promise.reject(new Error('killed'))
    await expect(world.deliver(...items)).rejects.toThrow('killed')
    await expect(world.deliver(...items.slice(0, 20))).rejects.toThrow('killed')
    Object.assign(world.history, saved)
    for (const [from, to] of [
      [0, 7],
      [7, 8],
      [8, 30],
    ] as const) {
      await world.deliver(...items.slice(from, to))
    }
    const range = { from: START_MS - 3_600_000, to: START_MS }
    const raw = await pages({ ...range, limit: 4 })
    expect(values(raw).sort((a, b) => a! - b!)).toEqual(items.map((_, n) => n))
    expect(raw.every((page) => valuesIn({ blocks: page.blocks ?? [] }).length <= 4)).toBe(true)
    const buckets = await pages({ ...range, bucketMs: 60_000, limit: 11 })
    const counts = buckets.flatMap((page) => page.buckets!.metrics['a']?.count ?? [])
    expect(counts).toEqual(items.map(() => 1))
  })

  it('reads late readings a bounded part of the history at a time', async () => {
    const readings = Array.from({ length: 500 }, (_, i) => ({
      ts: START_MS - 80_000_000 + i * 150_000,
      metrics: { a: i },
    }))
    await world.deliver(streamItem(1, readings))
    const saved = { ...world.history }
    const calls: number[] = []
    world.history.late = (...asked) => {
      calls.push((calls.pop() ?? 0) + 1)
      return saved.late(...asked)
    }
    const query = { from: START_MS - 80_000_000, to: START_MS }
    const found: HistoryPage[] = []
    let cursor: string | null | undefined
    while (cursor !== null) {
      calls.push(0)
      const page = await world.ask(cursor === undefined ? query : { ...query, cursor })
      found.push(page)
      cursor = page.cursor
    }
    expect(values(found)).toEqual(readings.map((one) => one.metrics.a))
    expect(found.length).toBeGreaterThan(4)
    expect(Math.max(...calls)).toBeLessThanOrEqual(8)
  })

  it('says that it is not complete when the range begins before what is kept', async () => {
    await feed(3)
    const page = await world.ask({ from: START_MS - 86_400_000, to: START_MS + 1_000 })
    expect(page.complete).toBe(false)
    expect(page.keptFromMs).toBe(world.clock.now() - 86_400_000)
  })

  it('by position: says that it is not complete when the position is not one of this stream', async () => {
    await feed(3)
    const [first] = (await world.ask(whole)).blocks!
    const since = `${first!.position.slice(0, 12)}${'-'.repeat(30)}1`
    expect((await world.ask({ since })).complete).toBe(false)
  })
})

describe('history: buckets', () => {
  it('gives the same buckets whole or in pages', async () => {
    await feed(60)
    const query = { from: START_MS, to: START_MS + 10_000, bucketMs: 1_000 }
    const [once] = await pages(query)
    const parts = await pages({ ...query, limit: 2 })
    expect(parts.length).toBe(5)
    expect(parts.flatMap((page) => [...page.buckets!.ts])).toEqual(once!.buckets!.ts)
    expect(parts.flatMap((page) => [...(page.buckets!.metrics['a']?.count ?? [])])).toEqual(
      once!.buckets!.metrics['a']!.count,
    )
    expect(once!.buckets!.metrics['a']).toMatchObject({ min: [1, 10, 20, 30, 40, 50, 60] })
  })

  it('fits a frame', async () => {
    const metrics = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`metric-${i}`, 1 / 3]))
    const readings = Array.from({ length: 90 }, (_, i) => ({ ts: START_MS + i * 1_000, metrics }))
    await world.deliver(streamItem(1, readings, { brokerMs: START_MS + 90_000 }))
    const all = await pages({ from: START_MS, to: START_MS + 90_000, bucketMs: 1_000 })
    const sizes = all.map((page) => Buffer.byteLength(JSON.stringify(page)))
    expect(Math.max(...sizes)).toBeLessThanOrEqual(limits.frameBytes)
    expect(all.flatMap((page) => [...page.buckets!.ts])).toEqual(readings.map((one) => one.ts))
  })
})
