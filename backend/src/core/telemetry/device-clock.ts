/**
 * What a device's clock is worth. It places a reading on the time axis and decides nothing else. How far it is off is known from nothing but
 * arrivals: a reading from the future says so at once, one from the past may have been kept while its device was offline. Kept readings
 * catch up with the present as they arrive; those of a clock that is behind stay behind by the same time.
 */

/** What is remembered of a device's clock; nothing while it is right. Part of its head, so small. */
export interface DeviceClock {
  /** Milliseconds that it is ahead (behind: negative) of the arrival of what it sends; null: it is not set. Absent: nobody can tell yet. */
  readonly offMs?: number | null
  /** The first message that came with about this lag: when the broker took it (epoch ms), and its lag. */
  readonly suspect?: { readonly brokerMs: number; readonly lagMs: number }
}

/** A message, as far as it tells of its device's clock. */
export interface TimedMessage {
  /** Epoch ms at which the broker took it. */
  readonly brokerMs: number
  /** Epoch ms by the device's clock of its newest reading. */
  readonly sentTs: number
  /** Milliseconds between the device's readings, or its messages: what was measured may wait so long for being sent. */
  readonly stepMs: number
}

/** Clocks that are kept by NTP or a phone network are closer. A reading further ahead would stand beyond the chart. */
const AHEAD_MS = 5_000
/** A network may take so long. */
const BEHIND_MS = 30_000
/** Nothing is kept longer by a device: its clock began at its making, or in 1970 (31 days, as history is asked for). */
const KEPT_MS = 31 * 24 * 3_600_000
/** So long a lag has to stay as it is, within a second and a tenth of that time, to be a clock's. */
const STEADY_MS = 3_000
const JITTER_MS = 700
const JITTER_SHARE = 0.1

/** What is known of the clock after a message; undefined: it is right. */
export function clockAfter(
  clock: DeviceClock | undefined,
  { brokerMs, sentTs, stepMs }: TimedMessage,
): DeviceClock | undefined {
  const lagMs = brokerMs - sentTs
  const known = clock?.offMs ?? undefined
  // A clock that is off is right again only when it is clearly so: nothing hops to and fro at a bound.
  const share = known === undefined ? 1 : 0.5
  if (lagMs < -AHEAD_MS * share || lagMs > KEPT_MS) return { offMs: -lagMs }
  if (lagMs <= Math.max(BEHIND_MS * share, stepMs)) return undefined
  if (known !== undefined && Math.abs(known + lagMs) <= JITTER_MS + BEHIND_MS * JITTER_SHARE) {
    return { offMs: -lagMs }
  }
  const suspect = clock?.suspect
  const forMs = suspect ? brokerMs - suspect.brokerMs : 0
  const isSteady =
    suspect && Math.abs(lagMs - suspect.lagMs) <= JITTER_MS + forMs * JITTER_SHARE && forMs >= 0
  if (!isSteady) return { suspect: { brokerMs, lagMs } }
  return forMs < STEADY_MS ? { suspect } : { offMs: -lagMs }
}

/** Where a reading stands whose clock says `ts`: by that where it is right, else so that the newest one it was sent with is now. */
export function placeInTime(
  clock: DeviceClock | undefined,
  ts: number,
  brokerMs: number,
): { readonly ts: number; readonly isOff: boolean } {
  const offMs = clock?.offMs ?? 0
  return offMs === 0 ? { ts, isOff: false } : { ts: Math.min(brokerMs, ts - offMs), isOff: true }
}
