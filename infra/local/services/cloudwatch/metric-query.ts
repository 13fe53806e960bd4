import { AwsError } from '../../platform/errors.ts'
import type { QueryElement } from './alarm-definition.ts'
import { statisticOf } from './distribution.ts'
import { asPoints, evaluateMath } from './math.ts'
import type { MathInput, Points } from './math.ts'
import type { MetricStore } from './metric-store.ts'

/** Periods to read: `length` of them, the last one ending at `endS` (epoch seconds). */
export interface Window {
  readonly endS: number
  readonly periodSeconds: number
  readonly length: number
}

/** The series of elements over a window; a point per period, oldest first. */
export interface QueryResult {
  points(id: string): Points
  /** How many samples each period has, for a metric; undefined for an expression. */
  samples(id: string): Points | undefined
}

/** Start of the i-th period of a window, epoch seconds (CW-5). */
export function periodStart(window: Window, index: number): number {
  return window.endS - (window.length - index) * window.periodSeconds
}

/** Reads metrics and evaluates expressions, each at most once. Throws AwsError `ValidationError` for a circle. */
export function runQuery(
  store: MetricStore,
  elements: readonly QueryElement[],
  window: Window,
): QueryResult {
  const known = new Map<string, Points>()
  const counts = new Map<string, Points>()
  const running = new Set<string>()

  function points(id: string): Points {
    const done = known.get(id)
    if (done) return done
    if (running.has(id))
      throw new AwsError('ValidationError', `The expression ${id} refers to itself.`)
    running.add(id)
    const element = elements.find((candidate) => candidate.id === id)
    if (!element) throw new AwsError('ValidationError', `There is no element with the Id ${id}.`)
    const result =
      element.kind === 'metric'
        ? readMetric(element)
        : asPoints(evaluateMath(element.math, input), input)
    running.delete(id)
    known.set(id, result)
    return result
  }

  function readMetric(element: Extract<QueryElement, { kind: 'metric' }>): Points {
    const found = Array.from({ length: window.length }, (_, index) => {
      const fromS = periodStart(window, index)
      const span = {
        fromS,
        toS: fromS + window.periodSeconds,
        ...(element.unit === undefined ? {} : { unit: element.unit }),
      }
      return store.read(element.metric, span)
    })
    counts.set(
      element.id,
      found.map((distribution) => distribution.count),
    )
    return found.map((distribution) => statisticOf(distribution, element.statistic))
  }

  const input: MathInput = {
    periodSeconds: window.periodSeconds,
    length: window.length,
    series: points,
    metricIds: elements.filter((element) => element.kind === 'metric').map((element) => element.id),
  }
  return {
    points,
    samples(id) {
      points(id)
      return counts.get(id)
    },
  }
}
