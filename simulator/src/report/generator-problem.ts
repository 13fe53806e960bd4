import type { Figure, Figures, Latencies } from '../metrics/figures.ts'
import { durationText } from '../scenario/duration.ts'
import type { Expression } from '../thresholds/expression.ts'
import { holds, type ThresholdResult } from '../thresholds/thresholds.ts'
import { number } from './table.ts'

/** One stall of so many times the limit voids a run whatever its percentiles are. */
const stallFactor = 10
/** Readings that were due may differ from the plan by this share, and by one a device. */
const loadTolerance = 0.05
/** Latencies that contain the generator's own lateness. */
const fromDue = ['ack.latency', 'connect.latency', 'e2e.latency']
const wayOut = 'use fewer devices, a longer interval or another machine'

export interface JudgedRun {
  readonly figures: Figures
  readonly thresholds: readonly ThresholdResult[]
  readonly maxLagMs: number
  readonly devices: number
}

/**
 * Why the figures of a run are not the broker's: the generator was late at the 99th percentile, stood still for long, was itself what broke a
 * threshold, did not make the load that was planned, or could not look up what was delivered. Undefined when it can be believed.
 */
export function generatorProblem(run: JudgedRun): string | undefined {
  return lateness(run) ?? brokenByLag(run) ?? otherLoad(run) ?? unverified(run)
}

function lateness({ figures, maxLagMs }: JudgedRun): string | undefined {
  const stallMs = stallFactor * maxLagMs
  for (const name of ['schedule.lag', 'loop.lag'] as const) {
    const lag = latenciesOf(figures[name])
    if (!lag) continue
    const p99 = lag.percentile(99)
    if (p99 > maxLagMs) {
      return `the generator was too slow: ${name} p(99) is ${durationText(p99)}, the limit is ${durationText(maxLagMs)}; ${wayOut}`
    }
    if (lag.max > stallMs) {
      return `the generator stood still: ${name} max is ${durationText(lag.max)}, the limit is ${durationText(stallMs)}; ${wayOut}`
    }
  }
  return undefined
}

/** A latency that would be within its limit without the generator's share of it. */
function brokenByLag({ figures, thresholds }: JudgedRun): string | undefined {
  const lag = latenciesOf(figures['schedule.lag'])
  if (!lag) return undefined
  for (const { threshold, isMet, actual } of thresholds) {
    if (isMet || actual === undefined || !fromDue.includes(threshold.metric)) continue
    const own = lagAt(lag, threshold.expression)
    if (!holds(threshold.expression, Math.max(0, actual - own))) continue
    return `the generator itself was late: ${threshold.metric} ${threshold.text} is broken at ${durationText(actual)}, of which up to ${durationText(own)} are its own; ${wayOut}`
  }
  return undefined
}

function lagAt(lag: Latencies, { aggregate }: Expression): number {
  if (aggregate.name === 'p') return lag.percentile(aggregate.percent)
  if (aggregate.name === 'med') return lag.percentile(50)
  return aggregate.name === 'max' ? lag.max : lag.mean
}

function otherLoad({ figures, devices }: JudgedRun): string | undefined {
  const [planned, due] = [countOf(figures['messages.planned']), countOf(figures['messages.due'])]
  if (Math.abs(due - planned) <= loadTolerance * planned + devices) return undefined
  return `the load was not the planned one: ${number(due)} readings were due, the scenario makes ${number(planned)}; ${wayOut}`
}

function unverified({ figures }: JudgedRun): string | undefined {
  const count = countOf(figures['e2e.unverified'])
  if (count === 0) return undefined
  return `${number(count)} acknowledged readings of the sample could not be looked up, so that nobody knows whether they were delivered; look for verify.history above`
}

function latenciesOf(figure: Figure | undefined): Latencies | undefined {
  return figure?.kind === 'latency' && figure.latencies.count > 0 ? figure.latencies : undefined
}

function countOf(figure: Figure | undefined): number {
  return figure?.kind === 'count' ? figure.count : 0
}
