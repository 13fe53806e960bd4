import { describe, expect, it } from 'vitest'
import { clockAfter, placeInTime, type DeviceClock } from './device-clock.ts'

const T0 = Date.UTC(2026, 0, 1)
const S = 1_000
const H = 3_600 * S

/** The clock after messages, and where the newest reading of each stands, in milliseconds before its arrival. */
function follow(messages: readonly { at: number; lag: number; step?: number }[]) {
  let clock: DeviceClock | undefined
  const lags = messages.map(({ at, lag, step = 0 }) => {
    const brokerMs = T0 + at
    const sentTs = brokerMs - lag
    clock = clockAfter(clock, { brokerMs, sentTs, stepMs: step })
    return brokerMs - placeInTime(clock, sentTs, brokerMs).ts
  })
  return { clock, lags }
}
/** `count` messages, `every` ms apart, with a lag that may change. */
const steady = (count: number, every: number, lag: (i: number) => number, from = 0) =>
  Array.from({ length: count }, (_, i) => ({ at: from + i * every, lag: lag(i) }))

describe('a device’s clock', () => {
  it.each<[string, number, number | undefined]>([
    ['on time', 20, undefined],
    ['4 s ahead, as clocks are', -4 * S, undefined],
    ['10 min ahead', -10 * 60 * S, 10 * 60 * S],
    ['20 s late, as networks are', 20 * S, undefined],
    ['90 s behind', 90 * S, -90 * S],
    ['2 h behind', 2 * H, -2 * H],
    ['at 1 January 2000', 26 * 365 * 24 * H, -26 * 365 * 24 * H],
  ])('%s is told', (_name, lag, offMs) => {
    const { clock, lags } = follow(steady(20, 500, () => lag))
    expect(clock?.offMs).toBe(offMs)
    expect(lags.at(-1)).toBe(offMs === undefined ? lag : 0)
  })

  it('one reading from the future stands where it arrived, and those after it where they were', () => {
    const lags = [30, 40, -2 * H, 35, 30]
    const followed = follow(lags.map((lag, i) => ({ at: i * S, lag })))
    expect(followed.lags).toEqual([30, 40, 0, 35, 30])
    expect(followed.clock).toBeUndefined()
  })

  it.each([
    ['ten times as fast', 100, (i: number) => 2 * H - i * 900],
    ['half again as fast', 667, (i: number) => 2 * H - i * 333],
    ['in lists of 500', S, (i: number) => 40 * H - i * 499 * S],
  ])(
    'what was kept while offline, sent %s as it was measured, stands at its own time',
    (_name, every, lag) => {
      const { clock, lags } = follow(steady(200, every, lag))
      expect(clock?.offMs).toBeUndefined()
      expect(lags[150]).toBe(lag(150))
    },
  )

  it('a lag with a network’s jitter is a clock’s after 3 s', () => {
    const { clock, lags } = follow(steady(40, 500, (i) => 2 * H + ((i * 7_919) % 500)))
    expect(clock?.offMs).toBeLessThan(-2 * H + S)
    expect(lags.filter((lag) => lag > 0).length).toBeLessThan(9)
  })

  it('set by NTP it is right at once, and a device that was behind needs no time for that', () => {
    const { clock, lags } = follow([...steady(20, 500, () => 2 * H), { at: 10 * S, lag: 40 }])
    expect(clock).toBeUndefined()
    expect(lags.at(-1)).toBe(40)
  })

  it('an hour more, as at the change of summer time, is followed', () => {
    const { clock } = follow([
      ...steady(20, 500, () => 2 * H),
      ...steady(20, 500, () => 3 * H, 10 * S),
    ])
    expect(clock?.offMs).toBe(-3 * H)
  })

  it('a battery device sends what it measured before: no longer ago than it sleeps', () => {
    const asleep = Array.from({ length: 6 }, (_, i) => ({
      at: i * 600 * S,
      lag: 300 * S,
      step: 600 * S,
    }))
    expect(follow(asleep).clock).toBeUndefined()
  })

  it('nothing hops to and fro where a clock is off by about the bound', () => {
    const { lags } = follow(steady(50, S, (i) => -5_000 - (i % 2 === 0 ? 300 : -300)))
    expect(new Set(lags.slice(2))).toEqual(new Set([0]))
  })
})
