/** Wall time and timers as the stream needs them, so that tests can hold them still. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number
  /** Runs `action` once after `ms`; the returned function cancels it. */
  after(ms: number, action: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, action) {
    const timer = setTimeout(action, ms)
    return () => clearTimeout(timer)
  },
}
