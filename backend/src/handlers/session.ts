import { readConfig } from '../adapters/config.ts'
import { createRoute } from '../adapters/route.ts'
import { createSessionPorts } from '../adapters/session-ports.ts'
import { systemClock as clock } from '../adapters/system-clock.ts'
import { createTelemetry } from '../adapters/telemetry.ts'
import { services } from '../contract.ts'
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
const ports = createSessionPorts(config, { clock, telemetry })

/** Routes `hello`, `ping`, `refresh`, `revoke` and `$default`. */
export const handler = createRoute({
  connections: ports.connections,
  telemetry,
  clock,
  expiryQueue: ports.expiryQueue,
  handlers: {
    hello: (message, { connection }) => Promise.resolve(welcome(message, connection, clock)),
    ping: (message, call) => pong(message, call, ports),
    refresh: (message, { connection }) => refresh(message, connection, ports),
    revoke: (message, { connection }) => revoke(message, connection, ports),
  },
})
