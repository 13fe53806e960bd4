/** Time, passed in: core never looks at the wall clock. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number
}

/** A clock that can also wake somebody. */
export interface Timer extends Clock {
  /** Runs the task once, so much later; the returned function calls that off. */
  after(delayMs: number, task: () => void): () => void
}
