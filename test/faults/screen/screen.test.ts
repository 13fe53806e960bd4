import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { START_MS } from '../../../backend/src/testing/records.ts'
import { seeded } from '../random.ts'
import { truthOf } from './ledger.ts'
import { type Delivery, lifeOf, type Plan, plans } from './random-ledger.ts'
import { type Finding, type Shown, untruths } from './screen-checker.ts'
import { screenMutations } from './screen-mutations.ts'
import { WorldDashboard } from './world-dashboard.ts'

const METRICS = ['temperature', 'flow', 'level'] as const
const MINUTE_MS = 60_000

interface Visit {
  /** Shares of the device's life at which the page is opened, and at which it loses its connection and has it again. */
  readonly open: number
  readonly outages: readonly (readonly [number, number])[]
  /** Windows besides the usual ones: shares of the life. */
  readonly windows: readonly (readonly [number, number])[]
  /** Seven days before one minute, or the other way round: what has been loaded before differs. */
  readonly widestFirst: boolean
}

const share = fc.double({ min: 0, max: 1, noNaN: true })
const visits: fc.Arbitrary<Visit> = fc.record({
  open: share,
  outages: fc.array(fc.tuple(share, share), { maxLength: 2 }),
  windows: fc.array(fc.tuple(share, share), { minLength: 2, maxLength: 4 }),
  widestFirst: fc.boolean(),
})

/** Lives the device's life with a page open on it for a part of it; the page at the end. */
async function liveThrough(deliveries: readonly Delivery[], visit: Visit): Promise<WorldDashboard> {
  const page = new WorldDashboard()
  const endMs = deliveries.at(-1)?.atMs ?? START_MS
  const timeOf = (part: number): number => START_MS + part * (endMs - START_MS)
  const openMs = timeOf(visit.open)
  const acts = [
    { atMs: openMs, act: () => page.open() },
    ...visit.outages
      .map((outage) => [...outage].sort((a, b) => a - b).map(timeOf))
      .flatMap(([from = 0, to = 0]) => [
        { atMs: Math.max(openMs + 1, from), act: async () => page.disconnect() },
        { atMs: Math.max(openMs + 2, to), act: () => page.reconnect() },
      ]),
    ...deliveries.map(({ atMs, readings }) => ({ atMs, act: () => page.deliver(readings) })),
  ].sort((a, b) => a.atMs - b.atMs)
  for (const { atMs, act } of acts) {
    await page.clock.advance(Math.max(0, atMs - page.clock.now()))
    await act()
  }
  await page.reconnect()
  await page.settle()
  return page
}

/** Live windows of one minute to seven days, and chosen ones anywhere. */
function windowsOf(
  nowMs: number,
  visit: Visit,
): { readonly fromMs: number; readonly toMs: number }[] {
  const span = nowMs - START_MS
  const lengths = [1, 5, 15, 60, 24 * 60, 7 * 24 * 60]
  return [
    ...(visit.widestFirst ? lengths.reverse() : lengths).map((minutes) => ({
      fromMs: nowMs - minutes * MINUTE_MS,
      toMs: nowMs,
    })),
    ...visit.windows.map((ends) => {
      const [from = 0, to = 0] = [...ends].sort((a, b) => a - b)
      const fromMs = Math.round(START_MS + from * span)
      return { fromMs, toMs: Math.max(fromMs + 5_000, Math.round(START_MS + to * span)) }
    }),
  ]
}

const checkOptions = (page: WorldDashboard) => ({ nowMs: page.clock.now(), isSettled: true })

const samplePlan: Plan = {
  everyMs: 1_000,
  counts: true,
  longer: 1,
  flowFrom: 0,
  parts: [
    { run: 60, trouble: 'lost', size: 20 },
    { run: 60, trouble: 'null', size: 10 },
    { run: 60, trouble: 'restart and lost', size: 5 },
  ],
}

/** `npm test` has a few lives of one seed; `GAUGELINE_SCREEN_RUNS=60` takes so many, each time others. */
const RUNS = Number(process.env['GAUGELINE_SCREEN_RUNS'] ?? 6)

const SEED = Number(process.env['GAUGELINE_SCREEN_SEED'] ?? 7)

const lateVisit: Visit = { open: 0.9, outages: [], windows: [], widestFirst: false }

describe('what is drawn', () => {
  it('is what was published, in every window, live, opened later, paged and resumed', async () => {
    let looked = 0
    await fc.assert(
      fc.asyncProperty(plans, visits, async (plan, visit) => {
        const { ledger, deliveries } = lifeOf(plan)
        const page = await liveThrough(deliveries, visit)
        const found: string[] = []
        for (const range of windowsOf(page.clock.now(), visit)) {
          for (const metric of METRICS) {
            const shown = await page.look(metric, range)
            looked++
            const wrong = untruths(shown, truthOf(ledger, metric), checkOptions(page))
            found.push(
              ...wrong
                .slice(0, 3)
                .map((one) => `${metric} ${describeRange(range)} ${one.what}: ${one.text}`),
            )
          }
        }
        expect(found).toEqual([])
      }),
      {
        numRuns: RUNS,
        // A failure is said at once, with its seed: making it smaller takes longer than finding it.
        endOnFailure: true,
        ...(process.env['GAUGELINE_SCREEN_RUNS'] === undefined ? { seed: SEED } : {}),
      },
    )
    expect(looked).toBeGreaterThan(RUNS * 20)
  }, 600_000)
})

describe('what is drawn of buckets', () => {
  it('is what was published, wherever more than a screen can show came before', async () => {
    const { ledger, deliveries } = lifeOf({ ...samplePlan, longer: 20 })
    const page = await liveThrough(deliveries, { ...lateVisit, open: 1 })
    const nowMs = page.clock.now()
    let bucketed = 0
    for (const minutes of [24 * 60, 60, 7 * 24 * 60, 15]) {
      const range = { fromMs: nowMs - minutes * MINUTE_MS, toMs: nowMs }
      for (const metric of METRICS) {
        const shown = await page.look(metric, range)
        if (shown.figures.bucketMs !== null) bucketed++
        expect(untruths(shown, truthOf(ledger, metric), checkOptions(page))).toEqual([])
      }
    }
    expect(bucketed).toBeGreaterThanOrEqual(6)
  }, 300_000)
})

function describeRange({
  fromMs,
  toMs,
}: {
  readonly fromMs: number
  readonly toMs: number
}): string {
  return `${(fromMs - START_MS) / 1_000}…${(toMs - START_MS) / 1_000} s`
}

describe('the checker of what is drawn', () => {
  it('finds each way in which the drawing could be wrong', async () => {
    const { ledger, deliveries } = lifeOf(samplePlan)
    const page = await liveThrough(deliveries, lateVisit)
    const truth = truthOf(ledger, 'temperature')
    const shown = await page.look('temperature', {
      fromMs: START_MS + 10_000,
      toMs: START_MS + 280_000,
    })
    const check = (one: Shown): Finding[] => untruths(one, truth, checkOptions(page))
    expect(check(shown)).toEqual([])
    const random = seeded(7)
    const overlooked = screenMutations.filter(({ finds, mutate }) => {
      for (let trial = 0; trial < 10; trial++) {
        const mutated = mutate(shown, Math.floor(random.next() * 1e6))
        if (!mutated || !check(mutated).some(({ what }) => what === finds)) return true
      }
      return false
    })
    expect(overlooked.map(({ name }) => name)).toEqual([])
    expect(screenMutations.length).toBeGreaterThanOrEqual(10)
  })
})
