import { comparisons } from './alarm-definition.ts'
import type { ComparisonOperator, MetricAlarmDefinition } from './alarm-definition.ts'
import { periodStart, runQuery } from './metric-query.ts'
import type { Window } from './metric-query.ts'
import type { MetricStore } from './metric-store.ts'
import { alarmTime, double, reasonTime } from './texts.ts'
import { EXTRA_PERIODS, verdictOn } from './verdict.ts'
import type { Verdict } from './verdict.ts'

export interface Evaluation {
  readonly verdict: Verdict
  readonly reason: string
  /** JSON text. */
  readonly reasonData: string
}

interface Datapoint {
  readonly startS: number
  readonly value: number
  readonly sampleCount?: number
  readonly isBreaching: boolean
}

/** Evaluates a metric alarm over the periods that end at `endS`, epoch seconds (CW-3–CW-9, CW-26, CW-32). */
export function evaluateAlarm(
  store: MetricStore,
  definition: MetricAlarmDefinition,
  endS: number,
): Evaluation {
  const { periodSeconds, evaluationPeriods, datapointsToAlarm, treatMissingData } = definition
  const window = { endS, periodSeconds, length: evaluationPeriods + EXTRA_PERIODS }
  const points = readPoints(store, definition, window)
  const rule = {
    evaluationPeriods,
    datapointsToAlarm: datapointsToAlarm ?? evaluationPeriods,
    treatMissingData,
  }
  const real = points.filter((point) => point !== undefined).slice(-evaluationPeriods)
  const verdict = hasTooFewSamples(definition, real)
    ? 'keep'
    : verdictOn(
        points.map((point) => point?.isBreaching),
        rule,
      )
  return {
    verdict,
    reason: reasonOf(definition, verdict, real),
    reasonData: reasonData(definition, window, real),
  }
}

function readPoints(
  store: MetricStore,
  definition: MetricAlarmDefinition,
  window: Window,
): readonly (Datapoint | undefined)[] {
  const returned = definition.elements.find((element) => element.returnData)
  if (!returned) return []
  const query = runQuery(store, definition.elements, window)
  const samples = query.samples(returned.id)
  return query.points(returned.id).map((value, index) => {
    if (value === undefined) return undefined
    const sampleCount = samples?.[index]
    return {
      startS: periodStart(window, index),
      value,
      isBreaching: isBreaching(definition.comparison, value, definition.threshold),
      ...(sampleCount === undefined ? {} : { sampleCount }),
    }
  })
}

/** CW-24. */
function isBreaching(comparison: ComparisonOperator, value: number, threshold: number): boolean {
  switch (comparison) {
    case 'GreaterThanOrEqualToThreshold':
      return value >= threshold
    case 'GreaterThanThreshold':
      return value > threshold
    case 'LessThanThreshold':
      return value < threshold
    case 'LessThanOrEqualToThreshold':
      return value <= threshold
  }
}

/** CW-26: with `ignore`, a percentile of fewer than 10/(1−p) samples decides nothing. */
function hasTooFewSamples(definition: MetricAlarmDefinition, real: readonly Datapoint[]): boolean {
  if (definition.evaluateLowSampleCountPercentile !== 'ignore') return false
  const [only] = definition.elements
  const share = only?.kind === 'metric' ? /^p(\d+(?:\.\d+)?)$/.exec(only.statistic)?.[1] : undefined
  if (share === undefined || real.length === 0) return false
  const p = Number(share) / 100
  const needed = 10 / (p >= 0.5 ? 1 - p : p)
  return real.some((point) => (point.sampleCount ?? 0) < needed)
}

/** CW-32. */
function reasonOf(
  definition: MetricAlarmDefinition,
  verdict: Verdict,
  real: readonly Datapoint[],
): string {
  const { evaluationPeriods: n, datapointsToAlarm: m, treatMissingData } = definition
  if (verdict === 'INSUFFICIENT_DATA')
    return `Insufficient Data: ${plural(n, 'datapoint')} ${wereOrWas(n)} unknown.`
  const isAlarm = verdict === 'ALARM'
  const telling = [...real].reverse().filter((point) => point.isBreaching === isAlarm)
  const missing = Math.max(0, n - real.length)
  const filled =
    missing > 0 && (treatMissingData === 'breaching' || treatMissingData === 'notBreaching')
      ? ` and ${plural(missing, 'missing datapoint')} ${wereOrWas(missing)} treated as [${treatMissingData === 'breaching' ? 'Breaching' : 'NonBreaching'}]`
      : ''
  if (telling.length === 0) {
    return `Threshold Crossed: no datapoints were received for ${plural(missing, 'period')}${filled}.`
  }
  const values = telling
    .map((point) => `${double(point.value)} (${reasonTime(point.startS)})`)
    .join(', ')
  const count =
    m === undefined
      ? plural(telling.length, 'datapoint')
      : `${telling.length} out of the last ${n} datapoints`
  const relation = `${wereOrWas(telling.length)} ${isAlarm ? '' : 'not '}${comparisons[definition.comparison]} the threshold (${double(definition.threshold)})`
  const minimum =
    m === undefined ? '' : ` (minimum ${transition(isAlarm, isAlarm ? m : n - m + 1)})`
  return `Threshold Crossed: ${count} [${values}] ${relation}${filled}${minimum}.`
}

function transition(isAlarm: boolean, minimum: number): string {
  return `${plural(minimum, 'datapoint')} for ${isAlarm ? 'OK -> ALARM' : 'ALARM -> OK'} transition`
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

function wereOrWas(count: number): string {
  return count === 1 ? 'was' : 'were'
}

function reasonData(
  definition: MetricAlarmDefinition,
  window: Window,
  real: readonly Datapoint[],
): string {
  const [only] = definition.elements
  const [first] = real
  return JSON.stringify({
    version: '1.0',
    queryDate: alarmTime(window.endS * 1000),
    ...(first ? { startDate: alarmTime(first.startS * 1000) } : {}),
    ...(definition.isSingleMetric && only?.kind === 'metric' ? { statistic: only.statistic } : {}),
    period: definition.periodSeconds,
    recentDatapoints: real.map((point) => point.value),
    threshold: definition.threshold,
    evaluatedDatapoints: [...real].reverse().map((point) => ({
      timestamp: alarmTime(point.startS * 1000),
      ...(point.sampleCount === undefined ? {} : { sampleCount: point.sampleCount }),
      value: point.value,
    })),
  })
}
