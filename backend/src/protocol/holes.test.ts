import { describe, expect, it } from 'vitest'
import { countedBetween, findHoles } from './holes.ts'

const T0 = 1_700_000_000_000
const nothing = Number.NaN

/** Readings at these seconds; `values` are carried by default. */
function holesOf(
  seconds: readonly number[],
  options: {
    readonly without?: readonly number[]
    readonly missing?: Readonly<Record<number, number>>
    readonly known?: readonly [number, number]
  } = {},
): unknown[][] {
  const holes = findHoles({
    ts: seconds.map((s) => T0 + s * 1_000),
    values: seconds.map((s) => (options.without?.includes(s) ? nothing : 1)),
    missing: seconds.map((s) => options.missing?.[s] ?? nothing),
    ...(options.known
      ? { knownFromMs: T0 + options.known[0] * 1_000, knownToMs: T0 + options.known[1] * 1_000 }
      : {}),
  })
  return holes.map(({ fromMs, toMs, missing, without }) => [
    (fromMs - T0) / 1_000,
    (toMs - T0) / 1_000,
    missing,
    without,
  ])
}
const seconds = (from: number, to: number, every = 1): number[] =>
  Array.from({ length: Math.floor((to - from) / every) + 1 }, (_, i) => from + i * every)

describe('holes of a metric', () => {
  it('are long steps that are not usual there, whatever the device sends elsewhere', () => {
    expect(holesOf([...seconds(0, 30), ...seconds(50, 90)])).toEqual([[30, 50, null, 0]])
    expect(holesOf(seconds(0, 36_000, 3_600))).toEqual([])
    // A rhythm that changes from one second to ten is no hole; a silence in the new one is.
    const slower = [...seconds(0, 30), ...seconds(40, 140, 10), ...seconds(240, 400, 10)]
    expect(holesOf(slower)).toEqual([[140, 240, null, 0]])
  })

  it('are not the pauses between bursts', () => {
    const bursts = [0, 600, 1_200, 1_800, 2_400].flatMap((at) => seconds(at, at + 2, 0.2))
    expect(holesOf(bursts)).toEqual([])
  })

  it('are steps of any length over which the device counted readings that are not here', () => {
    expect(holesOf(seconds(0, 10), { missing: { 4: 3, 7: 0 } })).toEqual([[3, 4, 3, 0]])
    expect(holesOf(seconds(0, 10), { missing: { 4: Infinity } })).toEqual([[3, 4, 'some', 0]])
  })

  it('are readings that came without a metric that comes with each one', () => {
    const rows = seconds(0, 60)
    expect(holesOf(rows, { without: seconds(20, 59) })).toEqual([[19, 60, null, 40]])
    expect(holesOf(rows, { without: [30] })).toEqual([[29, 31, null, 1]])
    // One that comes with every other reading is missed when it stays away longer.
    const odd = seconds(1, 59, 2)
    expect(holesOf(rows, { without: odd })).toEqual([])
    expect(holesOf(rows, { without: [...odd, 30, 32] })).toEqual([[28, 34, null, 5]])
  })

  it('reach to the edges of what is known', () => {
    expect(holesOf(seconds(30, 60), { known: [0, 62] })).toEqual([[0, 30, null, 0]])
    expect(holesOf(seconds(2, 60), { known: [0, 90] })).toEqual([[60, 90, null, 0]])
    expect(holesOf(seconds(0, 60), { known: [0, 63] })).toEqual([])
    expect(holesOf([], { known: [0, 63] })).toEqual([[0, 63, null, 0]])
    expect(holesOf(seconds(0, 60), { known: [0, 61], without: seconds(0, 60) })).toEqual([
      [0, 61, null, 61],
    ])
    expect(holesOf(seconds(0, 40), { known: [0, 40], without: seconds(0, 29) })).toEqual([
      [0, 30, null, 30],
    ])
  })
})

describe('readings counted between two', () => {
  it.each([
    ['following each other', { boot: 'a', n: 4 }, { boot: 'a', n: 5 }, 0],
    ['three apart', { boot: 'a', n: 4 }, { boot: 'a', n: 8 }, 3],
    ['in the wrong order', { boot: 'a', n: 8 }, { boot: 'a', n: 4 }, 0],
    [
      'of a device that does not count',
      { boot: null, n: null },
      { boot: null, n: null },
      undefined,
    ],
    ['over a restart', { boot: 'a', n: 4 }, { boot: 'b', n: 1 }, undefined],
    ['over a restart that kept the counter', { boot: 'a', n: 4 }, { boot: 'b', n: 5 }, undefined],
    ['over a restart whose first are not here', { boot: 'a', n: 4 }, { boot: 'b', n: 7 }, Infinity],
  ] as const)('%s', (_name, before, after, expected) => {
    expect(countedBetween(before, after)).toBe(expected)
  })
})
