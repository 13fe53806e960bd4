import type { APIGatewayProxyWebsocketEventV2 } from 'aws-lambda'
import { readConfig } from '../adapters/config.ts'
import { createDynamo } from '../adapters/dynamo-client.ts'
import { dynamoConnections } from '../adapters/dynamo-connections.ts'
import { dynamoRevocationChecks } from '../adapters/dynamo-revocations.ts'
import { createWakeQueue } from '../adapters/sqs-wake-queue.ts'
import { systemClock } from '../adapters/system-clock.ts'
import { createTelemetry } from '../adapters/telemetry.ts'
import { metrics, services } from '../contract.ts'
import { fromAuthorizerContext } from '../core/auth/context.ts'
import { connect, type ConnectAnswer } from '../core/connections/connect.ts'

const config = readConfig('connectionsTable', 'expiryQueueUrl', 'allowedOrigins')
const telemetry = createTelemetry(services.connect)
const table = { client: createDynamo(), table: config.connectionsTable }
const ports = {
  connections: dynamoConnections(table),
  revocations: dynamoRevocationChecks(table),
  wakes: createWakeQueue(config.expiryQueueUrl),
  allowedOrigins: config.allowedOrigins.split(',').map((origin) => origin.trim()),
  clock: systemClock,
}

/** A `$connect` event: the handshake's headers, and what the authorizer said (aws-behaviour W31, W69). */
type ConnectEvent = APIGatewayProxyWebsocketEventV2 & {
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly requestContext: { readonly authorizer?: Readonly<Record<string, unknown>> }
}

/** `$connect`. Its status is the handshake's status (aws-behaviour W17). */
export async function handler(event: ConnectEvent): Promise<Omit<ConnectAnswer, 'reason'>> {
  const { connectionId, authorizer } = event.requestContext
  const identity = fromAuthorizerContext(authorizer)
  const { reason, ...answer } = await connect(
    { connectionId, headers: event.headers, identity },
    ports,
  )
  if (reason) telemetry.metrics.count(metrics.connectDenied)
  telemetry.log.info('socket opened or refused', {
    connectionId,
    user: identity?.user ?? null,
    statusCode: answer.statusCode,
    reason: reason ?? null,
  })
  telemetry.flush()
  return answer
}
