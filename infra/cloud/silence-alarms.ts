import { Duration } from 'aws-cdk-lib'
import {
  ComparisonOperator,
  MathExpression,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch'
import type { Stream } from 'aws-cdk-lib/aws-kinesis'
import { Construct, type IDependable } from 'constructs'
import { metrics } from '../../backend/src/contract.ts'
import type { Foundation } from './foundation.ts'
import type { AlarmDefinition } from './monitoring/notifications.ts'
import type { ServiceFunction } from './service-function.ts'

export interface SilenceAlarmsProps {
  readonly foundation: Foundation
  readonly stream: Stream
  readonly deliver: ServiceFunction
  readonly sweeper: ServiceFunction
  /** What takes minutes to create: by then the sweeper has reported, and a new stack begins without an alarm. */
  readonly after: readonly IDependable[]
}

/**
 * The alarms that notice that nothing happens at all (ALERT-17, ALERT-18). Nothing is only wrong where something is due: records that
 * wait, a fleet that was sending, a schedule. A stack without devices has none of them.
 */
export class SilenceAlarms extends Construct {
  constructor(scope: Construct, id: string, props: SilenceAlarmsProps) {
    super(scope, id)
    for (const definition of [deliverSilent(props), fleetSilent(props), sweeperSilent(props)])
      props.foundation.notifications.alarm(this, definition).node.addDependency(...props.after)
  }
}

function deliverSilent({ stream, deliver }: SilenceAlarmsProps): AlarmDefinition {
  const period = Duration.minutes(1)
  return {
    name: 'deliver-heartbeat-missing',
    severity: 'P1',
    what: 'Records arrive, but deliver has finished no batch for three minutes',
    impact: 'No dashboard receives new readings',
    metric: new MathExpression({
      expression: 'IF((FILL(records, 0) > 0) AND (FILL(batches, 0) < 1), 1, 0)',
      usingMetrics: {
        records: stream.metric('IncomingRecords', { statistic: Stats.SUM, period }),
        batches: deliver.metric(metrics.heartbeat, Stats.SAMPLE_COUNT),
      },
      period,
      label: 'records without a batch',
    }),
    threshold: 0,
    // A heartbeat that comes late counts as missing in its minute, one of three minutes only.
    datapoints: [3, 5],
    // The expression always has a value.
    missing: TreatMissingData.NOT_BREACHING,
  }
}

function fleetSilent({ sweeper }: SilenceAlarmsProps): AlarmDefinition {
  return {
    name: 'ingest-silence',
    severity: 'P1',
    what: 'No reading has arrived for five minutes, from a fleet that was sending',
    impact: 'Every value on the dashboard is stale',
    metric: sweeper.metric(metrics.newestReadingAge, Stats.MAXIMUM),
    // Older than that in two minutes on end; a system that starts on kept data has a minute to hear from its devices.
    threshold: 240,
    datapoints: [2, 2],
    // No devices, or none for a day: the sweeper says nothing. That it is silent itself has an alarm of its own.
    missing: TreatMissingData.NOT_BREACHING,
  }
}

function sweeperSilent({ sweeper }: SilenceAlarmsProps): AlarmDefinition {
  return {
    name: 'sweeper-silent',
    severity: 'P2',
    what: 'The sweeper has not reported for five minutes',
    impact: 'Rows of vanished sockets pile up; commands stay open; the gauges are blind',
    // Not filled with zeros: a report that comes late is none of a silent minute, and the minutes before the first report are no silence.
    metric: sweeper.metric(metrics.connections, Stats.SAMPLE_COUNT),
    threshold: 1,
    comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
    datapoints: [3, 3],
    missing: TreatMissingData.BREACHING,
  }
}
