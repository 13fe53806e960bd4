import { describe, expect, it } from 'vitest'
import { streamItem } from '../../testing/records.ts'
import { decodeRecord } from '../telemetry/decode-record.ts'
import type { StreamReading } from '../telemetry/reading.ts'
import { admitReadings, type DeviceHead } from './device-head.ts'

const readings = (from: number, ...payloads: unknown[]): StreamReading[] =>
  payloads.flatMap((payload, i) => {
    const decoded = decodeRecord(streamItem(from + i, payload))
    return decoded.kind === 'telemetry' ? decoded.readings : []
  })
const counted = (n: number, boot = 'b') => ({ boot, n, metrics: { a: n } })
const after = (...payloads: unknown[]): DeviceHead =>
  admitReadings(undefined, readings(1, ...payloads)).head

describe('device heads', () => {
  it.each<[string, number[], number, number]>([
    ['the same counter again', [1, 2, 3], 2, 1],
    ['a counter that was left out', [1, 3], 2, 0],
    ['the oldest of the last 64', [1, 64], 1, 1],
    ['one older than the last 64, which nobody can tell', [1, 65], 1, 0],
    ['a jump of a million (PAYLOAD-33)', [1, 1_000_001], 1_000_002, 0],
  ])('takes %s for a duplicate or not', (_name, seen, n, duplicates) => {
    const head = after(...seen.map((one) => counted(one)))
    expect(admitReadings(head, readings(50, counted(n))).duplicates).toBe(duplicates)
  })

  it('keeps the value of each metric that came last, whatever the device’s clock says', () => {
    const t = streamItem(1, {}).arrivalMs
    const head = after(
      { ts: t, metrics: { a: 1 } },
      { ts: t + 7_200_000, metrics: { a: 999 } },
      { ts: t - 60_000, metrics: { a: 2, b: 3 } },
      { ts: t - 50_000, metrics: { a: null } },
    )
    expect(head).toMatchObject({ ts: t - 50_000, metrics: { a: 2, b: 3 } })
  })

  it('knows how often a device sends by arrival, and whether its clock is off', () => {
    const ahead = (i: number) => ({ ts: streamItem(i, {}).arrivalMs + 7_200_000, a: i })
    const { rhythm, clock } = after(...[1, 2, 3].map(ahead))
    expect(rhythm?.pauseMs).toBe(100)
    expect(clock?.offMs).toBeGreaterThan(7_199_000)
    expect(after(ahead(1)).rhythm).toBeUndefined()
  })

  it('places the readings of a clock that is off so that the newest of each message is now', () => {
    const { arrivalMs } = streamItem(1, {})
    const list = [2, 1, 0].map((back) => ({ ts: arrivalMs + 7_200_000 - back * 600_000, a: back }))
    const { fresh } = admitReadings(undefined, readings(1, list))
    const brokerMs = fresh[0]!.brokerMs
    expect(fresh.map(({ ts }) => brokerMs - ts)).toEqual([1_200_000, 600_000, 0])
    expect(fresh.map(({ deviceTs }) => deviceTs)).toEqual(list.map(({ ts }) => ts))
    expect(fresh.every(({ quality }) => quality === 'skew')).toBe(true)
  })

  it('a battery device of which one list is known has the rhythm of its readings', () => {
    const { arrivalMs } = streamItem(1, {})
    const list = [3, 2, 1].map((back) => ({ ts: arrivalMs + 300_000 - back * 600_000, a: back }))
    const head = after(list)
    expect(head.rhythm?.pauseMs).toBe(600_000)
    expect(head.clock).toBeUndefined()
  })

  it('PAYLOAD-38: holds at most 64 metrics, those of the last readings', () => {
    const head = after(...Array.from({ length: 100 }, (_, i) => ({ [`m${i}`]: i })))
    expect(Object.keys(head.metrics)).toHaveLength(64)
    expect(head.metrics).toHaveProperty('m99')
  })
})
