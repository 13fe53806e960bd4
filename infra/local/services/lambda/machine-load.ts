import { availableParallelism } from 'node:os'
import { performance, type EventLoopUtilization } from 'node:perf_hooks'

/** A thread of this process, as far as its use of a processor goes. */
export interface BusyThread {
  /** Since the thread began; time in which it was ready to run and had no processor counts as active. */
  utilization(): EventLoopUtilization
}

/** How much of the machine's processors this process asks for. */
export interface MachineLoad {
  /** Counts a thread from now on; the answer ends that. */
  watch(thread: BusyThread): () => void
  /** Whether one thread more would find a whole processor free, by the last {@link WINDOW_MS} or more. */
  hasRoom(): boolean
}

/** Long enough that neither one event nor one pause is taken for the state of the machine, short enough to follow a burst. */
const WINDOW_MS = 250

interface Sample {
  readonly atMs: number
  readonly utilizations: ReadonlyMap<BusyThread, EventLoopUtilization>
}

const mainThread: BusyThread = { utilization: () => performance.eventLoopUtilization() }

/**
 * Counts the threads that want to run, not the processor time they get: on a machine that is shared, the second says that there is
 * room exactly when there is none.
 */
export function createMachineLoad(
  options: { readonly cores?: number; readonly nowMs?: () => number } = {},
): MachineLoad {
  const { cores = availableParallelism(), nowMs = () => performance.now() } = options
  const threads = new Set<BusyThread>([mainThread])
  let last = take()
  let verdict = true

  function take(): Sample {
    const utilizations = new Map([...threads].map((thread) => [thread, thread.utilization()]))
    return { atMs: nowMs(), utilizations }
  }

  return {
    watch(thread) {
      threads.add(thread)
      return () => threads.delete(thread)
    },
    hasRoom() {
      if (nowMs() - last.atMs < WINDOW_MS) return verdict
      const sample = take()
      let busyMs = 0
      for (const [thread, { active }] of sample.utilizations) {
        busyMs += Math.max(0, active - (last.utilizations.get(thread)?.active ?? 0))
      }
      verdict = busyMs / (sample.atMs - last.atMs) <= cores - 1
      last = sample
      return verdict
    },
  }
}
