import { metrics as names } from '../../contract.ts'
import type { Clock } from '../clock.ts'
import type { Audiences } from '../fanout/ports.ts'
import type { Log, MetricSink } from '../telemetry-sink.ts'
import { CLOSES_AFTER_MS, type CircuitBreakers } from './circuit-breaker.ts'
import { createResultCounts } from './count-results.ts'
import { createErrorSummary } from './error-summary.ts'
import type { Notices } from './notices.ts'
import { createRemovals } from './remove-gone.ts'
import type { DispatchResult } from './send-messages.ts'
import { createSlowDown } from './slow-down.ts'

/** A socket younger than this may be `gone` only because its handshake is not over (MGMT-12, PROMISE-10). */
const GRACE_MS = 10_000

/** Folds the results of a batch's posts: counts them, and does what follows from each, beside the other posts as far as possible. */
export interface PostResults {
  add(result: DispatchResult): void
  /** Ends when everything that was begun is done. Never throws: readings that were sent must not be sent again. */
  finish(): Promise<void>
}

export interface PostResultPorts {
  readonly audiences: Pick<Audiences, 'slowDown'>
  /** Removes every row of a connection that is gone. */
  readonly removeConnection: (connectionId: string) => Promise<unknown>
  readonly clock: Clock
  readonly metrics: MetricSink
  readonly log: Log
}

/**
 * Connections that are gone lose their rows, a few at a time and none after `deadlineMs` (epoch ms): what is left is found again by the next
 * 410 or by the sweeper. Those that could not follow get less, in as few writes as possible. A refused role is an error in the log.
 */
export function createPostResults(
  { notices, breakers }: { readonly notices: Notices; readonly breakers: CircuitBreakers },
  ports: PostResultPorts,
  deadlineMs: number,
): PostResults {
  const { clock, metrics } = ports
  const counts = createResultCounts()
  const errors = createErrorSummary(ports.log)
  const slowDown = createSlowDown(ports.audiences, errors)
  const removals = createRemovals(ports, errors, deadlineMs)
  let forbidden: string | undefined
  return {
    add(result) {
      const { connectionId, connectedAt, outcome } = result
      const nowMs = clock.now()
      counts.add(result)
      const gaps = notices.confirm(result)
      if (gaps > 0) metrics.count(names.gapNotices, gaps)
      if (outcome === 'circuit-open' || outcome === 'shed' || outcome === 'withheld') return
      const trialMs = breakers.record(connectionId, outcome, nowMs)
      if (trialMs !== undefined) slowDown.add(connectionId, trialMs + CLOSES_AFTER_MS)
      // Whose age nobody knows may be about to come.
      const isOld = connectedAt !== undefined && nowMs - connectedAt >= GRACE_MS
      if (outcome === 'gone' && isOld) removals.add(connectionId)
      if (outcome === 'forbidden') forbidden ??= connectionId
    },
    async finish() {
      await Promise.all([removals.done(), slowDown.done()])
      counts.emit(metrics)
      errors.log()
      if (forbidden === undefined) return
      // Our role or the endpoint's stage is wrong: nobody gets anything, and no row is to blame (FAULT-35).
      ports.log.error('posts to connections are forbidden: check the role and the endpoint', {
        connectionId: forbidden,
      })
    },
  }
}
