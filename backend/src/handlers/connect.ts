import { readConfig } from '../adapters/config.ts'
import { createDynamo } from '../adapters/dynamo-client.ts'
import { dynamoConnections } from '../adapters/dynamo-connections.ts'
import { dynamoRevocationChecks } from '../adapters/dynamo-revocations.ts'
import { createExpiryQueue } from '../adapters/sqs-expiry-queue.ts'
import { systemClock } from '../adapters/system-clock.ts'
import { createTelemetry } from '../adapters/telemetry.ts'
import { metrics, services } from '../contract.ts'
import { fromAuthorizerContext } from '../core/auth/context.ts'
import { connect, type ConnectAnswer, type ConnectEvent } from '../core/connections/connect.ts'

const config = readConfig('connectionsTable', 'expiryQueueUrl', 'allowedOrigins')
const telemetry = createTelemetry(services.connect)
const table = { client: createDynamo(), table: config.connectionsTable }
const ports = {
  connections: dynamoConnections(table),
  revocations: dynamoRevocationChecks(table),
  expiryQueue: createExpiryQueue(config.expiryQueueUrl),
  allowedOrigins: config.allowedOrigins.split(','),
  clock: systemClock,
}

/** `$connect`. Its status is the handshake's status (APIGW-17). */
export async function handler(event: ConnectEvent): Promise<Omit<ConnectAnswer, 'reason'>> {
  const { connectionId, authorizer } = event.requestContext
  const identity = fromAuthorizerContext(authorizer)
  const { reason, ...answer } = await connect(
    { connectionId, headers: event.headers, identity },
    ports,
  )
  if (reason) telemetry.metrics.count(metrics.connectDenied)
  const { statusCode } = answer
  const user = identity?.user ?? null
  const facts = { connectionId, user, statusCode, reason: reason ?? null }
  telemetry.log.info('socket opened or refused', facts)
  telemetry.flush()
  return answer
}
