import { CfnEventSourceMapping } from 'aws-cdk-lib/aws-lambda'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { env } from '../../backend/src/contract.ts'
import { demandEnvironment, grantDemand } from './demand.ts'
import { addDeliveryAlarms } from './delivery-alarms.ts'
import type { Foundation } from './foundation.ts'
import type { Ingest } from './ingest.ts'
import { redrivenQueue } from './redriven-queue.ts'
import { ServiceFunction } from './service-function.ts'
import type { SocketApi } from './socket-api/socket-api.ts'
import type { TableAccess } from './tables.ts'

export interface DeliveryProps {
  readonly foundation: Foundation
  readonly ingest: Ingest
  readonly api: SocketApi
  /** Takes what redrive could not bring back for hours. */
  readonly undeliverable: Queue
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
  /** Where in the stream the records are that deliver gave up on. */
  readonly failures: Queue

  constructor(scope: Construct, id: string, props: DeliveryProps) {
    super(scope, id)
    const { foundation, ingest, api, undeliverable } = props
    const { config, tables } = foundation
    this.deliver = new ServiceFunction(this, 'Deliver', {
      foundation,
      name: 'deliver',
      description: 'Stream batches to history and to every entitled socket',
      environment: {
        ...tables.environment(access),
        [env.managementEndpoint]: api.managementUrl,
        [env.retentionHours]: String(config.retentionHours),
        ...demandEnvironment(config),
      },
      // Two thirds of a vCPU: a batch is JSON work and waiting for posts.
      memoryMb: 1024,
      timeoutSeconds: 30,
    })
    tables.grant(this.deliver, access)
    api.grantPost(this.deliver)
    grantDemand(this.deliver, config)
    this.failures = redrivenQueue(this, 'Failures', {
      foundation,
      undeliverable,
      alarm: {
        name: 'delivery-failures-waiting',
        severity: 'P1',
        what: 'deliver gave up on stream records, and for 15 minutes redrive has not been able to bring them back',
        impact: 'Those readings are missing from charts and history',
      },
    })
    this.#consume(foundation, ingest)
    addDeliveryAlarms(this, this.deliver, foundation)
  }

  #consume(foundation: Foundation, ingest: Ingest): void {
    this.deliver.allow(
      ['kinesis:DescribeStreamSummary', 'kinesis:GetRecords', 'kinesis:GetShardIterator'],
      [ingest.stream.streamArn],
    )
    this.deliver.allow(['kinesis:DescribeStream', 'kinesis:ListShards'], [ingest.stream.streamArn])
    this.deliver.allow(['sqs:SendMessage'], [this.failures.queueArn])
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
      destinationConfig: { onFailure: { destination: this.failures.queueArn } },
    })
  }
}
