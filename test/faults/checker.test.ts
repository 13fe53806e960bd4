import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  check,
  isClean,
  problems,
  type Chart,
  type History,
  type Sent,
  type Verdict,
} from './checker.ts'

/** A perfect run: two clients, three devices, every reading acknowledged and shown, one marked gap that lost five readings. */
function perfectRun(): History {
  const topics = ['plant-1/a', 'plant-1/b', 'plant-2/c']
  const sent: Sent[] = topics.flatMap((topic) =>
    Array.from({ length: 100 }, (_, n) => ({
      topic,
      key: `b1:${n}`,
      ts: 1_000 + n * 100,
      values: { temperature: n / 10 },
      outcome: 'acknowledged' as const,
    })),
  )
  const chartOf = (client: string, prefix: string): Chart => {
    const gaps = [
      { topic: `${prefix}/${prefix === 'plant-1' ? 'a' : 'c'}`, fromTs: 3_000, toTs: 3_400 },
    ]
    return {
      client,
      promised: topics
        .filter((topic) => topic.startsWith(prefix))
        .map((topic) => ({ topic, fromTs: 1_000 })),
      points: sent.filter(
        (reading) =>
          reading.topic.startsWith(prefix) &&
          !gaps.some(
            (gap) =>
              gap.topic === reading.topic && reading.ts >= gap.fromTs && reading.ts <= gap.toTs,
          ),
      ),
      gaps,
    }
  }
  const charts = [chartOf('ana', 'plant-1'), chartOf('vic', 'plant-2')]
  return {
    sent,
    charts,
    deliveries: charts.flatMap(({ client, points }) =>
      points.map(({ topic, ts }) => ({ client, topic, atMs: ts + 50 })),
    ),
    grants: charts.flatMap(({ client, promised }) =>
      promised.map(({ topic }) => ({ client, topic, fromMs: 0, toMs: 11_000 })),
    ),
  }
}

type Mutation = (history: History, pick: number) => History

const onChart = (history: History, change: (chart: Chart) => Chart): History => ({
  ...history,
  charts: history.charts.map((chart, index) => (index === 0 ? change(chart) : chart)),
})
const at = (pick: number, length: number): number => pick % length

/** Each breaks the run in one way; the checker must name exactly that. */
const mutations: Record<string, { mutate: Mutation; finds: keyof Verdict }> = {
  'a point is missing': {
    mutate: (history, pick) =>
      onChart(history, (chart) => ({
        ...chart,
        points: chart.points.filter((_, index) => index !== at(pick, chart.points.length)),
      })),
    finds: 'silentGap',
  },
  'the mark of a gap is missing': {
    mutate: (history) => onChart(history, (chart) => ({ ...chart, gaps: [] })),
    finds: 'silentGap',
  },
  'a tail is missing': {
    mutate: (history, pick) =>
      onChart(history, (chart) => ({ ...chart, points: chart.points.slice(0, -1 - at(pick, 20)) })),
    finds: 'silentGap',
  },
  'a value is wrong': {
    mutate: (history, pick) =>
      onChart(history, (chart) => ({
        ...chart,
        points: chart.points.map((point, index) =>
          index === at(pick, chart.points.length)
            ? { ...point, values: { temperature: -1 } }
            : point,
        ),
      })),
    finds: 'wrongValue',
  },
  'a time is wrong': {
    mutate: (history) =>
      onChart(history, (chart) => ({
        ...chart,
        points: chart.points.map((point, index) =>
          index === 0 ? { ...point, ts: point.ts - 1 } : point,
        ),
      })),
    finds: 'wrongValue',
  },
  'a metric is missing': {
    mutate: (history, pick) =>
      onChart(history, (chart) => ({
        ...chart,
        points: chart.points.map((point, index) =>
          index === at(pick, chart.points.length) ? { ...point, values: {} } : point,
        ),
      })),
    finds: 'wrongValue',
  },
  'a point is there twice': {
    mutate: (history, pick) =>
      onChart(history, (chart) => {
        const index = at(pick, chart.points.length)
        return {
          ...chart,
          points: chart.points.flatMap((point, i) => (i === index ? [point, point] : [point])),
        }
      }),
    finds: 'duplicatePoint',
  },
  'two neighbours are swapped': {
    mutate: (history, pick) =>
      onChart(history, (chart) => {
        const ofOne = chart.points.filter((point) => point.topic === 'plant-1/b')
        const index = at(pick, ofOne.length - 1)
        const swapped = [...ofOne]
        swapped.splice(index, 2, ofOne[index + 1]!, ofOne[index]!)
        return {
          ...chart,
          points: [...chart.points.filter((p) => p.topic !== 'plant-1/b'), ...swapped],
        }
      }),
    finds: 'reorderedPoint',
  },
  'a point that nobody sent appears': {
    mutate: (history) =>
      onChart(history, (chart) => ({
        ...chart,
        points: [...chart.points, { topic: 'plant-1/b', key: 'b2:0', ts: 99_999, values: {} }],
      })),
    finds: 'phantom',
  },
  'a device of another plant is delivered': {
    mutate: (history) => ({
      ...history,
      deliveries: [...history.deliveries, { client: 'ana', topic: 'plant-2/c', atMs: 5_000 }],
    }),
    finds: 'unentitled',
  },
  'a delivery comes after the grace of a revocation': {
    mutate: (history) => ({
      ...history,
      deliveries: [...history.deliveries, { client: 'ana', topic: 'plant-1/a', atMs: 13_001 }],
    }),
    finds: 'unentitled',
  },
}

describe('the checker', () => {
  it('finds nothing in a perfect run, and counts the loss that was announced', () => {
    const verdict = check(perfectRun())
    expect(problems(verdict)).toEqual([])
    expect(verdict.announcedLoss).toBe(10)
    expect(verdict.checked).toBe(300)
    expect(isClean(verdict)).toBe(true)
  })

  it.each(Object.entries(mutations))(
    'catches that %s, and blames nothing else',
    (_, { mutate, finds }) => {
      fc.assert(
        fc.property(fc.nat(10_000), (pick) => {
          const found = problems(check(mutate(perfectRun(), pick)))
          expect(found).toHaveLength(1)
          expect(found[0]).toMatch(new RegExp(`^${finds}: `))
        }),
        { seed: 20_261_123, numRuns: 25 },
      )
    },
  )

  it('allows a reading of unknown outcome to be absent, but not to have other values', () => {
    const run = perfectRun()
    const unknown: Sent = {
      topic: 'plant-1/a',
      key: 'b1:x',
      ts: 20_000,
      values: { temperature: 1 },
      outcome: 'unknown',
    }
    const withUnknown = { ...run, sent: [...run.sent, unknown] }
    expect(isClean(check(withUnknown))).toBe(true)
    const shownWrong = onChart(withUnknown, (chart) => ({
      ...chart,
      points: [...chart.points, { ...unknown, values: { temperature: 2 } }],
    }))
    expect(problems(check(shownWrong))[0]).toMatch(/^wrongValue/)
  })

  it('does not call an empty run clean', () => {
    expect(isClean(check({ sent: [], charts: [], deliveries: [], grants: [] }))).toBe(false)
  })

  it('judges a million readings', () => {
    const sent: Sent[] = Array.from({ length: 1_000_000 }, (_, n) => ({
      topic: `plant-1/${n % 100}`,
      key: `b:${n}`,
      ts: n,
      values: { v: n },
      outcome: 'acknowledged',
    }))
    const promised = Array.from({ length: 100 }, (_, d) => ({ topic: `plant-1/${d}`, fromTs: 0 }))
    const verdict = check({
      sent,
      charts: [{ client: 'x', promised, points: sent, gaps: [] }],
      deliveries: [],
      grants: [],
    })
    expect(isClean(verdict)).toBe(true)
    expect(verdict.checked).toBe(1_000_000)
  })
})
