import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  comparePositions,
  type Block,
  type HistoryPage,
  type Position,
} from '../../protocol/index.ts'
import { connection, START_MS, streamItem } from '../../testing/records.ts'
import { createWorld, testClock, valuesIn } from '../../testing/world.ts'
import { memoryHistory } from '../../testing/memory-history.ts'

/**
 * A reader as the protocol asks for it: it keeps what it got, by position, and knows how far it has everything. Whatever happens, what it
 * holds up to that place must be exactly what the device sent.
 */
class Reader {
  readonly values = new Map<Position, number>()
  /** Everything up to here is held; null: nothing was promised yet. */
  complete: Position | null = null

  /** Takes a pushed block; true when it does not follow what is held. */
  push(block: Block): boolean {
    const isBehind = this.complete !== null && comparePositions(block.position, this.complete) <= 0
    if (isBehind) return false
    const follows =
      this.complete === null
        ? block.prev === null
        : block.prev !== null && comparePositions(block.prev, this.complete) <= 0
    if (!follows) return true
    this.take(block)
    return false
  }

  take(block: Block): void {
    // One reading a record here: the block's rows are told apart by their value.
    for (const value of block.metrics['a'] ?? []) {
      if (value !== null) this.values.set(String(value).padStart(6, '0'), value)
    }
    this.complete = block.position
  }

  sorted(): number[] {
    return [...this.values.values()].sort((a, b) => a - b)
  }
}

/** How far the readings of a batch are behind their arrival: each takes the next, round and round. */
type Behind = readonly number[]

type Step =
  | { readonly do: 'batch'; readonly size: number; readonly behind: Behind }
  | {
      readonly do: 'crash'
      readonly size: number
      readonly behind: Behind
      readonly at: 'rows' | 'heads' | 'posts'
    }
  | { readonly do: 'again'; readonly back: number; readonly size: number }
  | { readonly do: 'lose'; readonly outcome: 'failed' | 'throttled' | 'slow' }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'reconnect' }

const behind = fc.array(
  fc.oneof(fc.constantFrom(0, 120_000, 7_200_000), fc.integer({ min: 0, max: 1_500_000 })),
  { minLength: 1, maxLength: 6 },
)

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('batch' as const), size: fc.integer({ min: 1, max: 6 }), behind }),
  fc.record({
    do: fc.constant('crash' as const),
    size: fc.integer({ min: 1, max: 6 }),
    behind,
    at: fc.constantFrom('rows' as const, 'heads' as const, 'posts' as const),
  }),
  fc.record({
    do: fc.constant('again' as const),
    back: fc.integer({ min: 1, max: 8 }),
    size: fc.integer({ min: 1, max: 8 }),
  }),
  fc.record({
    do: fc.constant('lose' as const),
    outcome: fc.constantFrom('failed' as const, 'throttled' as const, 'slow' as const),
  }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(400, 1_000, 11_000) }),
  fc.record({ do: fc.constant('reconnect' as const) }),
)

/** Runs a story and returns what the reader and the history hold in the end, and what the stream gave. */
async function run(
  steps: readonly Step[],
  hasCounter: boolean,
): Promise<{ held: number[]; kept: number[]; counted: number; sent: number[] }> {
  const clock = testClock(START_MS + 1_000_000)
  const world = createWorld(clock, { history: memoryHistory({ clock, pageRows: 2 }) })
  const reader = new Reader()
  let serial = 0
  let given = 0
  let me = connection({ connectionId: 'c0' })
  let read = 0

  const behindMs = new Map<number, number>()
  const item = (n: number) => {
    const counter = hasCounter ? { boot: 'b', n } : {}
    const ts = START_MS + n * 100 - (behindMs.get(n) ?? 0)
    return streamItem(n, { ts, ...counter, metrics: { a: n } })
  }
  const note = (size: number, behind: Behind): void => {
    for (let i = 0; i < size; i++) behindMs.set(given + 1 + i, behind[i % behind.length] ?? 0)
  }
  const batch = (from: number, size: number) =>
    Array.from({ length: size }, (_, i) => item(from + i))
  const resume = async (): Promise<void> => {
    me = connection({ connectionId: `c${++serial}` })
    const since = reader.complete === null ? {} : { since: reader.complete }
    const answer = await world.subscribe(
      [{ sid: 1, topic: 'plant-1/pump-7', ...since, window: { lastMs: 24 * 3_600_000 } }],
      me,
      1,
    )
    expect(answer.results).toMatchObject([{ ok: true, recovered: true, more: false }])
    for (const block of answer.blocks) reader.take(block)
  }
  /** As the dashboard does it: on the same socket, everything up to the block that showed the hole. */
  const repair = async (block: Block): Promise<void> => {
    if (reader.complete === null) return resume()
    const query = { since: reader.complete, until: block.position }
    let cursor: string | null | undefined
    while (cursor !== null) {
      const page = await world.ask(cursor === undefined ? query : { ...query, cursor }, me)
      for (const found of page.blocks ?? []) reader.take(found)
      cursor = page.cursor
    }
  }
  const listen = async (): Promise<void> => {
    const fresh = world.posts.slice(read)
    read = world.posts.length
    for (const { connectionId, message } of fresh) {
      if (connectionId !== me.connectionId || message.type !== 'data') continue
      for (const block of message.blocks) if (reader.push(block)) await repair(block)
    }
  }

  await resume()
  for (const one of steps) {
    if (one.do === 'batch' || one.do === 'crash') note(one.size, one.behind)
    if (one.do === 'batch') {
      await world.deliver(...batch(given + 1, one.size))
      given += one.size
    } else if (one.do === 'crash') {
      await crash(world, one.at, () => world.deliver(...batch(given + 1, one.size)))
      // The stream gives the batch again, in halves (aws-behaviour K19).
      const half = Math.ceil(one.size / 2)
      await world.deliver(...batch(given + 1, half))
      if (half < one.size) await world.deliver(...batch(given + 1 + half, one.size - half))
      given += one.size
    } else if (one.do === 'again') {
      const from = Math.max(1, given - one.back + 1)
      const size = Math.min(one.size, given - from + 1)
      if (size > 0) await world.deliver(...batch(from, size))
    } else if (one.do === 'lose') {
      world.outcomes.set(me.connectionId, one.outcome)
      await world.deliver(...batch(given + 1, 1))
      given += 1
      world.outcomes.clear()
    } else if (one.do === 'wait') {
      clock.ms += one.ms
    } else {
      await resume()
    }
    await listen()
  }
  await resume()
  const sent = Array.from({ length: given }, (_, i) => i + 1)
  return { held: reader.sorted(), ...(await keptIn(world)), sent }
}

/** What the history holds by time: raw in small pages, and how many readings its buckets count. */
async function keptIn(
  world: ReturnType<typeof createWorld>,
): Promise<{ kept: number[]; counted: number }> {
  const range = { from: START_MS - 7_300_000, to: START_MS + 900_000 }
  const raw = await pagesOf(world, { ...range, limit: 7 })
  const buckets = await pagesOf(world, { ...range, bucketMs: 60_000 })
  const counts = buckets.flatMap((page) => [...(page.buckets?.metrics['a']?.count ?? [])])
  return {
    kept: raw.flatMap((page) => valuesIn({ blocks: page.blocks ?? [] }).map(Number)).sort(byValue),
    counted: counts.reduce((sum, count) => sum + count, 0),
  }
}

async function pagesOf(
  world: ReturnType<typeof createWorld>,
  query: Parameters<typeof world.ask>[0],
): Promise<readonly HistoryPage[]> {
  const pages = [await world.ask(query)]
  for (let page = pages[0]; page?.cursor; page = pages.at(-1)) {
    pages.push(await world.ask({ ...query, cursor: page.cursor }))
  }
  expect(pages.every((page) => page.complete)).toBe(true)
  return pages
}

const byValue = (a: number, b: number): number => a - b

async function crash(
  world: ReturnType<typeof createWorld>,
  at: 'rows' | 'heads' | 'posts',
  deliver: () => Promise<void>,
): Promise<void> {
  const { history, memory } = world
  const fail = (): Promise<never> => Promise.reject(new Error('killed'))
  const saved = { history: { ...history }, memory: { ...memory } }
  if (at === 'rows') history.writeRows = fail
  if (at === 'heads') history.writeHeads = fail
  if (at === 'posts') memory.load = fail
  await deliver().catch(() => undefined)
  Object.assign(history, saved.history)
  Object.assign(memory, saved.memory)
}

describe('delivery under faults', () => {
  it('P01–P05: whatever crashes, comes again or is lost, a reader that follows the protocol holds everything, once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 25 }),
        fc.boolean(),
        async (steps, hasCounter) => {
          const { held, kept, counted, sent } = await run(steps, hasCounter)
          expect(held).toEqual(sent)
          expect(kept).toEqual(sent)
          expect(counted).toBe(sent.length)
        },
      ),
      // Its seed and path tell the story again; to shrink one takes minutes.
      { numRuns: 150, endOnFailure: true },
    )
  }, 60_000)
})
