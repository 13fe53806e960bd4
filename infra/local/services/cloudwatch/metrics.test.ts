import { describe, expect, it } from 'vitest'
import { manualClock } from '../../platform/clock.ts'
import { emptyDistribution, record, statisticOf } from './distribution.ts'
import { asPoints, evaluateMath } from './math.ts'
import type { MathInput, Points } from './math.ts'
import { parseMath } from './math-syntax.ts'
import { metricStore } from './metric-store.ts'

const START_MS = Date.UTC(2026, 10, 23)

function distributionOf(values: readonly number[]) {
  const distribution = emptyDistribution()
  for (const value of values) record(distribution, value, 1)
  return distribution
}

describe('statistics', () => {
  const hundred = distributionOf(Array.from({ length: 100 }, (_, index) => index + 1))

  it.each([
    ['SampleCount', 100],
    ['Sum', 5050],
    ['Average', 50.5],
    ['Minimum', 1],
    ['Maximum', 100],
    ['p50', 50],
    ['p99', 99],
    ['p99.9', 100],
    ['tm90', 45.5],
    ['tc90', 90],
    ['ts90', 4095],
    ['PR(:10)', 10],
    ['TM(10%:90%)', 50.5],
    ['IQM', 50.5],
  ])('CW-25: %s of 1 to 100 is %s', (name, expected) => {
    expect(statisticOf(hundred, name)).toBeCloseTo(expected, 6)
  })

  it('CW-38: there is no percentile of negative values', () => {
    expect(statisticOf(distributionOf([-1, 2]), 'p50')).toBeUndefined()
    expect(statisticOf(distributionOf([-1, 2]), 'Sum')).toBe(1)
  })

  it('keeps percentiles within 1 % of many different values, and the sum exact', () => {
    const many = distributionOf(Array.from({ length: 10_000 }, (_, index) => index + 1))
    expect(Math.abs((statisticOf(many, 'p99') ?? 0) / 9900 - 1)).toBeLessThan(0.011)
    expect(statisticOf(many, 'Sum')).toBe(50_005_000)
    expect(many.values?.size).toBeLessThan(1000)
  })
})

describe('the metric store', () => {
  const put = (store: ReturnType<typeof metricStore>, overrides: object = {}): void => {
    store.put({
      namespace: 'Shop',
      name: 'Orders',
      dimensions: { a: '1', b: '2' },
      value: 1,
      timestampMs: START_MS,
      ...overrides,
    })
  }
  const read = (
    store: ReturnType<typeof metricStore>,
    dimensions: Record<string, string>,
    unit?: string,
  ) =>
    store.read(
      { namespace: 'Shop', name: 'Orders', dimensions },
      {
        fromS: START_MS / 1000,
        toS: START_MS / 1000 + 60,
        ...(unit === undefined ? {} : { unit }),
      },
    ).count

  it('EMF-13: only the exact set of dimensions, in any order, is the metric', () => {
    const store = metricStore(manualClock(START_MS))
    put(store)
    expect(read(store, { b: '2', a: '1' })).toBe(1)
    expect(read(store, { a: '1' })).toBe(0)
    expect(read(store, {})).toBe(0)
  })

  it('CW-29: another unit has no data', () => {
    const store = metricStore(manualClock(START_MS))
    put(store, { unit: 'Count' })
    expect(read(store, { a: '1', b: '2' }, 'Seconds')).toBe(0)
    expect(read(store, { a: '1', b: '2' }, 'Count')).toBe(1)
    expect(read(store, { a: '1', b: '2' })).toBe(1)
  })

  it('CW-36: minutes older than 15 days are kept as five minutes, and after 63 days as hours', async () => {
    const clock = manualClock(START_MS)
    const store = metricStore(clock)
    const hour = { fromS: START_MS / 1000, toS: START_MS / 1000 + 3600 }
    const count = (): number =>
      store.read({ namespace: 'Shop', name: 'Orders', dimensions: { a: '1', b: '2' } }, hour).count
    put(store)
    put(store, { timestampMs: START_MS + 60_000 })
    for (const days of [16, 64, 300]) {
      await clock.advance(START_MS + days * 86_400_000 - clock.now())
      store.expire()
      expect(count()).toBe(2)
    }
    await clock.advance(START_MS + 456 * 86_400_000 - clock.now())
    store.expire()
    expect(count()).toBe(0)
    expect(store.list()).toEqual([])
  })
})

describe('metric math', () => {
  const SERIES: Readonly<Record<string, Points>> = {
    m1: [1, 2, undefined, 4],
    m2: [10, 0, 30, undefined],
    none: [undefined, undefined, undefined, undefined],
    counter: [0, 60, undefined, 240],
  }
  const input: MathInput = {
    periodSeconds: 60,
    length: 4,
    metricIds: ['m1', 'm2'],
    series(id) {
      const points = SERIES[id]
      if (!points) throw new TypeError(`no series ${id}`)
      return points
    },
  }
  const evaluate = (source: string): Points =>
    asPoints(evaluateMath(parseMath(source), input), input)

  it.each<[string, Points]>([
    ['m1 + m2', [11, 2, 30, 4]],
    ['m1 / m2', [0.1, undefined, 0, undefined]],
    ['m1 * 2 - 1', [1, 3, undefined, 7]],
    ['none + 1', [undefined, undefined, undefined, undefined]],
    ['IF(m2 > 5, m1 / m2, 0)', [0.1, 0, 0, undefined]],
    ['IF(none > 5, m1, 0)', [undefined, undefined, undefined, undefined]],
    ['FILL(m1, 0)', [1, 2, 0, 4]],
    ['FILL(m1, REPEAT)', [1, 2, 2, 4]],
    ['FILL(m1, LINEAR)', [1, 2, 3, 4]],
    ['RATE(counter)', [undefined, 1, undefined, 1.5]],
    ['SUM([m1, m2])', [11, 2, 30, 4]],
    ['MAX([m1, m2])', [10, 2, 30, 4]],
    ['SUM(METRICS())', [11, 2, 30, 4]],
    ['AVG(m2)', [40 / 3, 40 / 3, 40 / 3, 40 / 3]],
    ['m1 >= 2 AND m1 < 4', [0, 1, undefined, 0]],
    ['-m1 ^ 2', [-1, -4, undefined, -16]],
    ['(m1 + 1) * PERIOD(m1)', [120, 180, undefined, 300]],
    ['DIFF(m1)', [undefined, 1, undefined, 2]],
    ['ABS(m1 - m2)', [9, 2, 30, 4]],
  ])('CW-27: %s', (source, expected) => {
    expect(evaluate(source)).toEqual(expected)
  })

  it.each([
    ['m1 +', /unexpected/],
    ['FOO(m1)', /FOO is not emulated/],
    ['(m1', /expected \)/],
  ])('says what is wrong in %s', (source, message) => {
    expect(() => evaluate(source)).toThrow(message)
  })
})
