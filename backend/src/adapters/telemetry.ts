import { Logger } from '@aws-lambda-powertools/logger'
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import { METRICS_NAMESPACE } from '../contract.ts'
import type { Log, LogFacts, MetricName, MetricSink } from '../core/telemetry-sink.ts'

const EMF_VALUES = 100
const FACT_CHARACTERS = 256
/** What JSON does not escape and a reader takes for a line end, a control or a direction (reliability P25). */
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
  const observed = new Map<MetricName, number[]>()
  return {
    log: {
      info: (message, facts) => logger.info(message, bounded(facts)),
      warn: (message, facts, error) => logger.warn(message, bounded(facts, error)),
      error: (message, facts, error) => logger.error(message, bounded(facts, error)),
    },
    metrics: {
      count: (name, value = 1) => counts.set(name, (counts.get(name) ?? 0) + value),
      durations: (name, valuesMs) =>
        observed.set(name, [...(observed.get(name) ?? []), ...valuesMs]),
    },
    flush() {
      for (const [name, value] of counts) sink.addMetric(name, MetricUnit.Count, value)
      for (const [name, values] of observed) {
        for (const value of thinned(values)) sink.addMetric(name, MetricUnit.Milliseconds, value)
      }
      counts.clear()
      observed.clear()
      if (sink.hasStoredMetrics()) sink.publishStoredMetrics()
    },
  }
}

/** At most 100 of the sorted values, evenly spaced, the extremes among them: percentiles survive. */
function thinned(values: readonly number[]): readonly number[] {
  const sorted = [...values].sort((a, b) => a - b)
  if (sorted.length <= EMF_VALUES) return sorted
  const step = (sorted.length - 1) / (EMF_VALUES - 1)
  return Array.from({ length: EMF_VALUES }, (_, i) => sorted[Math.round(i * step)] ?? 0)
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
