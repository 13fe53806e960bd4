import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { HistoryPage } from '../../protocol/index.ts'
import { memoryHistory } from '../../testing/memory-history.ts'
import { START_MS } from '../../testing/records.ts'
import { ScenarioDevice, type Behind } from '../../testing/scenario-device.ts'
import { ScenarioReader, type ScenarioView } from '../../testing/scenario-reader.ts'
import { createWorld, testClock, valuesIn } from '../../testing/world.ts'
import type { PostOutcome } from '../dispatch/ports.ts'

type World = ReturnType<typeof createWorld>

const HOUR_MS = 3_600_000
/** An hour more than the history keeps. */
const OVERRUN_MS = 25 * HOUR_MS

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
  | { readonly do: 'filter'; readonly view: ScenarioView; readonly isNewSocket: boolean }
  | { readonly do: 'overrun'; readonly isLosing: boolean }
  | { readonly do: 'reconnect' | 'ping' | 'reboot' }

const size = fc.integer({ min: 1, max: 6 })
const behind = fc.array(
  fc.oneof(fc.constantFrom(0, 120_000, 7_200_000), fc.integer({ min: 0, max: 1_500_000 })),
  { minLength: 1, maxLength: 6 },
)
const onlyB = { metric: 'b', op: 'exists' } as const
const view = fc.constantFrom<ScenarioView>(
  {},
  { metrics: ['b'] },
  { where: onlyB },
  { where: onlyB, metrics: ['a'] },
  { maxHz: 5 },
  { deadband: { a: 3 } },
  { mode: 'latest' },
)

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('batch' as const), size, behind }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('crash' as const),
      size,
      behind,
      at: fc.constantFrom('rows' as const, 'heads' as const, 'posts' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('again' as const),
      back: fc.integer({ min: 1, max: 8 }),
      size: fc.integer({ min: 1, max: 8 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('lose' as const),
      outcome: fc.constantFrom('failed' as const, 'throttled' as const, 'slow' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.constantFrom(400, 1_000, 11_000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('filter' as const), view, isNewSocket: fc.boolean() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('reconnect' as const, 'ping' as const, 'reboot' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('overrun' as const), isLosing: fc.boolean() }),
  },
)

/** One device, one reader, and what happens to them. */
function createScenario(hasCounter: boolean) {
  const clock = testClock(START_MS + 1_000_000)
  const world = createWorld(clock, { history: memoryHistory({ clock, pageRows: 2 }) })
  const device = new ScenarioDevice(hasCounter)
  const reader = new ScenarioReader(world, device)
  const lose = async (outcome: PostOutcome): Promise<void> => {
    world.outcomes.set(reader.me.connectionId, outcome)
    await world.deliver(...device.send(1, [0]))
    world.outcomes.clear()
  }
  const happen = async (one: Step): Promise<void> => {
    if (one.do === 'batch') await world.deliver(...device.send(one.size, one.behind))
    else if (one.do === 'crash') await crashIn(world, one.at, device.send(one.size, one.behind))
    else if (one.do === 'again') {
      const from = Math.max(device.firstOfDay, device.count - one.back + 1)
      const items = device.again(from, one.size)
      if (items.length > 0) await world.deliver(...items)
    } else if (one.do === 'lose') await lose(one.outcome)
    else if (one.do === 'wait') clock.ms += one.ms
    else if (one.do === 'filter') {
      if (one.isNewSocket) await reader.reconnect()
      await reader.resume(one.view)
    } else if (one.do === 'overrun') {
      if (one.isLosing) await lose('failed')
      clock.ms += OVERRUN_MS
      device.pause(OVERRUN_MS)
      await world.deliver(...device.send(1, [0]))
    } else if (one.do === 'reboot') device.reboot()
    else await reader[one.do]()
    await reader.listen()
  }
  return { world, device, reader, happen }
}

/** Runs a scenario and returns what the history holds in the end of what the device sent within the time it keeps. */
async function run(
  steps: readonly Step[],
  hasCounter: boolean,
): Promise<{ kept: number[]; counted: number; sent: number[] }> {
  const { world, device, reader, happen } = createScenario(hasCounter)
  await reader.resume({})
  for (const one of steps) await happen(one)
  // Whatever it looked through before: from where it has everything, everything.
  await reader.resume({})
  expect([...reader.held].filter((n) => n > device.count)).toEqual([])
  expect(reader.checked).toBe(device.count)
  const { firstOfDay, count } = device
  const sent = Array.from({ length: count - firstOfDay + 1 }, (_, i) => firstOfDay + i)
  return { ...(await keptIn(world, device.laterMs)), sent }
}

/** What the history holds by time: raw in small pages, and how many readings its buckets count. */
async function keptIn(world: World, laterMs: number): Promise<{ kept: number[]; counted: number }> {
  const startMs = START_MS + laterMs
  const range = { from: startMs - 7_300_000, to: startMs + 900_000 }
  const raw = await pagesOf(world, { ...range, limit: 7 })
  const buckets = await pagesOf(world, { ...range, bucketMs: 60_000 })
  const counts = buckets.flatMap((page) => [...(page.buckets?.metrics['a']?.count ?? [])])
  return {
    kept: raw.flatMap((page) => valuesIn({ blocks: page.blocks ?? [] }).map(Number)).sort(byValue),
    counted: counts.reduce((sum, count) => sum + count, 0),
  }
}

async function pagesOf(
  world: World,
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

/** A batch whose function dies on the way; the stream gives it again, in halves (KINESIS-19). */
async function crashIn(
  { history, memory, deliver }: World,
  at: 'rows' | 'heads' | 'posts',
  items: ReturnType<ScenarioDevice['send']>,
): Promise<void> {
  const fail = (): Promise<never> => Promise.reject(new Error('killed'))
  const saved = { history: { ...history }, memory: { ...memory } }
  if (at === 'rows') history.writeRows = fail
  if (at === 'heads') history.writeHeads = fail
  if (at === 'posts') memory.load = fail
  await deliver(...items).catch(() => undefined)
  Object.assign(history, saved.history)
  Object.assign(memory, saved.memory)
  const half = Math.ceil(items.length / 2)
  await deliver(...items.slice(0, half))
  if (half < items.length) await deliver(...items.slice(half))
}

describe('delivery under faults', () => {
  it('PROMISE-1–PROMISE-5: whatever crashes, comes again, is lost, expires or is looked at through another filter, a reader that follows the protocol holds everything, once, or was told what is gone', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 30 }),
        fc.boolean(),
        async (steps, hasCounter) => {
          const { kept, counted, sent } = await run(steps, hasCounter)
          expect(kept).toEqual(sent)
          expect(counted).toBe(sent.length)
        },
      ),
      // Its seed and path tell the scenario again; to shrink one takes minutes.
      { numRuns: 150, endOnFailure: true },
    )
  }, 60_000)
})
