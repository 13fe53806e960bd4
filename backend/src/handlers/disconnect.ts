import type { APIGatewayProxyWebsocketEventV2 } from 'aws-lambda'
import { readConfig } from '../adapters/config.ts'
import { connectionRows } from '../adapters/connection-rows.ts'
import { subscriptionsWithCounts } from '../adapters/subscriber-counts.ts'
import { createDynamo } from '../adapters/dynamo-client.ts'
import { systemClock } from '../adapters/system-clock.ts'
import { createTelemetry } from '../adapters/telemetry.ts'
import { services } from '../contract.ts'
import { forgetConnection } from '../core/connections/close.ts'

const config = readConfig('connectionsTable', 'subscriptionsTable', 'demandMessages')
const telemetry = createTelemetry(services.disconnect)
const client = createDynamo()
const ports = {
  ...connectionRows(client, config, subscriptionsWithCounts(client, config, telemetry.log)),
  clock: systemClock,
}

/** A `$disconnect` event (APIGW-46). */
type DisconnectEvent = APIGatewayProxyWebsocketEventV2 & {
  readonly requestContext: { readonly disconnectStatusCode?: number }
}

/** `$disconnect`: best effort by API Gateway, so its work is done by others too (410 on a post, `expire`, TTL). */
export async function handler(event: DisconnectEvent): Promise<{ readonly statusCode: 200 }> {
  const { connectionId, disconnectStatusCode } = event.requestContext
  await forgetConnection(connectionId, ports)
  telemetry.log.info('socket closed', { connectionId, code: disconnectStatusCode ?? null })
  return { statusCode: 200 }
}
