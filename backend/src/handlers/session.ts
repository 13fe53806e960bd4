import { readConfig } from '../adapters/config.ts'
import { connectionRows } from '../adapters/connection-rows.ts'
import { dynamoAlarms } from '../adapters/dynamo-alarms.ts'
import { createDynamo } from '../adapters/dynamo-client.ts'
import { dynamoHeads } from '../adapters/dynamo-heads.ts'
import { dynamoRevocations } from '../adapters/dynamo-revocations.ts'
import { createTokenVerifier } from '../adapters/jose-token-verifier.ts'
import { managementSockets } from '../adapters/management-sockets.ts'
import { createRoute } from '../adapters/route.ts'
import { createWakeQueue } from '../adapters/sqs-wake-queue.ts'
import { systemClock as clock } from '../adapters/system-clock.ts'
import { createTelemetry } from '../adapters/telemetry.ts'
import { services } from '../contract.ts'
import { reportAbuse } from '../core/connections/abuse.ts'
import { refresh } from '../core/session/refresh.ts'
import { revoke } from '../core/session/revoke.ts'
import { pong, welcome } from '../core/session/session.ts'

const config = readConfig(
  'connectionsTable',
  'subscriptionsTable',
  'historyTable',
  'alarmsTable',
  'expiryQueueUrl',
  'issuer',
  'audience',
  'jwksUri',
)
const telemetry = createTelemetry(services.session)
const client = createDynamo()
const ports = {
  ...connectionRows(client, config),
  revocations: dynamoRevocations(client, config),
  heads: dynamoHeads({ client, table: config.historyTable }),
  alarms: dynamoAlarms({ client, table: config.alarmsTable }),
  tokens: createTokenVerifier(config, { clock, telemetry }),
  sockets: managementSockets(),
  wakes: createWakeQueue(config.expiryQueueUrl),
  clock,
}

/** Routes `hello`, `ping`, `refresh`, `revoke` and `$default`. */
export const handler = createRoute({
  connections: ports.connections,
  telemetry,
  clock,
  onAbuse: (connectionId, strikes) => reportAbuse(connectionId, strikes, ports.wakes),
  handlers: {
    hello: (message, { connection }) => Promise.resolve(welcome(message, connection, clock)),
    ping: (message, call) => pong(message, call, ports),
    refresh: (message, { connection }) => refresh(message, connection, ports),
    revoke: (message, { connection }) => revoke(message, connection, ports),
  },
})
