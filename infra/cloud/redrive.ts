import { Duration } from 'aws-cdk-lib'
import { SqsEventSource, type SqsEventSourceProps } from 'aws-cdk-lib/aws-lambda-event-sources'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { env } from '../../backend/src/contract.ts'
import type { Delivery } from './delivery.ts'
import { failureQueue } from './failure-queue.ts'
import type { Foundation } from './foundation.ts'
import type { Ingest } from './ingest.ts'
import { REDRIVE_TIMEOUT_SECONDS } from './redriven-queue.ts'
import { ServiceFunction } from './service-function.ts'
import type { TableAccess } from './tables.ts'

export interface RedriveProps {
  readonly foundation: Foundation
  readonly ingest: Ingest
  readonly delivery: Delivery
}

const access: TableAccess = { rejects: ['write'] }

/** The fewest that SQS allows: what is late already must not take the stream's room from what is live. */
const CONCURRENCY = 2

/** Brings back onto the stream what a topic rule or `deliver` gave up on. */
export class Redrive extends Construct {
  readonly redrive: ServiceFunction

  constructor(scope: Construct, id: string, { foundation, ingest, delivery }: RedriveProps) {
    super(scope, id)
    this.redrive = new ServiceFunction(this, 'Redrive', {
      foundation,
      name: 'redrive',
      description: 'Puts back onto the stream what a rule or deliver gave up on',
      environment: {
        ...foundation.tables.environment(access),
        [env.streamName]: ingest.stream.streamName,
      },
      memoryMb: 512,
      timeoutSeconds: REDRIVE_TIMEOUT_SECONDS,
    })
    foundation.tables.grant(this.redrive, access)
    this.redrive.allow(
      ['kinesis:PutRecords', 'kinesis:GetShardIterator', 'kinesis:GetRecords'],
      [ingest.stream.streamArn],
    )
    const consume = (queue: Queue, props: SqsEventSourceProps): void => {
      this.redrive.function.addEventSource(
        new SqsEventSource(queue, {
          ...props,
          maxConcurrency: CONCURRENCY,
          reportBatchItemFailures: true,
        }),
      )
    }
    // One record a message: gathered, so that an outage's worth goes back in few calls.
    consume(ingest.errors, { batchSize: 100, maxBatchingWindow: Duration.seconds(1) })
    // Up to a whole batch a message.
    consume(delivery.failures, { batchSize: 1 })
  }
}

/** Where messages end that could not be brought back for half a day. */
export function undeliverableQueue(scope: Construct, foundation: Foundation): Queue {
  return failureQueue(new Construct(scope, 'Undeliverable'), 'Queue', foundation, {
    name: 'redrive-failures-waiting',
    severity: 'P1',
    what: 'Messages that redrive could not bring back for half a day lie in the last queue',
    impact: 'Those readings are missing from charts and history until somebody acts',
  })
}
