const BASE_MS = 500
const CAP_MS = 20_000

/**
 * Milliseconds to wait before try number `attempt` (1 = the first retry): full jitter, a random share of 0.5 s · 2ⁿ with a cap of 20 s,
 * so that a fleet of dashboards that lost its sockets together does not come back together.
 */
export function backoffMs(attempt: number, random: () => number): number {
  const ceiling = Math.min(CAP_MS, BASE_MS * 2 ** Math.max(0, attempt - 1))
  return Math.round(random() * ceiling)
}
