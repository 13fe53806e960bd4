import { Duration, Stack } from 'aws-cdk-lib'
import {
  type Alarm,
  type AlarmBase,
  Alarm as MetricAlarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  type TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import type { Topic } from 'aws-cdk-lib/aws-sns'
import { Construct } from 'constructs'
import type { Config } from '../config.ts'
import { ConfigError } from '../config-values.ts'
import { alarmTopic } from './alarm-topic.ts'

/** P1: wakes somebody. P2: a ticket of the same working day. P3: for information. */
type Severity = 'P1' | 'P2' | 'P3'

/** Which of the three topics tells of which severity: who carries the pager subscribes to one of them only. */
const topicNames = { P1: 'Page', P2: 'Ticket', P3: 'Information' } as const satisfies Record<
  Severity,
  string
>

/** Everything an on-call engineer is told, and when. */
export interface AlarmDefinition {
  /** Kebab-case; with the stack's name in front the alarm's name, and the anchor of its runbook section. */
  readonly name: string
  readonly severity: Severity
  /** What is wrong, one sentence without a full stop. */
  readonly what: string
  /** What a user notices. */
  readonly impact: string
  readonly metric: IMetric
  readonly threshold: number
  readonly comparison?: ComparisonOperator
  /** M of N periods. */
  readonly datapoints: readonly [datapointsToAlarm: number, evaluationPeriods: number]
  readonly missing: TreatMissingData
}

/** The topics that tell people, one for each severity, and the rules that every alarm obeys. */
export class Notifications extends Construct {
  readonly topics: Readonly<Record<Severity, Topic>>
  readonly alarms: AlarmBase[] = []

  constructor(scope: Construct, id: string, { alarmEmail }: Config) {
    super(scope, id)
    const topic = (severity: Severity): Topic => alarmTopic(this, topicNames[severity], alarmEmail)
    this.topics = { P1: topic('P1'), P2: topic('P2'), P3: topic('P3') }
  }

  /**
   * Adds an alarm to the component that owns its metric; tells people when it goes off and when it is over.
   * Throws {@link ConfigError} for a window that CloudWatch would refuse only at deployment (CONFIG-8, CW-2).
   */
  alarm(owner: Construct, definition: AlarmDefinition): Alarm {
    checkWindow(definition)
    const [datapointsToAlarm, evaluationPeriods] = definition.datapoints
    const alarm = new MetricAlarm(owner, constructId(definition.name), {
      alarmName: `${Stack.of(this).stackName}-${definition.name}`,
      alarmDescription: describe(definition),
      metric: definition.metric,
      threshold: definition.threshold,
      comparisonOperator: definition.comparison ?? ComparisonOperator.GREATER_THAN_THRESHOLD,
      datapointsToAlarm,
      evaluationPeriods,
      treatMissingData: definition.missing,
    })
    const action = new SnsAction(this.topics[definition.severity])
    alarm.addAlarmAction(action)
    alarm.addOkAction(action)
    this.alarms.push(alarm)
    return alarm
  }
}

/**
 * The sum of sparse metrics, with 0 where nothing was emitted, so that the alarm has a state from the first minute on. At most ten
 * (CW-27); names are lower-case words.
 */
export function sumOf(metrics: Readonly<Record<string, IMetric>>, label: string): MathExpression {
  return new MathExpression({
    expression: Object.keys(metrics)
      .map((name) => `FILL(${name}, 0)`)
      .join(' + '),
    usingMetrics: { ...metrics },
    period: Duration.minutes(1),
    label,
  })
}

/** One line, as the dashboard splits it: severity | what | impact | runbook. */
function describe({ name, severity, what, impact }: AlarmDefinition): string {
  return `${severity} | ${what} | ${impact} | Runbook: docs/runbook.md#${name}`
}

function constructId(name: string): string {
  return `${name.replace(/(?:^|-)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())}Alarm`
}

function checkWindow({ name, metric, datapoints: [m, n] }: AlarmDefinition): void {
  const config = metric.toMetricConfig()
  const period =
    config.metricStat?.period.toSeconds() ?? config.mathExpression?.period ?? Number.NaN
  const longest = period < 3_600 ? 86_400 : 604_800
  if (period % 60 === 0 && period * n <= longest && m >= 1 && m <= n) return
  throw new ConfigError(
    `Alarm ${name}: ${m} of ${n} periods of ${period} s. CloudWatch takes whole minutes, at most ${longest} s in all for this period, and 1 ≤ M ≤ N.`,
  )
}
