import { createHash } from 'node:crypto'
import type { Account, Clock, EventBus, Functions, Topics } from '../../platform/types.ts'
import type {
  Alarm,
  AlarmBook,
  AlarmState,
  CompositeAlarmDefinition,
  Transition,
} from './alarm-book.ts'
import type { MetricAlarmDefinition, QueryElement } from './alarm-definition.ts'
import { isExtendedStatistic } from './distribution.ts'
import { alarmTime, regionName } from './texts.ts'

interface NotificationPorts {
  readonly account: Account
  readonly clock: Clock
  readonly topics: Topics
  readonly functions: Functions
  readonly events: EventBus
  readonly book: AlarmBook
}

export interface Notifications {
  /** The event `CloudWatch Alarm State Change` on the default bus. */
  announce(transition: Transition): void
  /** Runs the actions of the alarm's present state (CW-22, CW-31, CW-34). */
  act(transition: Transition): void
}

export function notifications(ports: NotificationPorts): Notifications {
  const { account, clock, book } = ports

  function act({ alarm, previous }: Transition): void {
    if (!alarm.actionsEnabled) return
    for (const arn of actionsFor(alarm)) {
      run(arn, { alarm, previous }).then(
        () => {
          noteAction(alarm, arn, undefined)
        },
        (error: unknown) => {
          noteAction(alarm, arn, error)
        },
      )
    }
  }

  async function run(arn: string, { alarm, previous }: Transition): Promise<void> {
    const service = arn.split(':')[2]
    if (service === 'sns') {
      await ports.topics.publish(arn, {
        subject: `${alarm.state.value}: "${alarm.definition.name}" in ${regionName(account.region)}`,
        body: JSON.stringify(topicMessage(account, alarm, previous)),
        publishedBy: { service: 'cloudwatch.amazonaws.com', sourceArn: alarm.arn },
      })
    } else if (service === 'lambda') {
      await ports.functions.invoke({
        functionName: arn,
        payload: functionPayload(account, alarm, previous),
        invocationType: 'Event',
        invokedBy: { service: 'lambda.alarms.cloudwatch.amazonaws.com', sourceArn: alarm.arn },
      })
    } else throw new TypeError(`actions of ${service ?? arn} are not emulated on one machine`)
  }

  function noteAction(alarm: Alarm, arn: string, error: unknown): void {
    const failed = error !== undefined
    const why = error instanceof Error ? error.message : undefined
    book.note(alarm, {
      type: 'Action',
      summary: failed
        ? `Failed to execute action ${arn}. Received error: "${why ?? ''}"`
        : `Successfully executed action ${arn}`,
      data: JSON.stringify({
        actionState: failed ? 'Failed' : 'Succeeded',
        notificationResource: arn,
        ...(why === undefined ? {} : { error: why }),
      }),
    })
  }

  return {
    act,
    announce({ alarm, previous }) {
      const detail = {
        alarmName: alarm.definition.name,
        state: stateDetail(alarm.state, alarm),
        previousState: stateDetail(previous),
        configuration: configurationDetail(alarm),
      }
      const event = {
        source: 'aws.cloudwatch',
        detailType: 'CloudWatch Alarm State Change',
        resources: [alarm.arn],
        detail,
      }
      ports.events.put(event).catch((error: unknown) => {
        const why = error instanceof Error ? error.message : String(error)
        book.note(alarm, {
          type: 'Action',
          summary: `Failed to send the state change event. Received error: "${why}"`,
          data: JSON.stringify({ actionState: 'Failed', at: alarmTime(clock.now()) }),
        })
      })
    },
  }
}

function actionsFor({ definition, state }: Alarm): readonly string[] {
  switch (state.value) {
    case 'OK':
      return definition.actions.ok
    case 'ALARM':
      return definition.actions.alarm
    case 'INSUFFICIENT_DATA':
      return definition.actions.insufficientData
  }
}

/** CW-31. */
function topicMessage(account: Account, alarm: Alarm, previous: AlarmState): object {
  const { definition, state } = alarm
  const common = {
    AlarmName: definition.name,
    AlarmDescription: definition.description ?? null,
    AWSAccountId: account.accountId,
    AlarmConfigurationUpdatedTimestamp: alarmTime(alarm.configuredMs),
    NewStateValue: state.value,
    NewStateReason: state.reason,
    StateChangeTime: alarmTime(state.transitionedMs),
    Region: regionName(account.region),
    AlarmArn: alarm.arn,
    OldStateValue: previous.value,
    OKActions: definition.actions.ok,
    AlarmActions: definition.actions.alarm,
    InsufficientDataActions: definition.actions.insufficientData,
  }
  if (definition.kind === 'metric') return { ...common, Trigger: trigger(definition) }
  return {
    ...common,
    AlarmRule: definition.ruleText,
    TriggeringChildren: triggeringChildren(state),
  }
}

function triggeringChildren(state: AlarmState): readonly object[] {
  const data = JSON.parse(state.reasonData ?? '{}') as {
    triggeringAlarms?: readonly { arn: string; state: { value: string; timestamp: string } }[]
  }
  return (data.triggeringAlarms ?? []).map(({ arn, state: child }) => ({
    Arn: arn,
    State: { Value: child.value, Timestamp: child.timestamp },
  }))
}

const UPPER: Readonly<Record<string, string>> = { SampleCount: 'SAMPLE_COUNT' }

function trigger(definition: MetricAlarmDefinition): object {
  const { datapointsToAlarm, evaluateLowSampleCountPercentile } = definition
  const common = {
    Period: definition.periodSeconds,
    EvaluationPeriods: definition.evaluationPeriods,
    ...(datapointsToAlarm === undefined ? {} : { DatapointsToAlarm: datapointsToAlarm }),
    ComparisonOperator: definition.comparison,
    Threshold: definition.threshold,
    TreatMissingData: definition.treatMissingData,
    EvaluateLowSampleCountPercentile: evaluateLowSampleCountPercentile ?? '',
  }
  const [only] = definition.elements
  if (!definition.isSingleMetric || only?.kind !== 'metric') {
    return { ...common, Metrics: definition.elements.map(triggerElement) }
  }
  const { metric, statistic, unit } = only
  const isExtended = isExtendedStatistic(statistic)
  return {
    MetricName: metric.name,
    Namespace: metric.namespace,
    StatisticType: isExtended ? 'ExtendedStatistic' : 'Statistic',
    ...(isExtended
      ? { ExtendedStatistic: statistic }
      : { Statistic: UPPER[statistic] ?? statistic.toUpperCase() }),
    Unit: unit ?? null,
    Dimensions: lowerDimensions(metric.dimensions),
    ...common,
  }
}

function triggerElement(element: QueryElement): object {
  const common = {
    Id: element.id,
    ReturnData: element.returnData,
    ...(element.label === undefined ? {} : { Label: element.label }),
  }
  if (element.kind === 'expression') return { Expression: element.source, ...common }
  const { namespace, name, dimensions } = element.metric
  return {
    ...common,
    MetricStat: {
      Metric: { Dimensions: lowerDimensions(dimensions), MetricName: name, Namespace: namespace },
      Period: element.periodSeconds,
      Stat: element.statistic,
    },
  }
}

function lowerDimensions(dimensions: Readonly<Record<string, string>>): readonly object[] {
  return Object.entries(dimensions).map(([name, value]) => ({ value, name }))
}

/** CW-34. */
function functionPayload(account: Account, alarm: Alarm, previous: AlarmState): object {
  return {
    source: 'aws.cloudwatch',
    alarmArn: alarm.arn,
    accountId: account.accountId,
    time: alarmTime(alarm.state.transitionedMs),
    region: account.region,
    alarmData: {
      alarmName: alarm.definition.name,
      state: stateDetail(alarm.state, alarm),
      previousState: stateDetail(previous),
      configuration: configurationDetail(alarm),
    },
  }
}

function stateDetail(state: AlarmState, alarm?: Alarm): object {
  return {
    value: state.value,
    reason: state.reason,
    ...(state.reasonData === undefined ? {} : { reasonData: state.reasonData }),
    timestamp: alarmTime(state.transitionedMs),
    ...(alarm?.suppressedBy === undefined ? {} : { actionsSuppressedBy: alarm.suppressedBy }),
  }
}

function configurationDetail({ definition }: Alarm): object {
  const description =
    definition.description === undefined ? {} : { description: definition.description }
  if (definition.kind === 'composite')
    return { alarmRule: definition.ruleText, ...description, ...suppressorDetail(definition) }
  return {
    ...description,
    metrics: definition.elements.map((element) => metricDetail(definition, element)),
  }
}

function suppressorDetail({ suppressor }: CompositeAlarmDefinition): object {
  if (!suppressor) return {}
  return {
    actionsSuppressor: suppressor.alarm,
    actionsSuppressorWaitPeriod: suppressor.waitSeconds,
    actionsSuppressorExtensionPeriod: suppressor.extensionSeconds,
  }
}

function metricDetail(definition: MetricAlarmDefinition, element: QueryElement): object {
  // CloudWatch gives the one metric of a plain alarm an id of its own.
  const id = definition.isSingleMetric ? uuidOf(definition.name) : element.id
  const common = {
    id,
    returnData: element.returnData,
    ...(element.label === undefined ? {} : { label: element.label }),
  }
  if (element.kind === 'expression') return { ...common, expression: element.source }
  const { namespace, name, dimensions } = element.metric
  return {
    ...common,
    metricStat: {
      metric: { namespace, name, dimensions },
      period: element.periodSeconds,
      stat: element.statistic,
    },
  }
}

function uuidOf(name: string): string {
  const hex = createHash('md5').update(name).digest('hex')
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-')
}
