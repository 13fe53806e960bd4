import { describe, expect, it } from 'vitest'
import { backoffMs } from './backoff.ts'
import { judge } from './liveness.ts'

const base = { pingSentAt: undefined, lastReceivedAt: 0, nextPingAt: 25_000, lastLookAt: 0 }

describe('liveness', () => {
  it.each([
    ['an idle socket before its ping is due is fine', 20_000, {}, 'fine'],
    ['a due ping is sent', 25_000, {}, 'ping'],
    ['a pong 4 s late is fine', 29_000, { pingSentAt: 25_000 }, 'fine'],
    ['a pong 6 s late is checked', 31_000, { pingSentAt: 25_000 }, 'checking'],
    ['a pong 11 s late with nothing else is dead', 36_001, { pingSentAt: 25_000 }, 'dead'],
    [
      'data that flows excuses a late pong',
      36_001,
      { pingSentAt: 25_000, lastReceivedAt: 36_000 },
      'fine',
    ],
    [
      'data does not excuse a pong that never comes',
      55_001,
      { pingSentAt: 25_000, lastReceivedAt: 55_000 },
      'dead',
    ],
  ] as const)('%s', (_name, now, change, verdict) => {
    expect(judge(now, { ...base, lastLookAt: now - 1_000, ...change })).toBe(verdict)
  })

  it('gives a socket a fresh ping after our own timers slept, instead of calling it dead', () => {
    expect(judge(3_600_000, { ...base, pingSentAt: 25_000, lastLookAt: 26_000 })).toBe('ping')
  })
})

describe('backoff', () => {
  it('doubles its ceiling from 0.5 s to 20 s and takes a random share of it', () => {
    const ceilings = [1, 2, 3, 4, 5, 6, 7, 50].map((attempt) => backoffMs(attempt, () => 1))
    expect(ceilings).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000])
    expect(backoffMs(3, () => 0)).toBe(0)
    expect(backoffMs(3, () => 0.25)).toBe(500)
  })
})
