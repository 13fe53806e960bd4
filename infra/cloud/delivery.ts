import { Duration } from 'aws-cdk-lib'
import { ComparisonOperator, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import { CfnEventSourceMapping } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import { env, metrics } from '../../backend/src/contract.ts'
import { failureQueue } from './failure-queue.ts'
import type { Foundation } from './foundation.ts'
import type { Ingest } from './ingest.ts'
import { ServiceFunction } from './service-function.ts'
import type { SocketApi } from './socket-api/socket-api.ts'
import type { TableAccess } from './tables.ts'

export interface DeliveryProps {
  readonly foundation: Foundation
  readonly ingest: Ingest
  readonly api: SocketApi
}

const access: TableAccess = {
  connections: ['read', 'write'],
  subscriptions: ['read', 'write'],
  history: ['read', 'write'],
  rejects: ['write'],
  commands: ['read', 'write'],
}

/** From the stream to the sockets. */
export class Delivery extends Construct {
  readonly deliver: ServiceFunction

  constructor(scope: Construct, id: string, { foundation, ingest, api }: DeliveryProps) {
    super(scope, id)
    const { config, tables } = foundation
    this.deliver = new ServiceFunction(this, 'Deliver', {
      foundation,
      name: 'deliver',
      description: 'Stream batches to history and to every entitled socket',
      environment: {
        ...tables.environment(access),
        [env.managementEndpoint]: api.managementUrl,
        [env.retentionHours]: String(config.retentionHours),
      },
      // Two thirds of a vCPU: a batch is JSON work and waiting for posts.
      memoryMb: 1024,
      timeoutSeconds: 30,
    })
    tables.grant(this.deliver, access)
    api.grantPost(this.deliver)
    this.#consume(foundation, ingest)
    this.#addAlarms(foundation)
  }

  #consume(foundation: Foundation, ingest: Ingest): void {
    const failures = failureQueue(this, 'Failures', foundation, {
      name: 'delivery-failures-waiting',
      severity: 'P1',
      what: 'deliver gave up on stream records; their positions wait in the failure queue',
      impact: 'Those readings are missing from charts and history until they are replayed',
    })
    this.deliver.allow(
      ['kinesis:DescribeStreamSummary', 'kinesis:GetRecords', 'kinesis:GetShardIterator'],
      [ingest.stream.streamArn],
    )
    this.deliver.allow(['kinesis:DescribeStream', 'kinesis:ListShards'], [ingest.stream.streamArn])
    this.deliver.allow(['sqs:SendMessage'], [failures.queueArn])
    const { batchSize, parallelization, retryAttempts, maxRecordAgeSeconds } =
      foundation.config.ingest
    new CfnEventSourceMapping(this, 'StreamMapping', {
      functionName: this.deliver.function.functionName,
      eventSourceArn: ingest.stream.streamArn,
      startingPosition: 'TRIM_HORIZON',
      batchSize,
      // No gathering: a batch leaves as soon as there is one reading.
      maximumBatchingWindowInSeconds: 0,
      parallelizationFactor: parallelization,
      bisectBatchOnFunctionError: true,
      functionResponseTypes: ['ReportBatchItemFailures'],
      maximumRetryAttempts: retryAttempts,
      maximumRecordAgeInSeconds: maxRecordAgeSeconds,
      destinationConfig: { onFailure: { destination: failures.queueArn } },
    })
  }

  #addAlarms({ notifications, config }: Foundation): void {
    const { deliver } = this
    const lambda = deliver.function
    const minute = Duration.minutes(1)
    const quiet = TreatMissingData.NOT_BREACHING
    notifications.alarm(this, {
      name: 'deliver-iterator-age',
      severity: 'P2',
      what: 'deliver is more than 30 s behind the stream',
      impact: 'Charts lag; ages of values on the dashboard grow',
      metric: lambda.metric('IteratorAge', { statistic: Stats.MAXIMUM, period: minute }),
      threshold: 30_000,
      datapoints: [3, 5],
      missing: quiet,
    })
    notifications.alarm(this, {
      name: 'deliver-iterator-age-critical',
      severity: 'P1',
      what: 'deliver is so far behind that records will soon be given up',
      impact: 'Readings will be missing from charts and history',
      metric: lambda.metric('IteratorAge', { statistic: Stats.MAXIMUM, period: minute }),
      threshold: config.ingest.maxRecordAgeSeconds * 500,
      datapoints: [3, 3],
      missing: quiet,
    })
    notifications.alarm(this, {
      name: 'deliver-errors',
      severity: 'P2',
      what: 'deliver fails on whole batches',
      impact: 'Readings are delayed while the batch is split and tried again',
      metric: lambda.metricErrors({ period: minute }),
      threshold: 0,
      datapoints: [3, 5],
      missing: quiet,
    })
    notifications.alarm(this, {
      name: 'posts-failed',
      severity: 'P2',
      what: 'Posts to sockets fail for other reasons than a closed or slow socket',
      impact: 'Some dashboards show marked gaps',
      metric: deliver.metric(metrics.postsFailed),
      threshold: 0,
      datapoints: [3, 5],
      missing: quiet,
    })
    notifications.alarm(this, {
      name: 'posts-forbidden',
      severity: 'P1',
      what: 'API Gateway refuses the posts of deliver',
      impact: 'No dashboard receives anything',
      metric: deliver.metric(metrics.postsForbidden),
      threshold: 0,
      datapoints: [1, 2],
      missing: quiet,
    })
    notifications.alarm(this, {
      name: 'posts-throttled',
      severity: 'P2',
      what: 'Posts are throttled: the account limit, or sockets that read too slowly',
      impact: 'The dashboards concerned show the newest values only, and say so',
      metric: deliver.metric(metrics.postsThrottled),
      threshold: 0,
      datapoints: [3, 5],
      missing: quiet,
    })
    notifications.alarm(this, {
      name: 'readings-rejected',
      severity: 'P3',
      what: 'Devices send payloads that are not telemetry',
      impact: 'Those readings are not on charts; the originals are in the Rejects table',
      metric: deliver.metric(metrics.readingsRejected),
      threshold: 0,
      datapoints: [3, 5],
      missing: quiet,
    })
    notifications.alarm(this, {
      name: 'deliver-heartbeat-missing',
      severity: 'P1',
      what: 'deliver has finished no batch for three minutes',
      impact: 'No dashboard receives new readings',
      metric: deliver.metric(metrics.heartbeat, Stats.SAMPLE_COUNT),
      threshold: 1,
      comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
      datapoints: [3, 3],
      missing: TreatMissingData.BREACHING,
    })
    notifications.alarm(this, {
      name: 'ingest-silence',
      severity: 'P1',
      what: 'No reading has arrived for five minutes',
      impact: 'Every value on the dashboard is stale',
      metric: deliver.metric(metrics.readingsReceived).with({ period: Duration.minutes(5) }),
      threshold: 1,
      comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
      datapoints: [1, 1],
      missing: TreatMissingData.BREACHING,
    })
  }
}
