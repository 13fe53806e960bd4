import { Duration } from 'aws-cdk-lib'
import { Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import type { Stream } from 'aws-cdk-lib/aws-kinesis'
import type { Construct } from 'constructs'
import type { Foundation } from './foundation.ts'
import { sumOf } from './monitoring/notifications.ts'

/** The alarms of everything between the devices and the stream (ALERT-7–ALERT-9, ALERT-13, ALERT-14, ALERT-19). */
export function addIngestAlarms(
  owner: Construct,
  { stream, ruleName }: { readonly stream: Stream; readonly ruleName: string },
  { notifications }: Foundation,
): void {
  const missing = TreatMissingData.NOT_BREACHING
  notifications.alarm(owner, {
    name: 'rule-failures',
    severity: 'P2',
    what: 'The telemetry rule cannot put messages on the stream',
    impact: 'New readings do not reach any dashboard; they are kept in the error queue',
    metric: iotMetric('Failure', { RuleName: ruleName, ActionType: 'Kinesis' }),
    threshold: 0,
    datapoints: [1, 2],
    missing,
  })
  notifications.alarm(owner, {
    name: 'rule-error-action-failures',
    severity: 'P1',
    what: 'A message could neither be put on the stream nor be kept in the error queue',
    impact: 'Readings are lost for good',
    // AWS documents the dimension and not its values: whichever way SQS is spelled.
    metric: sumOf(
      {
        sqs: iotMetric('ErrorActionFailure', { RuleName: ruleName, ActionType: 'Sqs' }),
        sqsCapitals: iotMetric('ErrorActionFailure', { RuleName: ruleName, ActionType: 'SQS' }),
      },
      'error actions that failed',
    ),
    threshold: 0,
    datapoints: [1, 1],
    missing,
  })
  notifications.alarm(owner, {
    name: 'rule-throttled',
    severity: 'P2',
    what: 'IoT Core throttles the telemetry rule',
    impact: 'Readings arrive late or not at all',
    metric: iotMetric('RuleMessageThrottled', { RuleName: ruleName }),
    threshold: 0,
    datapoints: [2, 3],
    missing,
  })
  notifications.alarm(owner, {
    name: 'publishes-throttled',
    severity: 'P2',
    what: 'Devices publish faster than IoT Core accepts, and it discards the rest',
    impact: 'Readings of these devices are missing; their counters show a gap',
    metric: iotMetric('PublishIn.Throttle', { Protocol: 'MQTT' }),
    threshold: 0,
    datapoints: [3, 5],
    missing,
  })
  notifications.alarm(owner, {
    name: 'publishes-denied',
    severity: 'P3',
    what: 'Devices publish to topics that are not theirs',
    impact: 'None for users; a device is misconfigured or pretends to be another',
    metric: iotMetric('PublishIn.AuthError', { Protocol: 'MQTT' }),
    threshold: 0,
    datapoints: [3, 5],
    missing,
  })
  notifications.alarm(owner, {
    name: 'stream-throttled',
    severity: 'P2',
    what: 'The stream refuses records: a shard is at its limit',
    impact: 'Readings arrive late, or wait in the error queue',
    metric: stream.metric('WriteProvisionedThroughputExceeded', {
      statistic: Stats.SUM,
      period: Duration.minutes(1),
    }),
    threshold: 0,
    datapoints: [3, 5],
    missing,
  })
}

function iotMetric(metricName: string, dimensionsMap: Record<string, string>): Metric {
  return new Metric({
    namespace: 'AWS/IoT',
    metricName,
    dimensionsMap,
    statistic: Stats.SUM,
    period: Duration.minutes(1),
  })
}
