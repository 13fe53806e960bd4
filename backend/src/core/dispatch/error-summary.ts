import type { Log } from '../telemetry-sink.ts'

/** What could not be cleaned up after the posts of a batch: counted, and said in one line. */
export interface ErrorSummary {
  /** Waits for the work; a failure is counted, not thrown. */
  watch(work: 'removal' | 'slow-down', promise: Promise<unknown>): Promise<void>
  /** One line for all failures, none when there was none. */
  log(): void
}

export function createErrorSummary(log: Log): ErrorSummary {
  const counts = { removal: 0, 'slow-down': 0 }
  let first: { readonly error: unknown } | undefined
  return {
    async watch(work, promise) {
      try {
        await promise
      } catch (error) {
        counts[work]++
        first ??= { error }
      }
    },
    log() {
      if (!first) return
      const facts = { removals: counts.removal, slowDowns: counts['slow-down'] }
      log.warn('connections could not be tidied up after the posts', facts, first.error)
    },
  }
}
