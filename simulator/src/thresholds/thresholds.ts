import { isMetricName, metricNames, needsVerify, type MetricName } from '../metrics/catalog.ts'
import type { Figure, Figures } from '../metrics/figures.ts'
import { wayOut } from '../scenario/issue-text.ts'
import type { Path } from '../scenario/places.ts'
import type { ThresholdInput } from '../scenario/schema.ts'
import { parseExpression, type Aggregate, type Expression, type Operator } from './expression.ts'

/** Something that must hold at the end of a run, or all the time. */
export interface Threshold {
  readonly metric: MetricName
  /** As it was written. */
  readonly text: string
  readonly expression: Expression
  readonly abortOnFail: boolean
  readonly afterMs: number
  /** Nobody wrote it: it holds of every run. */
  readonly isDefault: boolean
}

export interface ThresholdResult {
  readonly threshold: Threshold
  readonly isMet: boolean
  /** Undefined when nothing was measured. */
  readonly actual: number | undefined
}

export interface ThresholdProblem {
  /** Below `thresholds` in the scenario. */
  readonly path: Path
  /** The key is what is wrong, not its value. */
  readonly isKey: boolean
  readonly message: string
}

/** Reads the thresholds of a scenario; the problem when one names an unknown metric, aggregate or unit. */
export function compileThresholds(
  written: Readonly<Record<string, ThresholdInput>>,
  { hasVerify }: { readonly hasVerify: boolean },
): { readonly thresholds: readonly Threshold[] } | { readonly problem: ThresholdProblem } {
  const thresholds: Threshold[] = []
  for (const [metric, input] of Object.entries(written)) {
    const problem = metricProblem(metric, hasVerify)
    if (problem !== undefined) return { problem: { path: [metric], isKey: true, message: problem } }
    const items = Array.isArray(input) ? input : [input]
    for (const [index, item] of items.entries()) {
      const { expr, abortOnFail, after } =
        typeof item === 'string' ? { expr: item, abortOnFail: false, after: 0 } : item
      const expression = parseExpression(metric as MetricName, expr)
      if (typeof expression === 'string') {
        const below = typeof item === 'string' ? [] : ['expr']
        const path = [metric, ...(Array.isArray(input) ? [index] : []), ...below]
        return { problem: { path, isKey: false, message: expression } }
      }
      const rest = { expression, abortOnFail, afterMs: after, isDefault: false }
      thresholds.push({ metric: metric as MetricName, text: expr, ...rest })
    }
  }
  return { thresholds }
}

function metricProblem(metric: string, hasVerify: boolean): string | undefined {
  if (!isMetricName(metric)) return `unknown metric; ${wayOut(metric, metricNames)}`
  return needsVerify(metric) && !hasVerify
    ? 'is measured only with verify; add verify: { sample: 20 }'
    : undefined
}

/** Whether a threshold holds. One that nothing was measured for does not: no data is no pass. */
export function evaluate(threshold: Threshold, figures: Figures): ThresholdResult {
  const figure = figures[threshold.metric]
  const actual = figure && aggregated(figure, threshold.expression.aggregate)
  return {
    threshold,
    actual,
    isMet: actual !== undefined && holds(threshold.expression, actual),
  }
}

/** Whether a value is within the limit of an expression. */
export function holds({ operator, limit }: Expression, actual: number): boolean {
  return comparisons[operator](actual, limit)
}

function aggregated(figure: Figure, aggregate: Aggregate): number | undefined {
  if (figure.kind === 'share') return figure.of === 0 ? undefined : figure.hits / figure.of
  if (figure.kind === 'count') {
    return aggregate.name === 'rate' ? figure.count / figure.seconds : figure.count
  }
  const { latencies } = figure
  if (latencies.count === 0) return undefined
  switch (aggregate.name) {
    case 'p':
      return latencies.percentile(aggregate.percent)
    case 'med':
      return latencies.percentile(50)
    case 'avg':
      return latencies.mean
    case 'min':
      return latencies.min
    case 'max':
      return latencies.max
    case 'rate':
    case 'count':
      return latencies.count
  }
}

const comparisons: Readonly<Record<Operator, (actual: number, limit: number) => boolean>> = {
  '<': (actual, limit) => actual < limit,
  '<=': (actual, limit) => actual <= limit,
  '>': (actual, limit) => actual > limit,
  '>=': (actual, limit) => actual >= limit,
  '==': (actual, limit) => actual === limit,
  '!=': (actual, limit) => actual !== limit,
}
