import { describe, expect, it } from 'vitest'
import type { Reading } from '../telemetry/reading.ts'
import { countersAfter, recall, type CounterWindow } from './counter-window.ts'

const reading = (n: number | null, a: number, boot: string | null = 'b'): Reading => ({
  ts: 0,
  boot,
  n,
  metrics: new Map([
    ['a', a],
    ['b', 7],
  ]),
  quality: null,
})
const nothing: CounterWindow = { boot: null, counter: null, seen: '0' }
const after = (...readings: Reading[]): CounterWindow => readings.reduce(countersAfter, nothing)

describe('what is remembered of a device’s counters', () => {
  it.each<[string, number[], Reading, ReturnType<typeof recall>]>([
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
    ['one before a jump of a million (M33)', [1, 1_000_001], reading(1, 2), 'new'],
    ['one of another boot', [1, 2], reading(2, 2, 'c'), 'new'],
    ['one without a boot (M31)', [1, 2], reading(2, 2, null), 'new'],
    ['one without a counter', [1, 2], reading(null, 2), 'new'],
  ])('tells %s', (_name, seen, again, expected) => {
    expect(recall(after(...seen.map((n) => reading(n, n))), again)).toBe(expected)
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
    const { seen, marks } = after(...many)
    expect([seen.length, marks?.length]).toEqual([16, 16])
  })
})
