import type { Fault } from '../scenario/schema.ts'

/** A fault that one device has; times are epoch milliseconds. */
export interface ActiveFault {
  readonly fault: Fault
  readonly startMs: number
  readonly endMs: number
  /** How many readings it changed, or how often it cut the link. */
  effects: number
}
