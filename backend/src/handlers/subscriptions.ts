import { readConfig } from '../adapters/config.ts'
import { subscriptionsWithCounts } from '../adapters/subscriber-counts.ts'
import { createDynamo } from '../adapters/dynamo-client.ts'
import { dynamoConnections } from '../adapters/dynamo-connections.ts'
import { dynamoHistory } from '../adapters/dynamo-history.ts'
import { dynamoNoteReader } from '../adapters/dynamo-note-reader.ts'
import { createRoute } from '../adapters/route.ts'
import { createExpiryQueue } from '../adapters/sqs-expiry-queue.ts'
import { systemClock as clock } from '../adapters/system-clock.ts'
import { createTelemetry } from '../adapters/telemetry.ts'
import { services } from '../contract.ts'
import { answerHistory } from '../core/history/answer-history.ts'
import { subscribe } from '../core/subscriptions/subscribe.ts'
import { unsubscribe } from '../core/subscriptions/unsubscribe.ts'

const config = readConfig(
  'connectionsTable',
  'expiryQueueUrl',
  'subscriptionsTable',
  'historyTable',
  'retentionHours',
  'demandMessages',
)
const client = createDynamo()
const telemetry = createTelemetry(services.subscriptions)
const connections = dynamoConnections({ client, table: config.connectionsTable })
const ports = {
  connections,
  subscriptions: subscriptionsWithCounts(client, config, telemetry.log),
  history: dynamoHistory({
    client,
    table: config.historyTable,
    retentionMs: Number(config.retentionHours) * 3_600_000,
  }),
  notes: dynamoNoteReader({ client, table: config.historyTable }),
  clock,
}

/** Routes `subscribe`, `unsubscribe` and `history`. */
export const handler = createRoute({
  connections,
  expiryQueue: createExpiryQueue(config.expiryQueueUrl),
  telemetry,
  clock,
  handlers: {
    subscribe: (message, { connection }) => subscribe(message, connection, ports),
    unsubscribe: (message, { connection }) => unsubscribe(message, connection, ports.subscriptions),
    history: (message, { connection }) => answerHistory(message, connection, ports),
  },
})
