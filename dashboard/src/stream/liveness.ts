/** Everything that the verdict on a socket depends on; all times in epoch milliseconds. */
export interface Signs {
  /** When the last ping left, or undefined when its pong has come. */
  readonly pingSentAt: number | undefined
  readonly lastReceivedAt: number
  readonly nextPingAt: number
  /** When this verdict was last asked for: a long silence here means that our own timers slept. */
  readonly lastLookAt: number
}

const SLEPT_MS = 5_000
const CHECKING_MS = 5_000
const DEAD_MS = 10_000
const DEAF_MS = 30_000

/**
 * What to do about a socket at `now`. Judged by timestamps, never by counting ticks: hidden tabs and sleeping laptops delay timers
 * (centrifuge-js #423), so a late look gives the socket one fresh ping instead of a death sentence.
 *
 * `checking`: the pong is more than 5 s late and nothing else came. `dead`: more than 10 s, or no pong for 30 s although data flows.
 */
export function judge(now: number, signs: Signs): 'fine' | 'ping' | 'checking' | 'dead' {
  if (now - signs.lastLookAt > SLEPT_MS) return 'ping'
  if (signs.pingSentAt === undefined) return now >= signs.nextPingAt ? 'ping' : 'fine'
  const waited = now - signs.pingSentAt
  const silent = now - Math.max(signs.pingSentAt, signs.lastReceivedAt)
  if (silent > DEAD_MS || waited > DEAF_MS) return 'dead'
  return silent > CHECKING_MS ? 'checking' : 'fine'
}
