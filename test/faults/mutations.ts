import { check, type Chart, type History, type Reading, type Verdict } from './checker.ts'
import type { seeded } from './random.ts'

/** A history of which every part can be looked at again and again. */
export interface WholeHistory extends History {
  readonly charts: readonly WholeChart[]
}
interface WholeChart extends Chart {
  readonly points: readonly Reading[]
}

/** Breaks a history in one way, at a place that `pick` chooses; undefined when this history has nothing to break in this way. */
export interface Mutation {
  readonly name: string
  readonly finds: keyof Verdict
  readonly mutate: (history: WholeHistory, pick: number) => WholeHistory | undefined
}

const at = (pick: number, length: number): number => pick % Math.max(1, length)

/** Changes the first chart. */
const chart =
  (change: (chart: WholeChart, pick: number) => WholeChart | undefined): Mutation['mutate'] =>
  (history, pick) => {
    const [first, ...rest] = history.charts
    const changed = first && change(first, pick)
    return changed && { ...history, charts: [changed, ...rest] }
  }

/** Changes one point of the first chart: into one, several or none. */
const point = (change: (point: Reading) => readonly Reading[]): Mutation['mutate'] =>
  chart((first, pick) => {
    const index = at(pick, first.points.length)
    return {
      ...first,
      points: first.points.flatMap((one, i) => (i === index ? change(one) : [one])),
    }
  })

/** The first place from `pick` on, round once, at which two neighbours of one topic have different times. */
function neighbours(points: readonly Reading[], pick: number): number | undefined {
  for (let step = 0; step < points.length; step++) {
    const index = at(pick + step, points.length - 1)
    const [one, next] = [points[index], points[index + 1]]
    if (one && next && one.topic === next.topic && one.ts < next.ts) return index
  }
  return undefined
}

/** What a checker must find. Each names the one list of the verdict that shows it. */
export const mutations: readonly Mutation[] = [
  { name: 'a point is missing', finds: 'silentGap', mutate: point(() => []) },
  {
    name: 'the mark of a gap is missing',
    finds: 'silentGap',
    mutate: chart((first) => (first.gaps.length === 0 ? undefined : { ...first, gaps: [] })),
  },
  {
    name: 'a tail is missing',
    finds: 'silentGap',
    mutate: chart((first, pick) => ({
      ...first,
      points: first.points.slice(0, -1 - at(pick, 20)),
    })),
  },
  {
    name: 'everything is marked as lost',
    finds: 'announcedLoss',
    mutate: chart((first) => ({
      ...first,
      points: [],
      gaps: first.promised.map(({ topic }) => ({ topic, fromTs: -Infinity, toTs: Infinity })),
    })),
  },
  {
    name: 'a value is wrong',
    finds: 'wrongValue',
    mutate: point((one) => {
      const [name = ''] = Object.keys(one.values)
      return [{ ...one, values: { ...one.values, [name]: -1 } }]
    }),
  },
  {
    name: 'a time is wrong',
    finds: 'wrongValue',
    mutate: chart((first) => ({
      ...first,
      points: first.points.map((one, index) => (index === 0 ? { ...one, ts: one.ts - 1 } : one)),
    })),
  },
  {
    name: 'a metric is missing',
    finds: 'wrongValue',
    mutate: point((one) => [{ ...one, values: {} }]),
  },
  { name: 'a point is there twice', finds: 'duplicatePoint', mutate: point((one) => [one, one]) },
  {
    name: 'two neighbours are swapped',
    finds: 'reorderedPoint',
    mutate: chart((first, pick) => {
      const index = neighbours(first.points, pick)
      if (index === undefined) return undefined
      const points = [...first.points]
      points.splice(index, 2, ...points.slice(index, index + 2).toReversed())
      return { ...first, points }
    }),
  },
  {
    name: 'a point that nobody sent appears',
    finds: 'phantom',
    mutate: chart((first) => {
      const last = first.points.at(-1)
      return last && { ...first, points: [...first.points, { ...last, key: 'nobody:0' }] }
    }),
  },
  {
    name: 'a device that a client may not see is delivered',
    finds: 'unentitled',
    mutate: (history) => {
      const [first] = history.deliveries
      return first && { ...history, deliveries: [{ ...first, topic: 'secret/device' }] }
    },
  },
  {
    name: 'a delivery comes after the grace of a revocation',
    finds: 'unentitled',
    mutate: (history) => {
      const [first] = history.deliveries
      if (!first) return undefined
      const grants = history.grants.map((grant) => ({ ...grant, toMs: first.atMs - 2_001 }))
      return { ...history, deliveries: [first], grants }
    },
  },
  {
    name: 'a chart shows a device that its client may not see',
    finds: 'unentitled',
    mutate: (history) => {
      const hidden = history.charts[0]?.points[0]?.topic
      if (hidden === undefined) return undefined
      return { ...history, grants: history.grants.filter(({ topic }) => topic !== hidden) }
    },
  },
]

/** The names of the mutations of this history that the checker does not find, and how many it was tried with. */
export function overlooked(
  history: WholeHistory,
  random: ReturnType<typeof seeded>,
): { readonly names: readonly string[]; readonly tried: number } {
  const before = check(history)
  const names: string[] = []
  let tried = 0
  for (const { name, finds, mutate } of mutations) {
    const mutated = mutate(history, Math.floor(random.next() * 2 ** 31))
    if (!mutated) continue
    tried++
    if (amount(check(mutated)[finds]) <= amount(before[finds])) names.push(name)
  }
  return { names, tried }
}

const amount = (found: Verdict[keyof Verdict]): number =>
  typeof found === 'number' ? found : found.length
