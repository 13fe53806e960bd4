import type { Clock } from './types.ts'

export interface TokenBucket {
  /** Takes `amount` tokens (1 when absent); false when there are fewer, and then none is taken. */
  take(amount?: number): boolean
}

/**
 * A bucket that starts full: `burst` tokens (as many as the rate gives in a second when absent), refilled continuously. On the monotonic
 * clock, so that a wall clock that is set back does not empty it.
 */
export function createTokenBucket(
  clock: Pick<Clock, 'monotonic'>,
  limits: { readonly ratePerSecond: number; readonly burst?: number },
): TokenBucket {
  const { ratePerSecond, burst = ratePerSecond } = limits
  let tokens = burst
  let filledMs = clock.monotonic()
  return {
    take(amount = 1) {
      const nowMs = clock.monotonic()
      tokens = Math.min(burst, tokens + ((nowMs - filledMs) * ratePerSecond) / 1000)
      filledMs = nowMs
      if (tokens < amount) return false
      tokens -= amount
      return true
    },
  }
}
