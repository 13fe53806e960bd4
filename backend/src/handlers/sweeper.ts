import { readConfig } from '../adapters/config.ts'
import { connectionRows } from '../adapters/connection-rows.ts'
import { createDynamo } from '../adapters/dynamo-client.ts'
import { dynamoCommands } from '../adapters/dynamo-commands.ts'
import { dynamoHistory } from '../adapters/dynamo-history.ts'
import { dynamoRevocationChecks } from '../adapters/dynamo-revocations.ts'
import { managementSockets } from '../adapters/management-sockets.ts'
import { createExpiryQueue } from '../adapters/sqs-expiry-queue.ts'
import { systemClock } from '../adapters/system-clock.ts'
import { createTelemetry } from '../adapters/telemetry.ts'
import { metrics, services } from '../contract.ts'
import { expireCommands } from '../core/commands/expire-commands.ts'
import { sweepConnections } from '../core/connections/sweep.ts'
import { newestReadingAge } from '../core/history/newest-reading.ts'

const config = readConfig(
  'connectionsTable',
  'subscriptionsTable',
  'commandsTable',
  'historyTable',
  'expiryQueueUrl',
)
const telemetry = createTelemetry(services.sweeper)
const client = createDynamo()
const ports = {
  ...connectionRows(client, config),
  revocations: dynamoRevocationChecks({ client, table: config.connectionsTable }),
  commands: dynamoCommands({ client, table: config.commandsTable }),
  history: dynamoHistory({ client, table: config.historyTable, retentionMs: 0 }),
  sockets: managementSockets(telemetry.log),
  expiryQueue: createExpiryQueue(config.expiryQueueUrl),
  clock: systemClock,
  log: telemetry.log,
}

/** EventBridge, each minute: gauges, rows without a socket, commands that nobody answered. */
export async function handler(): Promise<void> {
  try {
    const swept = await sweepConnections(ports)
    const expired = await expireCommands(ports)
    telemetry.metrics.count(metrics.connections, swept.connections)
    telemetry.metrics.count(metrics.subscriptions, swept.subscriptions)
    telemetry.metrics.count(metrics.zombieRows, swept.zombies)
    telemetry.metrics.count(metrics.commandsExpired, expired)
    const newestAge = await newestReadingAge(ports)
    if (newestAge !== undefined) telemetry.metrics.count(metrics.newestReadingAge, newestAge)
    telemetry.log.info('swept', { ...swept, expired, newestAge: newestAge ?? null })
  } finally {
    telemetry.flush()
  }
}
