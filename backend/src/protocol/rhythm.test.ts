import { describe, expect, it } from 'vitest'
import { firstRhythm, lateAfterMs, rhythmAfter, type Rhythm } from './rhythm.ts'

const S = 1_000
const MIN = 60 * S
const H = 60 * MIN
const after = (...pauses: number[]): Rhythm | undefined =>
  pauses.reduce<Rhythm | undefined>(rhythmAfter, undefined)
const times = (count: number, ...pauses: number[]): number[] =>
  Array.from({ length: count }, () => pauses).flat()

describe('the rhythm of a device', () => {
  it.each<[string, number[], number]>([
    ['one that sends each second', times(20, S), S],
    ['a battery device', times(3, 10 * MIN), 10 * MIN],
    ['one that sends hourly', times(2, H), H],
    ['one that sends daily', times(2, 24 * H), 24 * H],
    ['bursts of fifty, ten minutes apart', times(4, ...times(49, 200), 10 * MIN), 10 * MIN],
    ['one outage of two hours', [...times(20, S), 2 * H, ...times(20, S)], S],
    [
      'two outages far from each other',
      [...times(2_000, S, S, S), 5 * MIN, ...times(3_000, S), 5 * MIN, S],
      S,
    ],
    ['one that was slow and became fast', [...times(4, MIN), ...times(130, S)], S],
    ['one that was fast and became slow', [...times(100, S), ...times(3, MIN)], MIN],
  ])('of %s is what is usual', (_name, pauses, expected) => {
    expect(after(...pauses)?.pauseMs).toBe(expected)
  })

  it('follows pauses that are uneven', () => {
    const pauses = Array.from({ length: 200 }, (_, i) => 1_000 + ((i * 7_919) % 600) - 300)
    expect(after(...pauses)?.pauseMs).toBeGreaterThan(700)
    expect(after(...pauses)?.pauseMs).toBeLessThan(1_300)
  })

  it('stays small, whatever comes', () => {
    const pauses = Array.from({ length: 500 }, (_, i) => (i * 2_654_435_761) % (24 * H))
    expect(JSON.stringify(after(...pauses)).length).toBeLessThan(150)
  })

  it('says from when on a silence is one: three pauses, and not before 5 s', () => {
    expect(lateAfterMs(after(100, 100))).toBe(5_000)
    expect(lateAfterMs(firstRhythm(10 * MIN))).toBe(30 * MIN)
    expect(lateAfterMs(undefined)).toBeUndefined()
  })
})
