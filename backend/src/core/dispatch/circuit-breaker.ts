import type { PostOutcome } from '../delivery/ports.ts'

/**
 * How a connection is treated. `trusted`: posted to beside everybody else. `probation`: it could not follow a while ago and is tried
 * again, with little patience. `held`: its next trial is still to come, and nothing is posted.
 */
export type Standing =
  | { readonly kind: 'trusted' }
  | { readonly kind: 'probation'; readonly dueMs: number }
  | { readonly kind: 'held'; readonly reason: Refusal }

/** Why a connection was put aside. */
export type Refusal = 'throttled' | 'slow'

/**
 * Which connections could not follow, so that the batch does not wait for them: a refused or unanswered post is tried again after 1 s, then
 * 2 s, 4 s … 30 s. Kept in the execution environment and lost with it: then a connection is found out again by one post.
 */
export interface Quarantine {
  standing(connectionId: string, nowMs: number): Standing
  /** Notes the outcome of a connection's last post. Returns the time of the next trial (epoch ms) after a refusal. */
  note(connectionId: string, outcome: PostOutcome, nowMs: number): number | undefined
}

const FIRST_MS = 1_000
const LAST_MS = 30_000
/** So long everything has to arrive until a connection is trusted again. */
export const QUIET_MS = 10_000
const CONNECTIONS = 5_000

interface Entry {
  readonly reason: Refusal
  readonly refusals: number
  /** Epoch ms. */
  readonly dueMs: number
  readonly okSinceMs?: number
}

export function createQuarantine(): Quarantine {
  const entries = new Map<string, Entry>()
  const refuse = (connectionId: string, reason: Refusal, nowMs: number): number => {
    const refusals = (entries.get(connectionId)?.refusals ?? 0) + 1
    const dueMs = nowMs + Math.min(LAST_MS, FIRST_MS * 2 ** (refusals - 1))
    entries.delete(connectionId)
    entries.set(connectionId, { reason, refusals, dueMs })
    const [oldest] = entries.keys()
    if (entries.size > CONNECTIONS && oldest !== undefined) entries.delete(oldest)
    return dueMs
  }
  return {
    standing(connectionId, nowMs) {
      const entry = entries.get(connectionId)
      if (!entry) return { kind: 'trusted' }
      if (entry.dueMs > nowMs) return { kind: 'held', reason: entry.reason }
      return { kind: 'probation', dueMs: entry.dueMs }
    },
    note(connectionId, outcome, nowMs) {
      if (outcome === 'throttled' || outcome === 'slow') {
        return refuse(connectionId, outcome, nowMs)
      }
      const entry = entries.get(connectionId)
      if (outcome === 'gone') entries.delete(connectionId)
      else if (entry && outcome === 'ok') {
        const okSinceMs = entry.okSinceMs ?? nowMs
        if (nowMs - okSinceMs >= QUIET_MS) entries.delete(connectionId)
        else entries.set(connectionId, { ...entry, okSinceMs })
      }
      return undefined
    },
  }
}
