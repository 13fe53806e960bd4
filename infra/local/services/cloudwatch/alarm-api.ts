import { AwsError } from '../../platform/errors.ts'
import type { Fields } from '../../platform/fields.ts'
import type { Alarm, AlarmBook, CompositeAlarmDefinition } from './alarm-book.ts'
import type { MetricAlarmDefinition, QueryElement } from './alarm-definition.ts'
import { isExtendedStatistic } from './distribution.ts'
import type { StateValue } from './verdict.ts'
import { Timestamp, timeOf } from './wire.ts'

const STATES: readonly string[] = ['OK', 'ALARM', 'INSUFFICIENT_DATA']
const MAX_RECORDS = 100
const MAX_REASON = 1023

/** DescribeAlarms: without AlarmTypes only metric alarms, as CloudWatch does. */
export function describeAlarms(book: AlarmBook, input: Fields): object {
  const types = input.has('AlarmTypes') ? input.texts('AlarmTypes') : ['MetricAlarm']
  const names = input.texts('AlarmNames')
  const prefix = input.optionalText('AlarmNamePrefix') ?? ''
  const state = input.optionalText('StateValue')
  const actionPrefix = input.optionalText('ActionPrefix')
  const found = book
    .list()
    .filter(
      ({ definition, state: present }) =>
        types.includes(typeOf(definition.kind)) &&
        (names.length === 0 || names.includes(definition.name)) &&
        definition.name.startsWith(prefix) &&
        (state === undefined || present.value === state) &&
        (actionPrefix === undefined ||
          allActions(definition.actions).some((arn) => arn.startsWith(actionPrefix))),
    )
  const { items, nextToken } = page(found, input)
  const metric = items.flatMap((alarm) =>
    alarm.definition.kind === 'metric' ? describeMetric(alarm, alarm.definition) : [],
  )
  const composite = items.flatMap((alarm) =>
    alarm.definition.kind === 'composite' ? describeComposite(alarm, alarm.definition) : [],
  )
  return { MetricAlarms: metric, CompositeAlarms: composite, NextToken: nextToken }
}

export function describeAlarmHistory(book: AlarmBook, input: Fields): object {
  const name = input.optionalText('AlarmName')
  const type = input.optionalText('HistoryItemType')
  const types = input.has('AlarmTypes') ? input.texts('AlarmTypes') : ['MetricAlarm']
  const fromMs = timeOf(input.value('StartDate')) ?? 0
  const toMs = timeOf(input.value('EndDate')) ?? Number.POSITIVE_INFINITY
  const found = book
    .history()
    .filter(
      (item) =>
        types.includes(item.alarmType) &&
        (name === undefined || item.alarmName === name) &&
        (type === undefined || item.type === type) &&
        item.timestampMs >= fromMs &&
        item.timestampMs <= toMs,
    )
  const ordered =
    input.optionalText('ScanBy') === 'TimestampAscending' ? [...found].reverse() : found
  const { items, nextToken } = page(ordered, input)
  return {
    AlarmHistoryItems: items.map((item) => ({
      AlarmName: item.alarmName,
      AlarmType: item.alarmType,
      Timestamp: new Timestamp(item.timestampMs),
      HistoryItemType: item.type,
      HistorySummary: item.summary,
      HistoryData: item.data,
    })),
    NextToken: nextToken,
  }
}

/** CW-23: lasts until the next evaluation, and runs the actions. */
export function setAlarmState(book: AlarmBook, input: Fields): object {
  const alarm = book.get(input.text('AlarmName'))
  const value = input.text('StateValue')
  if (!STATES.includes(value)) {
    throw new AwsError('ValidationError', `StateValue ${value} is not one of ${STATES.join(', ')}.`)
  }
  const reason = input.text('StateReason')
  if (reason.length > MAX_REASON)
    throw new AwsError('ValidationError', 'StateReason is longer than 1023 characters.')
  const reasonData = input.optionalText('StateReasonData')
  if (reasonData !== undefined) checkJson(reasonData)
  book.setState(alarm, {
    value: value as StateValue,
    reason,
    ...(reasonData === undefined ? {} : { reasonData }),
  })
  return {}
}

export function switchActions(book: AlarmBook, input: Fields, enabled: boolean): object {
  for (const name of input.texts('AlarmNames')) {
    const alarm = book.find(name)
    if (alarm) alarm.actionsEnabled = enabled
  }
  return {}
}

function checkJson(text: string): void {
  try {
    JSON.parse(text)
  } catch (cause) {
    throw new AwsError('InvalidFormat', 'StateReasonData is not JSON.', { cause })
  }
}

function describeCommon(alarm: Alarm): object {
  const { definition, state } = alarm
  return {
    AlarmName: definition.name,
    AlarmArn: alarm.arn,
    AlarmDescription: definition.description,
    AlarmConfigurationUpdatedTimestamp: new Timestamp(alarm.configuredMs),
    ActionsEnabled: alarm.actionsEnabled,
    OKActions: definition.actions.ok,
    AlarmActions: definition.actions.alarm,
    InsufficientDataActions: definition.actions.insufficientData,
    StateValue: state.value,
    StateReason: state.reason,
    StateReasonData: state.reasonData,
    StateUpdatedTimestamp: new Timestamp(state.updatedMs),
    StateTransitionedTimestamp: new Timestamp(state.transitionedMs),
  }
}

function describeMetric(alarm: Alarm, definition: MetricAlarmDefinition): object {
  const [only] = definition.elements
  const single =
    definition.isSingleMetric && only?.kind === 'metric' ? singleMetric(only) : undefined
  return {
    ...describeCommon(alarm),
    ...(single ?? { Metrics: definition.elements.map(describeElement), Dimensions: [] }),
    EvaluationPeriods: definition.evaluationPeriods,
    DatapointsToAlarm: definition.datapointsToAlarm,
    Threshold: definition.threshold,
    ComparisonOperator: definition.comparison,
    TreatMissingData: definition.treatMissingData,
    EvaluateLowSampleCountPercentile: definition.evaluateLowSampleCountPercentile,
  }
}

function singleMetric(element: Extract<QueryElement, { kind: 'metric' }>): object {
  const { metric, statistic } = element
  return {
    MetricName: metric.name,
    Namespace: metric.namespace,
    ...(isExtendedStatistic(statistic)
      ? { ExtendedStatistic: statistic }
      : { Statistic: statistic }),
    Dimensions: dimensionList(metric.dimensions),
    Period: element.periodSeconds,
    Unit: element.unit,
  }
}

function describeElement(element: QueryElement): object {
  const common = { Id: element.id, Label: element.label, ReturnData: element.returnData }
  if (element.kind === 'expression') return { ...common, Expression: element.source }
  const { metric, periodSeconds, statistic, unit } = element
  return {
    ...common,
    MetricStat: {
      Metric: {
        Namespace: metric.namespace,
        MetricName: metric.name,
        Dimensions: dimensionList(metric.dimensions),
      },
      Period: periodSeconds,
      Stat: statistic,
      Unit: unit,
    },
  }
}

function describeComposite(alarm: Alarm, definition: CompositeAlarmDefinition): object {
  const { suppressor } = definition
  return {
    ...describeCommon(alarm),
    AlarmRule: definition.ruleText,
    ...(suppressor
      ? {
          ActionsSuppressor: suppressor.alarm,
          ActionsSuppressorWaitPeriod: suppressor.waitSeconds,
          ActionsSuppressorExtensionPeriod: suppressor.extensionSeconds,
        }
      : {}),
    ActionsSuppressedBy: alarm.suppressedBy,
  }
}

/** Dimensions as the API writes them. */
export function dimensionList(dimensions: Readonly<Record<string, string>>): readonly object[] {
  return Object.entries(dimensions).map(([name, value]) => ({ Name: name, Value: value }))
}

function typeOf(kind: 'metric' | 'composite'): string {
  return kind === 'metric' ? 'MetricAlarm' : 'CompositeAlarm'
}

function allActions(actions: Alarm['definition']['actions']): readonly string[] {
  return [...actions.ok, ...actions.alarm, ...actions.insufficientData]
}

/** One page of a list; the token is the position of the next. */
export function page<T>(
  all: readonly T[],
  input: Fields,
  most = MAX_RECORDS,
): { readonly items: readonly T[]; readonly nextToken: string | undefined } {
  const start = Number(input.optionalText('NextToken') ?? 0)
  if (!Number.isInteger(start) || start < 0) {
    throw new AwsError('InvalidNextToken', 'The NextToken is not one of this operation.')
  }
  const end = start + Math.min(most, input.optionalInteger('MaxRecords') ?? most)
  return { items: all.slice(start, end), nextToken: end < all.length ? String(end) : undefined }
}
