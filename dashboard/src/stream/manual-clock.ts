import type { Clock } from './clock.ts'

/** A clock that stands still until it is moved: for tests. */
export interface ManualClock extends Clock {
  /** Moves the time on, running what comes due, and lets promises settle in between. */
  advance(ms: number): Promise<void>
  /** Moves the time without running anything: a laptop that sleeps. */
  sleep(ms: number): void
}

export function manualClock(start = 1_700_000_000_000): ManualClock {
  let now = start
  let timers: { at: number; action: () => void }[] = []
  return {
    now: () => now,
    after(ms, action) {
      const timer = { at: now + ms, action }
      timers.push(timer)
      return () => (timers = timers.filter((other) => other !== timer))
    },
    sleep: (ms) => (now += ms),
    async advance(ms) {
      const end = now + ms
      await settled()
      for (;;) {
        const next = timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0]
        if (!next) break
        timers = timers.filter((timer) => timer !== next)
        now = Math.max(now, next.at)
        next.action()
        await settled()
      }
      now = Math.max(now, end)
    },
  }
}

/** Lets everything that waits for resolved promises run. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}
