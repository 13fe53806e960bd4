import type { Clock } from '../../platform/types.ts'

const SECOND_MS = 1_000

/** A quota of so many a second that names no burst (APIGW-96): never more than that in any one second, wherever it begins. */
export interface RateWindow {
  /** Takes one; false when the second that ends now is full. What is refused does not count. */
  take(): boolean
}

/** `perSecond`: a whole number, at least 1. */
export function createRateWindow(clock: Clock, perSecond: number): RateWindow {
  /** When the last `perSecond` were taken, a ring: the oldest at `next`. */
  const takenMs = new Float64Array(perSecond).fill(Number.NEGATIVE_INFINITY)
  let next = 0
  return {
    take() {
      const nowMs = clock.monotonic()
      const oldestMs = takenMs[next] ?? Number.NEGATIVE_INFINITY
      if (nowMs - oldestMs < SECOND_MS) return false
      takenMs[next] = nowMs
      next = (next + 1) % perSecond
      return true
    },
  }
}
