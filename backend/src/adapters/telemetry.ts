import { Logger } from '@aws-lambda-powertools/logger'
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import { METRICS_NAMESPACE } from '../contract.ts'
import type { Log, LogFacts, MetricName, MetricSink } from '../core/telemetry-sink.ts'

const EMF_VALUES = 100
const FACT_CHARACTERS = 256
/** What JSON does not escape and a reader takes for a line end, a control or a direction (PROMISE-25). */
const UNSEEN = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g

export interface Telemetry {
  readonly log: Log
  readonly metrics: MetricSink
  /** Writes the invocation's metrics as one EMF line; call it at the end of each invocation, also of a failed one. */
  flush(): void
}

/** Powertools logger and metrics for one function: `service` is one of contract.ts, and the only dimension. */
export function createTelemetry(service: string): Telemetry {
  const logger = new Logger({ serviceName: service })
  const sink = new Metrics({ namespace: METRICS_NAMESPACE, serviceName: service })
  const counts = new Map<MetricName, number>()
  const observed = new Map<MetricName, Map<number, number>>()
  return {
    log: {
      info: (message, facts) => logger.info(message, bounded(facts)),
      warn: (message, facts, error) => logger.warn(message, bounded(facts, error)),
      error: (message, facts, error) => logger.error(message, bounded(facts, error)),
    },
    metrics: {
      count: (name, value = 1) => counts.set(name, (counts.get(name) ?? 0) + value),
      durations(name, observations) {
        const all = observed.get(name) ?? new Map<number, number>()
        for (const [ms, count] of observations) all.set(ms, (all.get(ms) ?? 0) + count)
        observed.set(name, all)
      },
    },
    flush() {
      for (const [name, value] of counts) sink.addMetric(name, MetricUnit.Count, value)
      for (const [name, all] of observed) {
        for (const ms of thinned(all)) sink.addMetric(name, MetricUnit.Milliseconds, ms)
      }
      counts.clear()
      observed.clear()
      if (sink.hasStoredMetrics()) sink.publishStoredMetrics()
    },
  }
}

/** At most 100 of the sorted observations, evenly spaced, the extremes among them: percentiles survive. */
function thinned(observations: ReadonlyMap<number, number>): readonly number[] {
  const sorted = [...observations].sort(([a], [b]) => a - b)
  const total = sorted.reduce((sum, [, count]) => sum + count, 0)
  const kept = Math.min(total, EMF_VALUES)
  const values: number[] = []
  let passed = 0
  for (const [ms, count] of sorted) {
    passed += count
    // The n-th value stands at this place of all observations, the first at the first and the last at the last.
    while (values.length < kept && placeOf(values.length, kept, total) < passed) values.push(ms)
  }
  return values
}

function placeOf(n: number, kept: number, total: number): number {
  return kept === 1 ? 0 : Math.round((n * (total - 1)) / (kept - 1))
}

/** No line can grow without limit, and an error is its name, code and message: a stack or a request could hold a token. */
function bounded(
  facts: LogFacts = {},
  error?: unknown,
): Record<string, string | number | boolean | null> {
  const line: Record<string, string | number | boolean | null> = {}
  for (const [name, value] of Object.entries(facts)) line[name] = cut(value)
  if (error instanceof Error) {
    line.errorName = cut(error.name)
    line.errorMessage = cut(error.message)
  }
  return line
}

function cut(value: string | number | boolean | null): string | number | boolean | null {
  return typeof value === 'string' ? value.slice(0, FACT_CHARACTERS).replace(UNSEEN, ' ') : value
}
