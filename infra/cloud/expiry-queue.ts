import { Duration } from 'aws-cdk-lib'
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { env } from '../../backend/src/contract.ts'
import { failureQueue } from './failure-queue.ts'
import type { Foundation } from './foundation.ts'
import type { Environment } from './environment.ts'
import type { ServiceFunction } from './service-function.ts'

/** Timeout of the function that empties the queue; the queue hides a message six times as long (AWS's own advice). */
const CONSUMER_TIMEOUT_SECONDS = 20

/** Delayed messages that wake `expire` when a connection's token ends, asked for by the sweeper or, for a short life, by `$connect`. */
export class ExpiryQueue extends Construct {
  readonly environment: Environment
  readonly consumerTimeoutSeconds = CONSUMER_TIMEOUT_SECONDS
  readonly #queue: Queue

  constructor(scope: Construct, id: string, foundation: Foundation) {
    super(scope, id)
    const failures = failureQueue(this, 'Failures', foundation, {
      name: 'expiry-failures-waiting',
      severity: 'P2',
      what: 'Connections whose token ended could not be closed',
      impact: 'Their sockets stay open without receiving anything',
    })
    this.#queue = new Queue(this, 'Queue', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      visibilityTimeout: Duration.seconds(6 * CONSUMER_TIMEOUT_SECONDS),
      deadLetterQueue: { queue: failures, maxReceiveCount: 5 },
      removalPolicy: foundation.disposable,
    })
    this.environment = { [env.expiryQueueUrl]: this.#queue.queueUrl }
  }

  grantSend(target: ServiceFunction): void {
    target.allow(['sqs:SendMessage'], [this.#queue.queueArn])
  }

  /** Hands messages to the function as soon as they are due, each reported done or failed on its own. */
  consumeWith(target: ServiceFunction): void {
    target.function.addEventSource(
      new SqsEventSource(this.#queue, { batchSize: 10, reportBatchItemFailures: true }),
    )
  }
}
