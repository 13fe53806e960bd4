import type { Timer } from '../core/clock.ts'

/** The machine's clock. */
export const systemClock: Timer = {
  now: () => Date.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs)
    return () => {
      clearTimeout(timer)
    }
  },
}
