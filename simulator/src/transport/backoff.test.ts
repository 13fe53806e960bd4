import { expect, it } from 'vitest'
import { randomFor } from '../random.ts'
import { backoff } from './backoff.ts'

it('a fleet that falls at once does not come back at one instant', () => {
  const first = Array.from({ length: 1_000 }, (_, index) =>
    backoff(randomFor(42, `d-${index}/backoff`)).next(),
  )
  expect(Math.min(...first)).toBeGreaterThanOrEqual(1_000)
  expect(Math.max(...first)).toBeLessThanOrEqual(2_000)
  // Even: no tenth of the second has much more than a tenth of them.
  const tenths = Array.from({ length: 10 }, () => 0)
  for (const ms of first) tenths[Math.min(9, Math.floor((ms - 1_000) / 100))]!++
  expect(Math.max(...tenths)).toBeLessThan(150)
})

it('waits longer from attempt to attempt, up to a limit', () => {
  const wait = backoff({ next: () => 1, normal: () => 0 })
  expect([1, 2, 3, 4, 5, 6].map(() => wait.next())).toEqual([
    2_000, 4_000, 8_000, 16_000, 30_000, 30_000,
  ])
  wait.reset()
  expect(wait.next()).toBe(2_000)
})
