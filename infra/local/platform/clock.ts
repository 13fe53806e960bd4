import type { Clock } from './types.ts'

/** The machine's clock; its timers do not keep the process alive. */
export function systemClock(): Clock {
  const offsetMs = Date.now() - performance.now()
  return {
    now: () => Date.now(),
    monotonic: () => Math.floor(offsetMs + performance.now()),
    after(delayMs, task) {
      const timer = setTimeout(task, delayMs)
      timer.unref()
      return () => {
        clearTimeout(timer)
      }
    },
    every(intervalMs, task) {
      const timer = setInterval(task, intervalMs)
      timer.unref()
      return () => {
        clearInterval(timer)
      }
    },
  }
}

/** A clock that only moves when told: `advance(ms)` runs what became due, in order, and lets promises settle in between. */
export interface ManualClock extends Clock {
  advance(ms: number): Promise<void>
  /** Sets the wall clock by as much, as a person or NTP does: nothing becomes due by it. */
  step(ms: number): void
}

export function manualClock(startMs = Date.UTC(2026, 0, 1)): ManualClock {
  interface Entry {
    at: number
    readonly order: number
    readonly every?: number
    readonly task: () => void
  }
  let nowMs = startMs
  let steppedMs = 0
  let order = 0
  const entries = new Set<Entry>()
  const add = (entry: Entry): (() => void) => {
    entries.add(entry)
    return () => {
      entries.delete(entry)
    }
  }
  const due = (until: number): Entry | undefined =>
    [...entries]
      .filter((entry) => entry.at <= until)
      .sort((a, b) => a.at - b.at || a.order - b.order)[0]
  return {
    now: () => nowMs + steppedMs,
    monotonic: () => nowMs,
    step(ms) {
      steppedMs += ms
    },
    after: (delayMs, task) => add({ at: nowMs + delayMs, order: order++, task }),
    every: (intervalMs, task) =>
      add({ at: nowMs + intervalMs, every: intervalMs, order: order++, task }),
    async advance(ms) {
      const until = nowMs + ms
      for (let entry = due(until); entry; entry = due(until)) {
        nowMs = entry.at
        if (entry.every === undefined) entries.delete(entry)
        else entry.at += entry.every
        entry.task()
        await new Promise((resolve) => setImmediate(resolve))
      }
      nowMs = until
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}
