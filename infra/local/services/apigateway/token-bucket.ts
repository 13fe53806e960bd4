import type { Clock } from '../../platform/types.ts'

/** W99: rate = refill per second, burst = size. */
export interface TokenBucket {
  /** Takes one token; false when there is none. */
  take(): boolean
}

export function createTokenBucket(
  clock: Clock,
  limits: { readonly ratePerSecond: number; readonly burst: number },
): TokenBucket {
  let tokens = limits.burst
  let filledMs = clock.now()
  return {
    take() {
      const nowMs = clock.now()
      tokens = Math.min(limits.burst, tokens + ((nowMs - filledMs) * limits.ratePerSecond) / 1000)
      filledMs = nowMs
      if (tokens < 1) return false
      tokens -= 1
      return true
    },
  }
}
