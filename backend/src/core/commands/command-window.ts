import { limits } from '../../protocol/index.ts'

const WINDOW_MS = 60_000

/** A user's commands of the last minute. */
export interface CommandWindow {
  /** Epoch ms of each, oldest first. */
  readonly sentAtMs: readonly number[]
  /** Refused ones since the last that was let through. */
  readonly strikes: number
}

export const emptyWindow: CommandWindow = { sentAtMs: [], strikes: 0 }

export type CommandAdmission =
  | { readonly outcome: 'counted' }
  | { readonly outcome: 'limited'; readonly retryAfterMs: number; readonly strikes: number }

/**
 * Counts one more command: no minute, wherever it begins, has more than `limits.commandsPerMinute`. Counters that start anew each minute would
 * let twice as many through in the seconds around its end.
 */
export function countCommand(
  window: CommandWindow,
  nowMs: number,
): { readonly next: CommandWindow; readonly admission: CommandAdmission } {
  const sentAtMs = window.sentAtMs.filter((at) => at > nowMs - WINDOW_MS)
  const oldest = sentAtMs[0]
  if (oldest === undefined || sentAtMs.length < limits.commandsPerMinute) {
    const next = { sentAtMs: [...sentAtMs, nowMs], strikes: 0 }
    return { next, admission: { outcome: 'counted' } }
  }
  const strikes = window.strikes + 1
  const retryAfterMs = Math.max(1, oldest + WINDOW_MS - nowMs)
  return {
    next: { sentAtMs, strikes },
    admission: { outcome: 'limited', retryAfterMs, strikes },
  }
}
