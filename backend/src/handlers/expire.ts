import type { SQSBatchResponse, SQSEvent } from 'aws-lambda'
import { readConfig } from '../adapters/config.ts'
import { connectionRows } from '../adapters/connection-rows.ts'
import { createDynamo } from '../adapters/dynamo-client.ts'
import { managementSockets } from '../adapters/management-sockets.ts'
import { createExpiryQueue } from '../adapters/sqs-expiry-queue.ts'
import { systemClock } from '../adapters/system-clock.ts'
import { createTelemetry } from '../adapters/telemetry.ts'
import { services } from '../contract.ts'
import { handleExpiryMessages } from '../core/connections/expire.ts'

const config = readConfig('connectionsTable', 'subscriptionsTable', 'expiryQueueUrl')
const telemetry = createTelemetry(services.expire)
const client = createDynamo()
const ports = {
  ...connectionRows(client, config),
  sockets: managementSockets(telemetry.log),
  expiryQueue: createExpiryQueue(config.expiryQueueUrl),
  clock: systemClock,
  log: telemetry.log,
}

/** SQS: message-ups of connections whose time has come. Reports only the messages to be tried again. */
export async function handler(event: SQSEvent): Promise<SQSBatchResponse> {
  const failed = await handleExpiryMessages(
    event.Records.map(({ messageId, body }) => ({ messageId, body })),
    ports,
  )
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) }
}
