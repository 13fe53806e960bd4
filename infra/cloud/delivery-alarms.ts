import { Duration } from 'aws-cdk-lib'
import { Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import type { Construct } from 'constructs'
import { metrics } from '../../backend/src/contract.ts'
import type { Foundation } from './foundation.ts'
import type { AlarmDefinition } from './monitoring/notifications.ts'
import type { ServiceFunction } from './service-function.ts'

/** A minute without a bad event is a good minute. */
const missing = TreatMissingData.NOT_BREACHING

/** Lag that nobody takes for live any more. */
const STANDSTILL_MS = 10 * 60_000

/** The alarms of everything between the stream and the sockets (ALERT-4, ALERT-17, ALERT-18, ALERT-24–ALERT-26, ALERT-37–ALERT-41, ALERT-54). */
export function addDeliveryAlarms(
  owner: Construct,
  deliver: ServiceFunction,
  { notifications, config }: Foundation,
): void {
  for (const definition of [
    ...lagAlarms(deliver, config.ingest.maxRecordAgeSeconds),
    ...failureAlarms(deliver),
    ...postAlarms(deliver),
  ])
    notifications.alarm(owner, definition)
}

function lagAlarms(deliver: ServiceFunction, maxRecordAgeSeconds: number): AlarmDefinition[] {
  const iteratorAge = deliver.function.metric('IteratorAge', {
    statistic: Stats.MAXIMUM,
    period: Duration.minutes(1),
  })
  return [
    {
      name: 'deliver-iterator-age',
      severity: 'P2',
      what: 'deliver is more than 30 s behind the stream',
      impact: 'Charts lag; ages of values on the dashboard grow',
      metric: iteratorAge,
      threshold: 30_000,
      datapoints: [3, 5],
      missing,
    },
    {
      name: 'deliver-iterator-age-critical',
      severity: 'P1',
      what: 'deliver is more than ten minutes behind the stream: charts stand still',
      impact: 'Nobody sees what the devices do now; records are given up in the end',
      metric: iteratorAge,
      // Before half of the age at which the mapping gives up, however low that is set.
      threshold: Math.min(STANDSTILL_MS, (maxRecordAgeSeconds * 1_000) / 2),
      datapoints: [3, 3],
      missing,
    },
    {
      name: 'delivery-latency',
      severity: 'P2',
      what: 'One reading in a hundred takes more than 2 s from the broker to the socket',
      impact: 'Live charts are not live',
      metric: deliver.metric(metrics.deliveryLatency, 'p99'),
      threshold: 2_000,
      datapoints: [3, 5],
      missing,
    },
  ]
}

function failureAlarms(deliver: ServiceFunction): AlarmDefinition[] {
  const period = Duration.minutes(1)
  return [
    {
      name: 'deliver-errors',
      severity: 'P2',
      what: 'deliver fails on whole batches',
      impact: 'Readings are delayed while the batch is split and tried again',
      metric: deliver.function.metricErrors({ period }),
      threshold: 0,
      datapoints: [3, 5],
      missing,
    },
    {
      name: 'deliver-throttled',
      severity: 'P2',
      what: 'Lambda does not let deliver run: its concurrency or the account limit is used up',
      impact: 'Charts lag',
      metric: deliver.function.metricThrottles({ period }),
      threshold: 0,
      datapoints: [3, 5],
      missing,
    },
    {
      name: 'deliver-slow',
      severity: 'P2',
      what: 'A batch takes more than 24 of the 30 s that deliver may run',
      impact: 'Charts lag; the next slow batch may time out and be delivered twice',
      metric: deliver.function.metricDuration({ period, statistic: 'p99' }),
      threshold: 24_000,
      datapoints: [3, 5],
      missing,
    },
    {
      name: 'readings-rejected',
      severity: 'P3',
      what: 'Devices send payloads that are not telemetry',
      impact: 'Those readings are not on charts; the originals are in the Rejects table',
      metric: deliver.metric(metrics.readingsRejected),
      threshold: 0,
      datapoints: [3, 5],
      missing,
    },
    {
      name: 'sequence-conflicts',
      severity: 'P3',
      what: 'Devices give different readings the same counter of the same boot',
      impact: 'Of each two the first holds; the other is on no chart and in no history',
      metric: deliver.metric(metrics.sequenceConflicts),
      threshold: 0,
      datapoints: [3, 5],
      missing,
    },
  ]
}

function postAlarms(deliver: ServiceFunction): AlarmDefinition[] {
  return [
    {
      name: 'posts-failed',
      severity: 'P2',
      what: 'Posts to sockets fail for other reasons than a closed or slow socket',
      impact: 'Some dashboards show marked gaps',
      metric: deliver.metric(metrics.postsFailed),
      threshold: 0,
      datapoints: [3, 5],
      missing,
    },
    {
      name: 'posts-forbidden',
      severity: 'P1',
      what: 'API Gateway refuses the posts of deliver',
      impact: 'No dashboard receives anything',
      metric: deliver.metric(metrics.postsForbidden),
      threshold: 0,
      datapoints: [1, 2],
      missing,
    },
    {
      name: 'posts-throttled',
      severity: 'P2',
      what: 'Posts are throttled: the account limit, or sockets that read too slowly',
      impact: 'The dashboards concerned show the newest values only, and say so',
      metric: deliver.metric(metrics.postsThrottled),
      threshold: 0,
      datapoints: [3, 5],
      missing,
    },
    {
      name: 'posts-slow',
      severity: 'P3',
      what: 'Posts run into the deadline of one second',
      impact: 'The dashboards concerned show the newest values only, and say so',
      metric: deliver.metric(metrics.postsSlow),
      threshold: 0,
      datapoints: [3, 5],
      missing,
    },
    {
      name: 'readings-shed',
      severity: 'P3',
      what: 'Readings are left out of pushes for ten minutes on end',
      impact: 'Charts show marked gaps that close when history is read',
      metric: deliver.metric(metrics.readingsShed),
      threshold: 0,
      datapoints: [10, 10],
      missing,
    },
  ]
}
