import { randomUUID } from 'node:crypto'
import { readConfig } from '../adapters/config.ts'
import { createDynamo } from '../adapters/dynamo-client.ts'
import { dynamoConnections } from '../adapters/dynamo-connections.ts'
import { dynamoNotes } from '../adapters/dynamo-notes.ts'
import { dynamoRevocationChecks } from '../adapters/dynamo-revocations.ts'
import { managementSockets } from '../adapters/management-sockets.ts'
import { createRoute } from '../adapters/route.ts'
import { createExpiryQueue } from '../adapters/sqs-expiry-queue.ts'
import { systemClock as clock } from '../adapters/system-clock.ts'
import { createTelemetry } from '../adapters/telemetry.ts'
import { services } from '../contract.ts'
import { sendNote } from '../core/notes/send-note.ts'

const config = readConfig(
  'connectionsTable',
  'expiryQueueUrl',
  'subscriptionsTable',
  'historyTable',
  'retentionHours',
)
const telemetry = createTelemetry(services.notes)
const client = createDynamo()
const ports = {
  ...dynamoNotes(client, config, Number(config.retentionHours) * 3_600_000),
  revocations: dynamoRevocationChecks({ client, table: config.connectionsTable }),
  sockets: managementSockets(telemetry.log),
  clock,
  newId: randomUUID,
}

/** Route `sendMessage`. */
export const handler = createRoute({
  connections: dynamoConnections({ client, table: config.connectionsTable }),
  expiryQueue: createExpiryQueue(config.expiryQueueUrl),
  telemetry,
  clock,
  handlers: {
    sendMessage: (message, { connection }) => sendNote(message, connection, ports),
  },
})
