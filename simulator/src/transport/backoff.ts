import type { Random } from '../random.ts'

/**
 * Full jitter above a floor: a random wait between base and base·2ⁿ. IoT Core takes one CONNECT a second per client id (IOT-6); to cut shorter waits to
 * that second would make half of a fleet come back at one instant, a herd of the tool's own.
 */
export function backoff(
  random: Random,
  { baseMs = 1_000, maxMs = 30_000 } = {},
): {
  next(): number
  reset(): void
} {
  let attempt = 0
  return {
    next: () => baseMs + random.next() * (Math.min(maxMs, baseMs * 2 ** ++attempt) - baseMs),
    reset: () => {
      attempt = 0
    },
  }
}
