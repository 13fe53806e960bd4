import type { Random } from '../random.ts'

/** Full jitter: a random wait up to base·2ⁿ, never below one second (IoT Core takes one CONNECT a second per client id, I6). */
export function backoff(
  random: Random,
  { baseMs = 1_000, maxMs = 30_000 } = {},
): {
  next(): number
  reset(): void
} {
  let attempt = 0
  return {
    next: () => Math.max(1_000, random.next() * Math.min(maxMs, baseMs * 2 ** ++attempt)),
    reset: () => {
      attempt = 0
    },
  }
}
