import { describe, expect, it } from 'vitest'
import {
  countersAfter,
  noCounters,
  recall,
  type CountedReading,
  type CounterWindow,
} from './repetition.ts'

const reading = (n: number | null, a: number, boot: string | null = 'b'): CountedReading => ({
  boot,
  n,
  metrics: new Map([
    ['a', a],
    ['b', 7],
  ]),
})
const after = (...readings: CountedReading[]): CounterWindow =>
  readings.reduce(countersAfter, noCounters)

describe('what is remembered of a device’s counters', () => {
  it.each<[string, number[], CountedReading, ReturnType<typeof recall>]>([
    ['the newest again', [1, 2, 3], reading(3, 3), 'duplicate'],
    ['the newest with another value', [1, 2, 3], reading(3, 4), 'conflict'],
    ['an older one again', [1, 2, 3], reading(1, 1), 'duplicate'],
    ['an older one with another value', [1, 2, 3], reading(1, 2), 'conflict'],
    ['one that came late, again', [1, 5, 3], reading(3, 3), 'duplicate'],
    ['one that came late, with another value', [1, 5, 3], reading(3, 4), 'conflict'],
    ['one that was left out', [1, 5, 3], reading(2, 2), 'new'],
    ['the last of 16 with another value', [1, 16], reading(1, 2), 'conflict'],
    ['one before the last 16, whatever its value', [1, 17], reading(1, 2), 'duplicate'],
    ['one before the last 64', [1, 65], reading(1, 1), 'new'],
    ['one before a jump of a million (PAYLOAD-33)', [1, 1_000_001], reading(1, 2), 'new'],
    ['one of another boot', [1, 2], reading(2, 2, 'c'), 'new'],
    ['one without a boot (PAYLOAD-31)', [1, 2], reading(2, 2, null), 'new'],
    ['one without a counter', [1, 2], reading(null, 2), 'new'],
  ])('tells %s', (_name, seen, again, expected) => {
    expect(recall(after(...seen.map((n) => reading(n, n))), again)).toBe(expected)
  })

  const dropped = (counters: readonly number[]): number[] => {
    let window = noCounters
    return counters.filter((n, i) => {
      const isNew = recall(window, reading(n, i)) === 'new'
      if (isNew) window = countersAfter(window, reading(n, i))
      return !isNew
    })
  }
  const upTo = (length: number, modulus: number): number[] =>
    Array.from({ length }, (_, i) => i % modulus)

  it.each<[string, number[], number[]]>([
    ['a counter of a byte that wraps, however often', upTo(2_000, 256), []],
    ['one that wraps just beyond the window', upTo(650, 65), []],
    ['one that begins again far from where it was', [...upTo(700, 700), ...upTo(750, 750)], []],
    ['one that begins again within the window', [...upTo(10, 10), 0, 1], [0, 1]],
    [
      'what was kept while offline, between what is new',
      Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? 1_000 + i / 2 : 500 + (i - 1) / 2)),
      [],
    ],
    ['a repetition of the new ones among those', [1_000, 500, 1_001, 501, 1_001, 502], [1_001]],
    ['a repetition of the kept ones among those', [1_000, 500, 1_001, 501, 1_002, 501], [501]],
  ])('drops of %s only what came before', (_name, counters, expected) => {
    expect(dropped(counters)).toEqual(expected)
  })

  it('knows a repetition after readings that do not count, and of the boot before this one', () => {
    const window = after(reading(7, 7), reading(null, 1), reading(1, 1, 'c'), reading(3, 3, null))
    expect(recall(window, reading(7, 7))).toBe('duplicate')
    expect(recall(window, reading(1, 1, 'c'))).toBe('duplicate')
  })

  it('takes the same values in another order for the same', () => {
    const turned = { ...reading(1, 1), metrics: new Map([...reading(1, 1).metrics].reverse()) }
    expect(recall(after(reading(1, 1)), turned)).toBe('duplicate')
  })

  it('tells nearly all of different values apart', () => {
    const window = after(reading(1, 20))
    const others = Array.from({ length: 6_400 }, (_, i) => reading(1, 20 + (i + 1) / 100))
    const missed = others.filter((other) => recall(window, other) === 'duplicate').length
    expect(missed).toBeLessThan(200)
  })

  it('takes a head without marks, as it was before there were any, for no conflict', () => {
    const { boot, counter, seen } = after(reading(1, 1))
    expect(recall({ boot, counter, seen }, reading(1, 2))).toBe('duplicate')
  })

  it('stays small, whatever comes', () => {
    const many = Array.from({ length: 500 }, (_, i) => reading((i * 37) % 91, i))
    const { seen, marks, past } = after(...many)
    expect(seen.length).toBeLessThanOrEqual(16)
    expect(marks?.length).toBeLessThanOrEqual(16)
    expect(JSON.stringify(past ?? null).length).toBeLessThan(100)
  })
})
