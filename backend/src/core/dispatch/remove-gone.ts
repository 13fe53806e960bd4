import type { Clock } from '../clock.ts'
import type { ErrorSummary } from './error-summary.ts'

const REMOVALS_AT_ONCE = 8
/** How long after the batch's last post another removal is begun: the next batch waits. */
const REMOVING_MS = 250

interface RemovalPorts {
  /** Removes every row of a connection that is gone. */
  readonly removeConnection: (connectionId: string) => Promise<unknown>
  readonly clock: Clock
}

/** A few at a time, from the first one that comes. */
export function createRemovals(
  { clock, removeConnection }: RemovalPorts,
  errors: ErrorSummary,
  deadlineMs: number,
): { add(connectionId: string): void; done(): Promise<void> } {
  const waiting: string[] = []
  const working = new Set<Promise<void>>()
  let endMs = deadlineMs
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (clock.now() < endMs) await errors.watch('removal', removeConnection(next))
    }
  }
  return {
    add(connectionId) {
      waiting.push(connectionId)
      if (working.size >= REMOVALS_AT_ONCE) return
      const worker = work().finally(() => working.delete(worker))
      working.add(worker)
    },
    async done() {
      endMs = Math.min(deadlineMs, clock.now() + REMOVING_MS)
      await Promise.all(working)
    },
  }
}
