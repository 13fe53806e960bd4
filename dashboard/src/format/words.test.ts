import { describe, expect, it } from 'vitest'
import { keyBindings } from '../keyboard.ts'
import { block } from '../stream/test-blocks.ts'
import { deviceStatus, Fleet } from '../stream/fleet.ts'
import type { Connection } from '../stream/stream-client.ts'
import { connectionWords } from './connection-words.ts'
import { metricLook } from './metric-look.ts'
import { formatAge, formatInterval, formatSpan } from './times.ts'

const now = Date.UTC(2026, 10, 23, 10, 42, 0)
const base: Connection = { phase: 'live', since: now, attempt: 0, clockOffsetMs: 0 }
const words = (
  change: Partial<Connection>,
  context: Partial<Parameters<typeof connectionWords>[1]> = {},
): string =>
  connectionWords(
    { ...base, ...change },
    { now, zone: 'utc', recovery: undefined, slow: false, ...context },
  ).text

describe('words about the connection', () => {
  it('says which try, when the next comes and up to when the data goes', () => {
    const text = words({
      phase: 'reconnecting',
      attempt: 3,
      lostAt: now - 5_000,
      nextTryAt: now + 2_000,
      lastReceivedAt: now - 2_000,
    })
    expect(text).toBe('Reconnecting, try 3, next in 2 s · showing data up to 10:41:58')
  })

  it('does not call a link live on which nothing has come for long', () => {
    expect(words({}, { silentMs: 632_000 })).toBe('Connected, but nothing received for 10 min 32 s')
  })

  it('says how often a device sends without the jitter of the measuring', () => {
    expect([994, 1_004, 249, 2_480, 60_000].map((ms) => formatInterval(ms))).toEqual([
      '1 s',
      '1 s',
      '250 ms',
      '2.5 s',
      '1 min',
    ])
  })

  it('says nothing about a break of less than a second', () => {
    expect(words({ phase: 'reconnecting', attempt: 1, lostAt: now - 900 })).toBe('Live')
  })

  it('says what was repaired, and how fast', () => {
    const recovery = { at: now, tookMs: 400, readings: 38, lostMs: 0, reason: undefined }
    expect(words({}, { recovery })).toBe('Back. 38 readings repaired in 400 ms, none lost')
  })

  it('says what could not be recovered, and why', () => {
    const recovery = { at: now, tookMs: 400, readings: 3, lostMs: 130_000, reason: 'retention' }
    expect(words({}, { recovery })).toBe(
      'Back. 2 min 10 s could not be recovered (older than retention), marked on the charts',
    )
  })

  it('warns before the session ends and when only newest values come', () => {
    expect(words({ tokenExpiresAt: now + 200_000 })).toBe('Session ends in 4 min')
    expect(words({}, { slow: true })).toBe('Your link is slow: showing newest values only')
  })
})

describe('state of a device', () => {
  const fleet = (): Fleet => {
    const made = new Fleet()
    const second = (n: number) => block(n, n, { topic: 'a/b' })
    for (const n of [1, 2, 3]) made.block(second(n))
    return made
  }
  const readAt = 1_700_000_003_000

  it('is stale after three intervals and five seconds, live before', () => {
    const device = fleet().get('a/b')!
    expect(deviceStatus(device, readAt + 4_900)).toBe('live')
    expect(deviceStatus(device, readAt + 5_100)).toBe('stale')
  })

  it('waits longer for a device that sends rarely', () => {
    const slow = new Fleet()
    for (const n of [0, 60, 120]) slow.block(block(n, n, { topic: 'a/b' }))
    expect(deviceStatus(slow.get('a/b')!, 1_700_000_120_000 + 170_000)).toBe('live')
    expect(deviceStatus(slow.get('a/b')!, 1_700_000_120_000 + 181_000)).toBe('stale')
  })

  it('is offline when the broker said so after the newest reading, live again with the next', () => {
    const made = fleet()
    made.presence({ type: 'presence', topic: 'a/b', online: false, at: readAt + 100 })
    expect(deviceStatus(made.get('a/b')!, readAt + 200)).toBe('offline')
    made.block(block(4, 4, { topic: 'a/b' }))
    expect(deviceStatus(made.get('a/b')!, readAt + 1_200)).toBe('live')
  })

  it('takes no older presence and no older reading for news', () => {
    const made = fleet()
    made.presence({ type: 'presence', topic: 'a/b', online: true, at: 9 })
    made.presence({ type: 'presence', topic: 'a/b', online: false, at: 5 })
    made.block(block(2, 2, { topic: 'a/b', metrics: { temperature: [99] } }))
    expect(made.get('a/b')).toMatchObject({ online: true, ts: readAt })
    expect(made.get('a/b')!.values.get('temperature')).toBe(3)
  })

  it('is never seen until a reading comes', () => {
    const made = new Fleet()
    expect(deviceStatus(made.know('a/b'), now)).toBe('never')
  })
})

describe('numbers and times', () => {
  it.each([
    [400, 'now', '400 ms'],
    [4_200, '4 s', '4.2 s'],
    [130_000, '2 min', '2 min 10 s'],
    [7_200_000, '2 h', '2 h 0 min'],
  ])('%s ms is the age %s and the span %s', (ms, age, span) => {
    expect([formatAge(ms), formatSpan(ms)]).toEqual([age, span])
  })

  it('shows an unknown metric by its name', () => {
    expect(metricLook([], 'a/b', 'torque')).toEqual({ label: 'torque', unit: '' })
  })
})

describe('keys', () => {
  it('are bound once each', () => {
    const keys = keyBindings.map((binding) => binding.keys.join(' '))
    expect(new Set(keys).size).toBe(keys.length)
  })
})
