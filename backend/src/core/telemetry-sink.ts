import type { metrics } from '../contract.ts'

export type MetricName = (typeof metrics)[keyof typeof metrics]

/** The function's own numbers. */
export interface MetricSink {
  /** Adds to a count of this invocation. */
  count(name: MetricName, value?: number): void
  /**
   * How often each duration (ms) was observed. An invocation emits at most 100 values (EMF-7), evenly spaced over all
   * observations: its percentiles stay, its sample count does not, so percentiles over a minute weigh invocations with more than 100
   * observations like those with 100.
   */
  durations(name: MetricName, observations: ReadonlyMap<number, number>): void
}

/** Facts of a log line: bounded values, never a token or a payload. */
export type LogFacts = Readonly<Record<string, string | number | boolean | null>>

/** One JSON line per event. `error`: someone must act; `warn`: degraded and handled; `info`: one per request. */
export interface Log {
  info(message: string, facts?: LogFacts): void
  warn(message: string, facts?: LogFacts, error?: unknown): void
  error(message: string, facts?: LogFacts, error?: unknown): void
}
