import { AwsError } from '../../platform/errors.ts'
import type { Fields } from '../../platform/fields.ts'
import type { Clock } from '../../platform/types.ts'
import { dimensionList, page } from './alarm-api.ts'
import { number, readDimensions, readElements } from './alarm-definition.ts'
import type { QueryElement } from './alarm-definition.ts'
import { basicStatistics, statisticOf } from './distribution.ts'
import { periodStart, runQuery } from './metric-query.ts'
import type { Window } from './metric-query.ts'
import type { MetricStore } from './metric-store.ts'
import { Timestamp, timeOf } from './wire.ts'

const MAX_METRICS = 1000
const MAX_VALUES = 150
const MAX_DIMENSIONS = 30
const MAX_QUERIES = 500
const MAX_DATAPOINTS = 100_800
const MAX_STATISTICS_POINTS = 1440
const LIST_PAGE = 500

/** CW-37. */
export function putMetricData(store: MetricStore, clock: Clock, input: Fields): object {
  const namespace = input.text('Namespace')
  if (namespace.startsWith('AWS/')) {
    throw new AwsError(
      'InvalidParameterValue',
      `The namespace ${namespace} is reserved; one of your own does not start with AWS/.`,
    )
  }
  const data = input.nestedList('MetricData')
  if (data.length > MAX_METRICS) throw invalid(`at most ${MAX_METRICS} metrics in one call`)
  for (const datum of data) putDatum(store, clock, namespace, datum)
  return {}
}

function putDatum(store: MetricStore, clock: Clock, namespace: string, datum: Fields): void {
  const dimensions = datum.nestedList('Dimensions')
  if (dimensions.length > MAX_DIMENSIONS) throw invalid(`at most ${MAX_DIMENSIONS} dimensions`)
  const timestampMs = timeOf(datum.value('Timestamp')) ?? clock.now()
  const common = {
    namespace,
    name: datum.text('MetricName'),
    dimensions: readDimensions(dimensions),
    timestampMs,
    unit: datum.optionalText('Unit') ?? 'None',
    storageResolution:
      datum.optionalInteger('StorageResolution') === 1 ? (1 as const) : (60 as const),
  }
  for (const { value, count } of samplesOf(datum)) store.put({ ...common, value, count })
}

interface Sample {
  readonly value: number
  readonly count: number
}

function samplesOf(datum: Fields): readonly Sample[] {
  const values = datum.list('Values')
  if (values.length > MAX_VALUES) throw invalid(`at most ${MAX_VALUES} Values`)
  if (values.length > 0) {
    const counts = datum.list('Counts')
    return values.map((value, index) => ({
      value: finite(value),
      count: finite(counts[index] ?? 1),
    }))
  }
  const set = datum.nested('StatisticValues')
  if (!set) return [{ value: number(datum, 'Value'), count: 1 }]
  return statisticSet(set)
}

/** A statistic set as samples with the same count, sum, minimum and maximum. */
function statisticSet(set: Fields): readonly Sample[] {
  const [count, sum, minimum, maximum] = ['SampleCount', 'Sum', 'Minimum', 'Maximum'].map((name) =>
    number(set, name),
  ) as [number, number, number, number]
  if (count <= 1) return [{ value: sum, count }]
  const rest = count - 2
  const edges = [
    { value: minimum, count: 1 },
    { value: maximum, count: 1 },
  ]
  return rest > 0 ? [...edges, { value: (sum - minimum - maximum) / rest, count: rest }] : edges
}

function finite(value: unknown): number {
  const found = Number(value)
  if (Number.isFinite(found)) return found
  throw invalid(`${String(value)} is not a finite number`)
}

/** GetMetricData; every element is read on the grid of its own period. */
export function getMetricData(store: MetricStore, input: Fields): object {
  const queries = input.nestedList('MetricDataQueries')
  if (queries.length === 0 || queries.length > MAX_QUERIES)
    throw invalid(`1 to ${MAX_QUERIES} MetricDataQueries`)
  const elements = readElements(queries)
  const span = readSpan(input)
  const descending = input.optionalText('ScanBy') !== 'TimestampAscending'
  const results = elements
    .filter((element) => element.returnData)
    .map((element) => metricDataResult(store, elements, { element, ...span, descending }))
  return { MetricDataResults: results, Messages: [] }
}

function metricDataResult(
  store: MetricStore,
  elements: readonly QueryElement[],
  request: {
    readonly element: QueryElement
    readonly fromMs: number
    readonly toMs: number
    readonly descending: boolean
  },
): object {
  const { element, descending } = request
  const window = windowOf(request, periodOf(element, elements), MAX_DATAPOINTS)
  const points = runQuery(store, elements, window)
    .points(element.id)
    .flatMap((value, index) =>
      value === undefined ? [] : [{ value, atS: periodStart(window, index) }],
    )
  if (descending) points.reverse()
  return {
    Id: element.id,
    Label: element.label ?? (element.kind === 'metric' ? element.metric.name : element.id),
    Timestamps: points.map((point) => new Timestamp(point.atS * 1000)),
    Values: points.map((point) => point.value),
    StatusCode: 'Complete',
  }
}

function periodOf(element: QueryElement, elements: readonly QueryElement[]): number {
  const periods = elements.flatMap((other) => other.periodSeconds ?? [])
  return element.periodSeconds ?? Math.max(60, ...periods)
}

export function getMetricStatistics(store: MetricStore, input: Fields): object {
  const metric = {
    namespace: input.text('Namespace'),
    name: input.text('MetricName'),
    dimensions: readDimensions(input.nestedList('Dimensions')),
  }
  const statistics = [...input.texts('Statistics'), ...input.texts('ExtendedStatistics')]
  if (statistics.length === 0) throw invalid('Statistics or ExtendedStatistics is needed')
  const unit = input.optionalText('Unit')
  const window = windowOf(readSpan(input), input.integer('Period'), MAX_STATISTICS_POINTS)
  const datapoints: object[] = []
  for (let index = 0; index < window.length; index++) {
    const fromS = periodStart(window, index)
    const distribution = store.read(metric, {
      fromS,
      toS: fromS + window.periodSeconds,
      ...(unit === undefined ? {} : { unit }),
    })
    if (distribution.count === 0) continue
    const entries = statistics.map((name) => [name, statisticOf(distribution, name)] as const)
    const basic = entries.filter(([name]) => (basicStatistics as readonly string[]).includes(name))
    const extended = entries.filter(
      ([name]) => !(basicStatistics as readonly string[]).includes(name),
    )
    datapoints.push({
      Timestamp: new Timestamp(fromS * 1000),
      ...Object.fromEntries(basic),
      ...(extended.length > 0 ? { ExtendedStatistics: Object.fromEntries(extended) } : {}),
      Unit: unit ?? 'None',
    })
  }
  return { Label: metric.name, Datapoints: datapoints }
}

export function listMetrics(store: MetricStore, input: Fields): object {
  const namespace = input.optionalText('Namespace')
  const name = input.optionalText('MetricName')
  const dimensions = input.nestedList('Dimensions').map((dimension) => ({
    name: dimension.text('Name'),
    value: dimension.optionalText('Value'),
  }))
  const found = store.list().filter(
    (metric) =>
      (namespace === undefined || metric.namespace === namespace) &&
      (name === undefined || metric.name === name) &&
      dimensions.every((wanted) => {
        const actual = metric.dimensions[wanted.name]
        return actual !== undefined && (wanted.value === undefined || wanted.value === actual)
      }),
  )
  const { items, nextToken } = page(found, input, LIST_PAGE)
  return {
    Metrics: items.map((metric) => ({
      Namespace: metric.namespace,
      MetricName: metric.name,
      Dimensions: dimensionList(metric.dimensions),
    })),
    NextToken: nextToken,
  }
}

interface Span {
  readonly fromMs: number
  readonly toMs: number
}

function readSpan(input: Fields): Span {
  const fromMs = timeOf(input.value('StartTime'))
  const toMs = timeOf(input.value('EndTime'))
  if (fromMs === undefined || toMs === undefined || fromMs >= toMs) {
    throw invalid('StartTime and EndTime are needed, and StartTime is before EndTime')
  }
  return { fromMs, toMs }
}

/** The periods from the one that holds the start to the last that begins before the end. */
function windowOf({ fromMs, toMs }: Span, periodSeconds: number, most: number): Window {
  if (
    ![1, 5, 10, 20, 30].includes(periodSeconds) &&
    (periodSeconds <= 0 || periodSeconds % 60 !== 0)
  ) {
    throw invalid(`Period ${periodSeconds} is not 1, 5, 10, 20, 30 or a multiple of 60`)
  }
  const fromS = Math.floor(fromMs / 1000 / periodSeconds) * periodSeconds
  const length = Math.ceil((toMs / 1000 - fromS) / periodSeconds)
  if (length > most)
    throw invalid(`the request asks for ${length} datapoints; at most ${most} are given`)
  return { endS: fromS + length * periodSeconds, periodSeconds, length }
}

function invalid(reason: string): AwsError {
  return new AwsError('InvalidParameterValue', `The request is refused: ${reason}.`)
}
