import { expect, it } from 'vitest'
import { manualClock } from './clock.ts'
import { createTokenBucket } from './token-bucket.ts'

it.each([-3_600_000, 3_600_000])(
  'refills at its rate when the wall clock is set by %s ms',
  async (stepMs) => {
    const clock = manualClock()
    const bucket = createTokenBucket(clock, { ratePerSecond: 10, burst: 5 })
    while (bucket.take());
    clock.step(stepMs)
    expect(bucket.take()).toBe(false)
    await clock.advance(200)
    expect([bucket.take(), bucket.take(), bucket.take()]).toEqual([true, true, false])
  },
)

it('takes all of an amount or nothing', () => {
  const bucket = createTokenBucket(manualClock(), { ratePerSecond: 10 })
  expect(bucket.take(11)).toBe(false)
  expect(bucket.take(10)).toBe(true)
  expect(bucket.take()).toBe(false)
})
