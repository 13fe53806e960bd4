/**
 * How long a device usually lets pass between two of its messages: what its silence is measured by. Learned from arrivals, never from its
 * clock, by server and dashboard alike. Imports nothing.
 */

/** What is remembered of a device's pauses, milliseconds. Part of its head, so small: what is nothing is absent. */
export interface Rhythm {
  /** The usual pause; of a device that sends in bursts the one between them. */
  readonly pauseMs: number
  /** A much longer one that has come once, and for how long a second one would be a sign. One is an outage, two are its way. */
  readonly once?: { readonly pauseMs: number; readonly leftMs: number }
  /** Shorter pauses since the last usual one: all together, and the longest. */
  readonly burst?: { readonly lastsMs: number; readonly longestMs: number }
}

/** A pause that much longer than usual is another kind of pause; one that much shorter belongs to a burst. */
const FACTOR = 2
/** A burst is over within so many usual pauses; a longer one means that the device has become faster. */
const BURST_PAUSES = 2
/** A long pause of which there was no second one within so many times its length is forgotten. */
const ONCE_PAUSES = 8
/** How fast the usual follows. */
const SHARE = 0.25
/** 31 days, as long as a device is remembered. */
const LONGEST_MS = 31 * 24 * 3_600_000
/** Nobody is called late for less: networks are not so even. */
const LEAST_LATE_MS = 5_000
const LATE_PAUSES = 3

/** The rhythm after a message that came `pause` milliseconds after the one before. */
export function rhythmAfter(rhythm: Rhythm | undefined, pause: number): Rhythm {
  const pauseMs = atMost(pause)
  if (!rhythm) return { pauseMs }
  const usual = rhythm.pauseMs
  if (pauseMs > usual * FACTOR) return afterLonger(rhythm, pauseMs)
  const once = onceAfter(rhythm, pauseMs)
  if (pauseMs * FACTOR >= usual) {
    return { pauseMs: Math.round(usual + (pauseMs - usual) * SHARE), ...once }
  }
  const lastsMs = (rhythm.burst?.lastsMs ?? 0) + pauseMs
  const longestMs = Math.max(rhythm.burst?.longestMs ?? 0, pauseMs)
  if (lastsMs > usual * BURST_PAUSES) return { pauseMs: longestMs, ...once }
  return { pauseMs: usual, ...once, burst: { lastsMs, longestMs } }
}

/** The rhythm of a device of which one message is known: how far apart its readings were measured. */
export function firstRhythm(stepMs: number): Rhythm {
  return { pauseMs: atMost(stepMs) }
}

/** Silence from which a device is late, milliseconds. Undefined while nobody knows its rhythm: it has been heard once. */
export function lateAfterMs(rhythm: Rhythm | undefined): number | undefined {
  return rhythm && Math.max(LEAST_LATE_MS, LATE_PAUSES * rhythm.pauseMs)
}

function afterLonger({ pauseMs: usual, once }: Rhythm, pauseMs: number): Rhythm {
  const again = once && Math.min(once.pauseMs, pauseMs)
  if (again !== undefined && again > usual * FACTOR) return { pauseMs: again }
  return { pauseMs: usual, once: { pauseMs, leftMs: pauseMs * ONCE_PAUSES } }
}

function onceAfter({ once }: Rhythm, pauseMs: number): Pick<Rhythm, 'once'> {
  if (!once || once.leftMs <= pauseMs) return {}
  return { once: { pauseMs: once.pauseMs, leftMs: once.leftMs - pauseMs } }
}

function atMost(ms: number): number {
  return Math.min(LONGEST_MS, Math.max(0, Math.round(ms)))
}
