import { describe, expect, it } from 'vitest'
import { streamItem } from '../../testing/records.ts'
import { decodeRecord } from '../telemetry/decode-record.ts'
import type { StreamReading } from '../telemetry/reading.ts'
import { admitReadings, applyPresence, unknownHead, type DeviceHead } from './device-head.ts'

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
    ['a jump of a million (M33)', [1, 1_000_001], 1_000_002, 0],
  ])('takes %s for a duplicate or not', (_name, seen, n, duplicates) => {
    const head = after(...seen.map((one) => counted(one)))
    expect(admitReadings(head, readings(50, counted(n))).duplicates).toBe(duplicates)
  })

  it('keeps the newest value of each metric by the device’s time, late readings or not', () => {
    const t = streamItem(1, {}).arrivalMs
    const head = after(
      { ts: t, metrics: { a: 1 } },
      { ts: t - 60_000, metrics: { a: 2, b: 3 } },
      { ts: t + 1, metrics: { a: null } },
    )
    expect(head).toMatchObject({ ts: t + 1, metrics: { a: 1, b: 3 } })
  })

  it('M38: holds at most 64 metrics, those of the last readings', () => {
    const head = after(...Array.from({ length: 100 }, (_, i) => ({ [`m${i}`]: i })))
    expect(Object.keys(head.metrics)).toHaveLength(64)
    expect(head.metrics).toHaveProperty('m99')
  })

  it.each<[string, Parameters<typeof applyPresence>[1], boolean | undefined]>([
    ['a new session', { online: true, atMs: 200, version: 4 }, true],
    ['the end of this session', { online: false, atMs: 200, version: 3 }, false],
    ['the late end of an earlier session', { online: false, atMs: 200, version: 2 }, undefined],
    ['an older event', { online: false, atMs: 50, version: 3 }, undefined],
    ['the same event again', { online: true, atMs: 100, version: 3 }, true],
  ])('presence: %s', (_name, event, becomes) => {
    const known = { ...unknownHead('pump-7'), online: true, onlineAt: 100, session: 3 }
    expect(applyPresence(known, event)?.online).toBe(becomes)
  })
})
