import { AwsError } from '../../platform/errors.ts'
import { propertiesOf } from '../../platform/fields.ts'
import type { Fields } from '../../platform/fields.ts'
import { physicalName } from '../../platform/naming.ts'
import type {
  Account,
  PropertySpec,
  ResolvedResource,
  ResourceProvider,
} from '../../platform/types.ts'
import type { AlarmBook, AlarmDefinition, CompositeAlarmDefinition } from './alarm-book.ts'
import { readActions, readMetricAlarm } from './alarm-definition.ts'
import { readCompositeRule } from './composite-rule.ts'
import type { Composites } from './composites.ts'
import { checkDashboard } from './dashboards.ts'
import type { Dashboards } from './dashboards.ts'

interface ProviderOptions {
  readonly account: Account
  readonly book: AlarmBook
  readonly composites: Composites
  readonly dashboards: Dashboards
}

const METRIC: PropertySpec = {
  Namespace: 'used',
  MetricName: 'used',
  Dimensions: [{ Name: 'used', Value: 'used' }],
}
const COMMON: Readonly<Record<string, PropertySpec>> = {
  AlarmName: 'used',
  AlarmDescription: 'used',
  ActionsEnabled: 'used',
  AlarmActions: 'used',
  OKActions: 'used',
  InsufficientDataActions: 'used',
  // Nothing on one machine reads tags.
  Tags: 'inert',
}

/** `AWS::CloudWatch::Alarm`, `::CompositeAlarm`, `::Dashboard` (CFN-19), and a refusal of `::AnomalyDetector`. */
export function cloudWatchProviders(options: ProviderOptions): readonly ResourceProvider[] {
  return [metricAlarm(options), compositeAlarm(options), dashboard(options), anomalyDetector()]
}

function metricAlarm(options: ProviderOptions): ResourceProvider {
  return alarmProvider(options, {
    type: 'AWS::CloudWatch::Alarm',
    properties: {
      ...COMMON,
      MetricName: 'used',
      Namespace: 'used',
      Dimensions: [{ Name: 'used', Value: 'used' }],
      Period: 'used',
      Statistic: 'used',
      ExtendedStatistic: 'used',
      Unit: 'used',
      Metrics: [
        {
          Id: 'used',
          Expression: 'used',
          Label: 'used',
          ReturnData: 'used',
          Period: 'used',
          AccountId: 'used',
          MetricStat: { Metric: METRIC, Period: 'used', Stat: 'used', Unit: 'used' },
        },
      ],
      ThresholdMetricId: 'used',
      EvaluationPeriods: 'used',
      DatapointsToAlarm: 'used',
      Threshold: 'used',
      ComparisonOperator: 'used',
      TreatMissingData: 'used',
      EvaluateLowSampleCountPercentile: 'used',
    },
    read: readMetricAlarm,
  })
}

function compositeAlarm(options: ProviderOptions): ResourceProvider {
  return alarmProvider(options, {
    type: 'AWS::CloudWatch::CompositeAlarm',
    properties: {
      ...COMMON,
      AlarmRule: 'used',
      ActionsSuppressor: 'used',
      ActionsSuppressorWaitPeriod: 'used',
      ActionsSuppressorExtensionPeriod: 'used',
    },
    read: readCompositeAlarm,
  })
}

/** Reads a composite alarm; the suppressor needs both of its periods. */
export function readCompositeAlarm(name: string, properties: Fields): CompositeAlarmDefinition {
  const ruleText = properties.text('AlarmRule')
  const suppressor = properties.optionalText('ActionsSuppressor')
  return {
    kind: 'composite',
    name,
    description: properties.optionalText('AlarmDescription'),
    actions: readActions(properties),
    ruleText,
    rule: readCompositeRule(ruleText),
    ...(suppressor === undefined
      ? {}
      : {
          suppressor: {
            alarm: suppressor,
            waitSeconds: properties.integer('ActionsSuppressorWaitPeriod'),
            extensionSeconds: properties.integer('ActionsSuppressorExtensionPeriod'),
          },
        }),
  }
}

function alarmProvider(
  { account, book, composites }: ProviderOptions,
  kind: Pick<ResourceProvider, 'type' | 'properties'> & {
    readonly read: (name: string, properties: Fields) => AlarmDefinition
  },
): ResourceProvider {
  const nameOf = (resource: ResolvedResource): string =>
    propertiesOf(resource).optionalText('AlarmName') ??
    physicalName(account.stackName, resource.logicalId, 255)
  const create: ResourceProvider['create'] = (resource) => {
    const alarm = book.put(kind.read(nameOf(resource), propertiesOf(resource)))
    composites.refresh(alarm)
    return { ref: alarm.definition.name, attributes: { Arn: alarm.arn } }
  }
  return {
    type: kind.type,
    properties: kind.properties,
    create,
    update: create,
    delete(resource) {
      book.remove(nameOf(resource))
    },
  }
}

function dashboard({ account, dashboards }: ProviderOptions): ResourceProvider {
  const nameOf = (resource: ResolvedResource): string =>
    propertiesOf(resource).optionalText('DashboardName') ??
    physicalName(account.stackName, resource.logicalId, 255)
  const create: ResourceProvider['create'] = (resource) => {
    const name = nameOf(resource)
    const body = propertiesOf(resource).text('DashboardBody')
    checkDashboard(name, body)
    dashboards.put(name, body)
    return { ref: name }
  }
  return {
    type: 'AWS::CloudWatch::Dashboard',
    properties: { DashboardName: 'used', DashboardBody: 'used' },
    create,
    update: create,
    delete(resource) {
      dashboards.remove(nameOf(resource))
    },
  }
}

function anomalyDetector(): ResourceProvider {
  return {
    type: 'AWS::CloudWatch::AnomalyDetector',
    properties: { '*': 'used' },
    create(resource) {
      throw new AwsError(
        'ValidationError',
        `${resource.logicalId}: anomaly detection is not emulated on one machine; alarm on a fixed threshold instead.`,
      )
    },
  }
}
