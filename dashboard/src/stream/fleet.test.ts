import { encodePosition, type Block, type Refusals } from '@gaugeline/backend/protocol'
import { describe, expect, it } from 'vitest'
import { deviceStatus, Fleet, type FleetDevice } from './fleet.ts'

const T0 = 1_700_000_000_000
const S = 1_000
const MIN = 60 * S
const H = 60 * MIN
const topic = 'plant-1/pump-1'
/** The position of what arrived `at` milliseconds after T0. */
const at = (ms: number, sequence = ms): string => encodePosition(T0 + ms, String(sequence))
const newest = (ms: number, value: number, change: Partial<Block> = {}): Block => ({
  topic,
  sid: 1,
  prev: null,
  position: at(ms),
  ts: [T0 + ms],
  metrics: { t: [value] },
  thinned: true,
  everyMs: S,
  ...change,
})
const refusal = (ms: number): Refusals => ({
  type: 'refused',
  topic,
  position: at(ms),
  reason: 'VALUE_NOT_NUMBER',
  count: 1,
  since: T0 + ms,
  last: T0 + ms,
  example: '{"t":"x"}',
})
function make(...blocks: Block[]): { fleet: Fleet; device: FleetDevice } {
  const fleet = new Fleet()
  for (const block of blocks) fleet.block(block)
  return { fleet, device: fleet.know(topic) }
}

describe('the newest values of the fleet', () => {
  it('follow the order of arrival, whatever the device’s clock says', () => {
    const ahead = newest(2 * S, 999, { ts: [T0 + 2 * H] })
    const { device } = make(newest(S, 1), ahead, newest(3 * S, 38, { ts: [T0 - H] }))
    expect(device.values.get('t')).toBe(38)
    expect(device.sparks.get('t')).toEqual([1, 999, 38])
  })

  it('are those of two readings of one instant with different metrics', () => {
    const other = newest(2_500, 55, { ts: [T0 + S], metrics: { humidity: [55] } })
    const { device } = make(newest(S, 21), other)
    expect(Object.fromEntries(device.values)).toEqual({ t: 21, humidity: 55 })
  })

  it('are not changed by what arrived before, nor by what comes twice', () => {
    const { fleet, device } = make(newest(S, 1), newest(2 * S, 2))
    fleet.block(newest(2 * S, 2))
    fleet.block(newest(S, 1))
    fleet.state({ topic, position: at(S), ts: T0, metrics: { t: 0 } })
    expect([device.values.get('t'), device.sparks.get('t')]).toEqual([2, [1, 2]])
  })

  it('say how far off the clock is, and no longer when it is right', () => {
    const off = { ts: [T0 + S], deviceTs: [T0 + S - 2 * H], quality: ['skew' as const] }
    const { fleet, device } = make(newest(S, 1, off))
    expect(device.clockOffMs).toBe(-2 * H)
    fleet.block(newest(2 * S, 1, { quality: ['clock-unset'] }))
    expect(device.clockOffMs).toBeNull()
    fleet.block(newest(3 * S, 1))
    expect(device.clockOffMs).toBeUndefined()
  })
})

describe('the status of a device', () => {
  const left = (ms: number, reason: string) =>
    ({ type: 'presence', topic, online: false, at: T0 + ms, reason }) as const

  it.each<[string, number, number, string]>([
    ['sends each second, 4 s ago', S, 4 * S, 'live'],
    ['sends each second, 6 s ago', S, 6 * S, 'stale'],
    ['sends each 10 min, 25 min ago', 10 * MIN, 25 * MIN, 'live'],
    ['sends hourly, 2 h ago', H, 2 * H, 'live'],
    ['sends hourly, 4 h ago', H, 4 * H, 'stale'],
  ])('of one that %s is its own rhythm’s', (_name, everyMs, agoMs, status) => {
    const { device } = make(newest(0, 1, { everyMs, ts: [T0 - 5 * H] }))
    expect(deviceStatus(device, T0 + agoMs)).toBe(status)
  })

  it('of one that has been heard once is seen, also when it left', () => {
    const { everyMs: _, ...once } = newest(0, 1)
    const { fleet, device } = make(once)
    fleet.presence(left(100, 'CLIENT_INITIATED_DISCONNECT'))
    expect(deviceStatus(device, T0 + 2 * S)).toBe('seen')
    expect(deviceStatus(device, T0 + H)).toBe('seen')
  })

  it('of one that left is offline at once, however far its clock is ahead', () => {
    const { fleet, device } = make(newest(0, 1, { ts: [T0 + H] }))
    fleet.presence(left(-5, 'CLIENT_INITIATED_DISCONNECT'))
    expect(deviceStatus(device, T0 + S)).toBe('offline')
  })

  it('of one that sleeps between its readings is live until it is late, then offline', () => {
    const { fleet, device } = make(newest(0, 1, { everyMs: 10 * MIN }))
    fleet.presence(left(S, 'CLIENT_INITIATED_DISCONNECT'))
    expect(deviceStatus(device, T0 + 20 * MIN)).toBe('live')
    expect(deviceStatus(device, T0 + 31 * MIN)).toBe('offline')
    fleet.presence(left(2 * S, 'CONNECTION_LOST'))
    expect(deviceStatus(device, T0 + 20 * MIN)).toBe('offline')
  })

  it('of one whose payloads are refused is refused, until something good comes', () => {
    const { fleet, device } = make()
    expect(deviceStatus(device, T0)).toBe('never')
    fleet.refused(refusal(S))
    expect(deviceStatus(device, T0 + S)).toBe('refused')
    fleet.block(newest(2 * S, 1))
    expect(deviceStatus(device, T0 + 2 * S)).toBe('live')
    fleet.refused(refusal(3 * S))
    fleet.refused(refusal(S))
    expect(deviceStatus(device, T0 + 4 * S)).toBe('refused')
  })
})
