import type { Context, KinesisStreamEvent } from 'aws-lambda'
import { readConfig } from '../adapters/config.ts'
import { connectionRows } from '../adapters/connection-rows.ts'
import { subscriberCounts } from '../adapters/subscriber-counts.ts'
import { dynamoAudiences } from '../adapters/dynamo-audiences.ts'
import { createDynamo } from '../adapters/dynamo-client.ts'
import { dynamoCommands } from '../adapters/dynamo-commands.ts'
import { dynamoHistory } from '../adapters/dynamo-history.ts'
import { dynamoRejects } from '../adapters/dynamo-rejects.ts'
import { dynamoRevocationChecks } from '../adapters/dynamo-revocations.ts'
import { toStreamItem } from '../adapters/kinesis-event.ts'
import { managementPosts } from '../adapters/management-posts.ts'
import { systemClock as clock } from '../adapters/system-clock.ts'
import { createTelemetry } from '../adapters/telemetry.ts'
import { services } from '../contract.ts'
import { commandResults } from '../core/commands/command-results.ts'
import { forgetConnection } from '../core/connections/close.ts'
import { createDeliver } from '../core/delivery/deliver-batch.ts'

const config = readConfig(
  'connectionsTable',
  'subscriptionsTable',
  'historyTable',
  'rejectsTable',
  'commandsTable',
  'retentionHours',
  'demandMessages',
)
const telemetry = createTelemetry(services.deliver)
const client = createDynamo()
const { connections, subscriptions } = connectionRows(client, config)
const deliver = createDeliver({
  history: dynamoHistory({
    client,
    table: config.historyTable,
    retentionMs: Number(config.retentionHours) * 3_600_000,
  }),
  audiences: dynamoAudiences(client, config),
  rejects: dynamoRejects({ client, table: config.rejectsTable }),
  posts: managementPosts(),
  results: commandResults({
    commands: dynamoCommands({ client, table: config.commandsTable }),
    connections,
    revocations: dynamoRevocationChecks({ client, table: config.connectionsTable }),
    clock,
  }),
  removeConnection: (id) => forgetConnection(id, { connections, subscriptions, clock }),
  subscriberCounts: subscriberCounts(config, telemetry.log),
  clock,
  ...telemetry,
})

/** Kinesis → dashboards. Fails only when the batch could not be kept; the stream gives it again (KINESIS-16). */
export async function handler(event: KinesisStreamEvent, context: Context): Promise<void> {
  const deadlineMs = clock.now() + context.getRemainingTimeInMillis() - 2_000
  try {
    const items = event.Records.map(toStreamItem)
    const ageMs = clock.now() - (items.at(-1)?.arrivalMs ?? clock.now())
    await deliver({ items, deadlineMs, ageMs })
  } finally {
    telemetry.flush()
  }
}
