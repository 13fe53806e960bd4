import type { PostOutcome } from './ports.ts'

/**
 * The state of one connection's circuit. `closed`: posted to beside everybody else. `open`: it could not follow; nothing is posted until the
 * next trial. `half-open`: the trial is due (epoch ms since which), and it is posted to without the batch waiting for it.
 */
export type CircuitState =
  | { readonly kind: 'closed' }
  | { readonly kind: 'half-open'; readonly dueMs: number }
  | { readonly kind: 'open'; readonly reason: TripReason }

/** Why a circuit opened: 429, or no answer in time. */
export type TripReason = 'throttled' | 'slow'

/**
 * A circuit breaker for each connection, so that a batch does not wait for those that could not follow: after a refused or unanswered post
 * the next one is tried after 1 s, then 2 s, 4 s … 30 s. Kept in the execution environment and lost with it: then one post finds out again.
 */
export interface CircuitBreakers {
  stateOf(connectionId: string, nowMs: number): CircuitState
  /** Takes in the outcome of a connection's last post. Returns the time of the next trial (epoch ms) when the circuit opened. */
  record(connectionId: string, outcome: PostOutcome, nowMs: number): number | undefined
}

const FIRST_DELAY_MS = 1_000
const MAX_DELAY_MS = 30_000
/** So long every post has to succeed until a circuit closes. */
export const CLOSES_AFTER_MS = 10_000
const MAX_CIRCUITS = 5_000

interface Circuit {
  readonly reason: TripReason
  readonly failures: number
  /** Epoch ms. */
  readonly dueMs: number
  readonly okSinceMs?: number
}

export function createCircuitBreakers(): CircuitBreakers {
  const circuits = new Map<string, Circuit>()
  const trip = (connectionId: string, reason: TripReason, nowMs: number): number => {
    const failures = (circuits.get(connectionId)?.failures ?? 0) + 1
    const dueMs = nowMs + Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (failures - 1))
    circuits.delete(connectionId)
    circuits.set(connectionId, { reason, failures, dueMs })
    const [oldest] = circuits.keys()
    if (circuits.size > MAX_CIRCUITS && oldest !== undefined) circuits.delete(oldest)
    return dueMs
  }
  return {
    stateOf(connectionId, nowMs) {
      const circuit = circuits.get(connectionId)
      if (!circuit) return { kind: 'closed' }
      if (circuit.dueMs > nowMs) return { kind: 'open', reason: circuit.reason }
      return { kind: 'half-open', dueMs: circuit.dueMs }
    },
    record(connectionId, outcome, nowMs) {
      if (outcome === 'throttled' || outcome === 'slow') return trip(connectionId, outcome, nowMs)
      const circuit = circuits.get(connectionId)
      if (outcome === 'gone') circuits.delete(connectionId)
      else if (circuit && outcome === 'ok') {
        const okSinceMs = circuit.okSinceMs ?? nowMs
        if (nowMs - okSinceMs >= CLOSES_AFTER_MS) circuits.delete(connectionId)
        else circuits.set(connectionId, { ...circuit, okSinceMs })
      }
      return undefined
    },
  }
}
