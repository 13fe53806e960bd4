import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { check, isClean, problems, type Sent } from './checker.ts'
import { mutations, overlooked, type WholeHistory } from './mutations.ts'
import { seeded } from './random.ts'

/** A perfect run: two clients, three devices, every reading acknowledged and shown, one marked gap that lost five readings. */
function perfectRun(): WholeHistory {
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
  const chartOf = (client: string, prefix: string): WholeHistory['charts'][number] => {
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

const lenient = { lossMayBeAnnounced: true }

describe('the checker', () => {
  it('finds nothing in a perfect run, and counts the loss that was announced', () => {
    const verdict = check(perfectRun())
    expect(problems(verdict, lenient)).toEqual([])
    expect(verdict.announcedLoss).toBe(10)
    expect(verdict.checked).toBe(300)
    expect(isClean(verdict, lenient)).toBe(true)
  })

  it('does not let a loss pass because it was announced, unless it may be', () => {
    const verdict = check(perfectRun())
    expect(problems(verdict)).toEqual(['announcedLoss: 10'])
    expect(isClean(verdict)).toBe(false)
  })

  it.each(mutations)('catches that $name, and blames nothing else', ({ mutate, finds }) => {
    fc.assert(
      fc.property(fc.nat(10_000), (pick) => {
        const mutated = mutate(perfectRun(), pick)
        expect(mutated).toBeDefined()
        const verdict = check(mutated ?? perfectRun())
        if (finds === 'announcedLoss') {
          expect(problems(verdict, lenient)).toEqual([])
          expect(verdict.announcedLoss).toBeGreaterThan(100)
          return
        }
        const found = problems(verdict, lenient)
        expect(found).toHaveLength(1)
        expect(found[0]).toMatch(new RegExp(`^${finds}: `))
      }),
      { seed: 20_261_123, numRuns: 25 },
    )
  })

  it('names the mutations that it overlooks', () => {
    expect(overlooked(perfectRun(), seeded(1))).toEqual({ names: [], tried: mutations.length })
    const blind = {
      ...perfectRun(),
      charts: perfectRun().charts.map((one) => ({ ...one, promised: [] })),
    }
    expect(overlooked(blind, seeded(1)).names).toContain('a point is missing')
  })

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
    expect(isClean(check(withUnknown), lenient)).toBe(true)
    const shownWrong = {
      ...withUnknown,
      charts: withUnknown.charts.map((chart) => ({
        ...chart,
        points: [...chart.points, { ...unknown, values: { temperature: 2 } }],
      })),
    }
    expect(problems(check(shownWrong), lenient)[0]).toMatch(/^wrongValue/)
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
    const grants = promised.map(({ topic }) => ({ client: 'x', topic, fromMs: 0, toMs: 0 }))
    const verdict = check({
      sent,
      charts: [{ client: 'x', promised, points: sent, gaps: [] }],
      deliveries: [],
      grants,
    })
    expect(isClean(verdict)).toBe(true)
    expect(verdict.checked).toBe(1_000_000)
  })
})
