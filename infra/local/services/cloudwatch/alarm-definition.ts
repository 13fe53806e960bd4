import { AwsError } from '../../platform/errors.ts'
import { isObject } from '../../platform/fields.ts'
import type { Fields } from '../../platform/fields.ts'
import { basicStatistics, isExtendedStatistic, isStatistic } from './distribution.ts'
import { isMathFunction } from './math.ts'
import { functionsIn, idsIn, MathSyntaxError, parseMath } from './math-syntax.ts'
import type { MathNode } from './math-syntax.ts'
import type { MetricId } from './metric-store.ts'
import type { TreatMissingData } from './verdict.ts'

/** One element of a metric query: a metric or an expression over the others. */
export type QueryElement =
  | {
      readonly kind: 'metric'
      readonly id: string
      readonly metric: MetricId
      readonly periodSeconds: number
      readonly statistic: string
      readonly unit?: string
      readonly label?: string
      readonly returnData: boolean
    }
  | {
      readonly kind: 'expression'
      readonly id: string
      readonly source: string
      readonly math: MathNode
      readonly periodSeconds?: number
      readonly label?: string
      readonly returnData: boolean
    }

/** Comparison with a threshold: its words in a reason text. */
export const comparisons = {
  GreaterThanOrEqualToThreshold: 'greater than or equal to',
  GreaterThanThreshold: 'greater than',
  LessThanThreshold: 'less than',
  LessThanOrEqualToThreshold: 'less than or equal to',
} as const

export type ComparisonOperator = keyof typeof comparisons

export interface AlarmActions {
  readonly enabled: boolean
  readonly ok: readonly string[]
  readonly alarm: readonly string[]
  readonly insufficientData: readonly string[]
}

export interface MetricAlarmDefinition {
  readonly kind: 'metric'
  readonly name: string
  readonly description: string | undefined
  readonly actions: AlarmActions
  readonly elements: readonly QueryElement[]
  /** True when the alarm was given as one metric and not as a query (its messages look different). */
  readonly isSingleMetric: boolean
  readonly periodSeconds: number
  readonly evaluationPeriods: number
  /** As given; N when absent. */
  readonly datapointsToAlarm: number | undefined
  readonly threshold: number
  readonly comparison: ComparisonOperator
  readonly treatMissingData: TreatMissingData
  readonly evaluateLowSampleCountPercentile: string | undefined
}

const MAX_ACTIONS = 5
const MAX_METRICS = 10
const TREATMENTS: readonly string[] = ['missing', 'ignore', 'breaching', 'notBreaching']

/**
 * Reads an alarm from the properties that the template and PutMetricAlarm share. Throws AwsError `ValidationError` for what CloudWatch
 * would refuse (CW-2, CW-22, CW-24–CW-28) and for anomaly detection, which one machine does not have.
 */
export function readMetricAlarm(name: string, properties: Fields): MetricAlarmDefinition {
  refuseAnomalyDetection(properties)
  const isSingleMetric = properties.has('MetricName')
  const elements = isSingleMetric ? [readSingleMetric(properties)] : readQuery(properties)
  const periodSeconds = samePeriod(elements)
  const evaluationPeriods = properties.integer('EvaluationPeriods')
  const datapointsToAlarm = properties.optionalInteger('DatapointsToAlarm')
  checkWindow(periodSeconds, evaluationPeriods, datapointsToAlarm)
  const treatMissingData = properties.optionalText('TreatMissingData') ?? 'missing'
  if (!TREATMENTS.includes(treatMissingData)) {
    throw invalid(`TreatMissingData ${treatMissingData} is not one of ${TREATMENTS.join(', ')}`)
  }
  return {
    kind: 'metric',
    name,
    description: properties.optionalText('AlarmDescription'),
    actions: readActions(properties),
    elements,
    isSingleMetric,
    periodSeconds,
    evaluationPeriods,
    datapointsToAlarm,
    threshold: number(properties, 'Threshold'),
    comparison: readComparison(properties.text('ComparisonOperator')),
    treatMissingData: treatMissing(elements, treatMissingData as TreatMissingData),
    evaluateLowSampleCountPercentile: properties.optionalText('EvaluateLowSampleCountPercentile'),
  }
}

/** CW-22: at most five ARNs for each state. */
export function readActions(properties: Fields): AlarmActions {
  const arns = (name: string): readonly string[] => {
    const found = properties.texts(name)
    if (found.length > MAX_ACTIONS) throw invalid(`${name} takes at most ${MAX_ACTIONS} ARNs`)
    return found
  }
  return {
    enabled: properties.optionalBoolean('ActionsEnabled') ?? true,
    ok: arns('OKActions'),
    alarm: arns('AlarmActions'),
    insufficientData: arns('InsufficientDataActions'),
  }
}

/** The elements of `Metrics` of an alarm or of `MetricDataQueries` of GetMetricData. */
export function readElements(
  queries: readonly Fields[],
  defaultPeriod?: number,
): readonly QueryElement[] {
  const elements = queries.map((query) => readElement(query, defaultPeriod))
  const ids = new Set(elements.map((element) => element.id))
  if (ids.size !== elements.length) throw invalid('the Ids of the metrics are not different')
  for (const element of elements) {
    if (element.kind === 'metric') continue
    const missing = idsIn(element.math).find((id) => !ids.has(id))
    if (missing !== undefined) throw invalid(`${element.source} names ${missing}, which is no Id`)
  }
  return elements
}

/** A number that may be written as text, as CloudFormation and the query protocol do. */
export function number(properties: Fields, name: string): number {
  const found = properties.value(name)
  const value = typeof found === 'string' && found !== '' ? Number(found) : found
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw invalid(`${name} must be a number`)
}

/** `[{Name, Value}]` as an object. */
export function readDimensions(list: readonly Fields[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    list.map((dimension) => [dimension.text('Name'), dimension.text('Value')]),
  )
}

function readSingleMetric(properties: Fields): QueryElement {
  if (properties.has('Metrics')) throw invalid('Metrics and MetricName exclude each other (CW-28)')
  const unit = properties.optionalText('Unit')
  return {
    kind: 'metric',
    id: 'm1',
    metric: {
      namespace: properties.text('Namespace'),
      name: properties.text('MetricName'),
      dimensions: readDimensions(properties.nestedList('Dimensions')),
    },
    periodSeconds: properties.integer('Period'),
    statistic: readStatistic(properties),
    ...(unit === undefined ? {} : { unit }),
    returnData: true,
  }
}

/** CW-25: exactly one of the two. */
function readStatistic(properties: Fields): string {
  const basic = properties.optionalText('Statistic')
  const extended = properties.optionalText('ExtendedStatistic')
  if ((basic === undefined) === (extended === undefined)) {
    throw invalid('exactly one of Statistic and ExtendedStatistic is needed')
  }
  if (basic !== undefined && !(basicStatistics as readonly string[]).includes(basic)) {
    throw invalid(`Statistic ${basic} is not one of ${basicStatistics.join(', ')}`)
  }
  if (extended !== undefined && !isExtendedStatistic(extended)) {
    throw invalid(`ExtendedStatistic ${extended} is not one, for example p99`)
  }
  return basic ?? extended ?? ''
}

/** CW-27: at most ten metrics, one of the elements returns the data. */
function readQuery(properties: Fields): readonly QueryElement[] {
  const queries = properties.nestedList('Metrics')
  if (queries.length === 0) throw invalid('MetricName or Metrics is needed')
  for (const name of [
    'Namespace',
    'Dimensions',
    'Period',
    'Unit',
    'Statistic',
    'ExtendedStatistic',
  ]) {
    if (properties.has(name)) throw invalid(`${name} stands in Metrics and not beside it (CW-28)`)
  }
  const elements = readElements(queries)
  if (elements.filter((element) => element.kind === 'metric').length > MAX_METRICS) {
    throw invalid(`an alarm takes at most ${MAX_METRICS} metrics`)
  }
  if (elements.filter((element) => element.returnData).length !== 1) {
    throw invalid('exactly one element of Metrics has ReturnData true (CW-27)')
  }
  return elements
}

function readElement(query: Fields, defaultPeriod: number | undefined): QueryElement {
  const id = query.text('Id')
  if (!/^[a-z][A-Za-z0-9_]*$/.test(id))
    throw invalid(`the Id ${id} does not start with a small letter`)
  const label = query.optionalText('Label')
  const common = {
    id,
    returnData: query.optionalBoolean('ReturnData') ?? true,
    ...(label === undefined ? {} : { label }),
  }
  const account = query.optionalText('AccountId')
  if (account !== undefined && !/^\d{12}$/.test(account))
    throw invalid(`AccountId ${account} is no account`)
  const stat = query.nested('MetricStat')
  if (stat) return { ...common, ...readMetricStat(stat) }
  const source = query.text('Expression')
  const periodSeconds = query.optionalInteger('Period') ?? defaultPeriod
  return {
    kind: 'expression',
    ...common,
    source,
    math: readMath(source),
    ...(periodSeconds === undefined ? {} : { periodSeconds }),
  }
}

function readMetricStat(
  stat: Fields,
): Omit<Extract<QueryElement, { kind: 'metric' }>, 'id' | 'returnData' | 'label'> {
  const metric = stat.nested('Metric')
  if (!metric) throw invalid('MetricStat needs Metric')
  const statistic = stat.text('Stat')
  if (!isStatistic(statistic)) throw invalid(`Stat ${statistic} is not a statistic`)
  const unit = stat.optionalText('Unit')
  return {
    kind: 'metric',
    metric: {
      namespace: metric.text('Namespace'),
      name: metric.text('MetricName'),
      dimensions: readDimensions(metric.nestedList('Dimensions')),
    },
    periodSeconds: stat.integer('Period'),
    statistic,
    ...(unit === undefined ? {} : { unit }),
  }
}

function readMath(source: string): MathNode {
  try {
    const math = parseMath(source)
    const unknown = functionsIn(math).find((name) => !isMathFunction(name))
    if (unknown !== undefined)
      throw new MathSyntaxError(`${unknown} is not emulated on one machine`)
    return math
  } catch (cause) {
    if (cause instanceof MathSyntaxError) throw invalid(cause.message, cause)
    throw cause
  }
}

function samePeriod(elements: readonly QueryElement[]): number {
  const periods = new Set(elements.flatMap((element) => element.periodSeconds ?? []))
  const [period] = periods
  if (period === undefined || periods.size !== 1) {
    throw invalid('all metrics of an alarm have the same Period (CW-27)')
  }
  return period
}

/** CW-2. */
function checkWindow(periodSeconds: number, n: number, m: number | undefined): void {
  if (![10, 20, 30].includes(periodSeconds) && (periodSeconds <= 0 || periodSeconds % 60 !== 0)) {
    throw invalid(`Period ${periodSeconds} is not 10, 20, 30 or a multiple of 60`)
  }
  const longest = periodSeconds < 3600 ? 86_400 : 604_800
  if (n < 1 || n * periodSeconds > longest) {
    throw invalid(
      `EvaluationPeriods × Period is ${n * periodSeconds} s; at most ${longest} s are allowed for this Period`,
    )
  }
  if (m !== undefined && (m < 1 || m > n)) throw invalid(`DatapointsToAlarm ${m} is not 1 to ${n}`)
}

function readComparison(operator: string): ComparisonOperator {
  if (Object.hasOwn(comparisons, operator)) return operator as ComparisonOperator
  throw invalid(
    `ComparisonOperator ${operator} is not one of ${Object.keys(comparisons).join(', ')}`,
  )
}

/** CW-21: alarms on DynamoDB's metrics always ignore missing data. */
function treatMissing(
  elements: readonly QueryElement[],
  asked: TreatMissingData,
): TreatMissingData {
  const isDynamo = elements.some(
    (element) => element.kind === 'metric' && element.metric.namespace === 'AWS/DynamoDB',
  )
  return isDynamo ? 'ignore' : asked
}

function refuseAnomalyDetection(properties: Fields): void {
  const queries = properties.value('Metrics')
  const usesBand =
    Array.isArray(queries) &&
    queries.some(
      (query) => isObject(query) && JSON.stringify(query).includes('ANOMALY_DETECTION_BAND'),
    )
  if (properties.has('ThresholdMetricId') || usesBand) {
    throw invalid('anomaly detection is not emulated on one machine; use a fixed Threshold')
  }
}

function invalid(reason: string, cause?: unknown): AwsError {
  return new AwsError('ValidationError', `The alarm is refused: ${reason}.`, { cause })
}
