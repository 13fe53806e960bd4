import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { manualClock } from '../../platform/clock.ts'
import type { Stage } from './model.ts'
import { awsLimits, createThrottles } from './throttles.ts'
import { createRateWindow } from './rate-window.ts'
import { createTokenBucket } from '../../platform/token-bucket.ts'

const stage: Stage = {
  name: 'prod',
  apiId: 'api',
  deploymentId: undefined,
  variables: {},
  defaults: { throttle: undefined, detailedMetrics: false },
  routes: new Map(),
  accessLog: undefined,
}
const inARow = (take: () => boolean): number => {
  let taken = 0
  while (taken < 100_000 && take()) taken++
  return taken
}

describe('quotas of an account', () => {
  it('APIGW-96, APIGW-97: are 500 connects, 10,000 requests and a burst of 5,000 unless given', () => {
    expect(awsLimits).toEqual({
      connectsPerSecond: 500,
      requestsPerSecond: 10_000,
      requestBurst: 5000,
    })
  })

  it('APIGW-96: 500 handshakes at once pass, and the next 500 a second later', async () => {
    const clock = manualClock()
    const throttles = createThrottles(clock, awsLimits)
    expect(inARow(() => throttles.takeConnect(stage))).toBe(500)
    await clock.advance(999)
    expect(inARow(() => throttles.takeConnect(stage))).toBe(0)
    await clock.advance(1)
    expect(inARow(() => throttles.takeConnect(stage))).toBe(500)
  })

  it('APIGW-97: 5,000 messages and calls at once pass and then 10,000 a second, from one bucket', async () => {
    const clock = manualClock()
    const throttles = createThrottles(clock, awsLimits)
    let messages = 0
    const either = () =>
      messages++ % 2 === 0 ? throttles.takeMessage(stage, '$default') : throttles.takeCallback()
    expect(inARow(either)).toBe(5000)
    await clock.advance(100)
    expect(inARow(either)).toBe(1000)
    await clock.advance(60_000)
    expect(inARow(either)).toBe(5000)
  })
})

it('APIGW-96: a rate without a burst holds in every second, wherever it begins, and is given in full to who always asks', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 60 }),
      (perSecond, waits) => {
        let nowMs = 0
        const window = createRateWindow({ ...manualClock(), monotonic: () => nowMs }, perSecond)
        const takenMs: number[] = []
        for (const wait of waits) {
          nowMs += wait
          const taken = inARow(() => window.take())
          for (let i = 0; i < taken; i++) takenMs.push(nowMs)
          const lastSecond = takenMs.filter((ms) => ms > nowMs - 1_000)
          expect(lastSecond).toHaveLength(perSecond)
        }
      },
    ),
  )
})

it('APIGW-99: a bucket never gives more than its burst and what its rate has filled in', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 40 }),
      (burst, ratePerSecond, waits) => {
        let nowMs = 0
        const clock = { ...manualClock(), monotonic: () => nowMs }
        const bucket = createTokenBucket(clock, { ratePerSecond, burst })
        let taken = 0
        for (const wait of waits) {
          nowMs += wait
          taken += inARow(() => bucket.take())
        }
        expect(taken).toBeLessThanOrEqual(burst + (nowMs * ratePerSecond) / 1000 + 1e-6)
        expect(taken).toBeGreaterThanOrEqual(waits.length === 0 ? 0 : burst)
      },
    ),
  )
})
