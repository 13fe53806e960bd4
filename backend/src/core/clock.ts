/** Time, passed in: core never looks at the wall clock. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number
}
