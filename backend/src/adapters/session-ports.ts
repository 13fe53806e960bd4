import type { Clock } from '../core/clock.ts'
import type { RefreshPorts } from '../core/session/refresh.ts'
import type { RevokePorts } from '../core/session/revoke.ts'
import type { AlarmsRevision, Heads } from '../core/session/session.ts'
import { connectionRows } from './connection-rows.ts'
import { dynamoAlarms } from './dynamo-alarms.ts'
import { createDynamo } from './dynamo-client.ts'
import { dynamoHeads } from './dynamo-heads.ts'
import { dynamoKeySets } from './dynamo-key-sets.ts'
import { dynamoRevocations } from './dynamo-revocations.ts'
import { createTokenVerifier, type TokenConfig } from './jose-token-verifier.ts'
import { managementSockets } from './management-sockets.ts'
import { createExpiryQueue } from './sqs-expiry-queue.ts'
import type { Telemetry } from './telemetry.ts'

export interface SessionConfig extends TokenConfig {
  readonly connectionsTable: string
  readonly subscriptionsTable: string
  readonly historyTable: string
  readonly alarmsTable: string
  readonly expiryQueueUrl: string
}

export type SessionPorts = RefreshPorts &
  RevokePorts & { readonly heads: Heads; readonly alarms: AlarmsRevision }

/** Everything that the session routes talk to. */
export function createSessionPorts(
  config: SessionConfig,
  context: { readonly clock: Clock; readonly telemetry: Telemetry },
): SessionPorts {
  const client = createDynamo()
  const store = dynamoKeySets({ client, table: config.connectionsTable }, config.jwksUri)
  return {
    ...connectionRows(client, config),
    revocations: dynamoRevocations(client, config),
    heads: dynamoHeads({ client, table: config.historyTable }),
    alarms: dynamoAlarms({ client, table: config.alarmsTable }),
    tokens: createTokenVerifier(config, { ...context, store }),
    sockets: managementSockets(context.telemetry.log),
    expiryQueue: createExpiryQueue(config.expiryQueueUrl),
    clock: context.clock,
  }
}
