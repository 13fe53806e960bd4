import { randomUUID } from 'node:crypto'
import type { Client } from 'aedes'
import { createTokenBucket } from '../../platform/token-bucket.ts'
import type { TokenBucket } from '../../platform/token-bucket.ts'
import type { Clock } from '../../platform/types.ts'
import type { Identity } from './identity.ts'
import { limits } from './limits.ts'
import type { DisconnectReason, Presence } from './presence.ts'

/** What the broker keeps about one MQTT connection besides what aedes does. */
export interface Connection {
  readonly identity: Identity
  readonly presence: Presence
  readonly publishes: TokenBucket
  readonly bytes: TokenBucket
  /** Set by whoever decides that the connection ends. */
  reason?: DisconnectReason
}

export function newConnection(
  clock: Clock,
  start: {
    readonly clientId: string
    readonly identity: Identity
    readonly ipAddress: string
    readonly versionNumber: number
  },
): Connection {
  return {
    identity: start.identity,
    presence: {
      clientId: start.clientId,
      sessionIdentifier: randomUUID(),
      principalIdentifier: start.identity.principal ?? 'local-developer',
      ipAddress: start.ipAddress,
      versionNumber: start.versionNumber,
    },
    publishes: createTokenBucket(clock, { ratePerSecond: limits.publishesPerSecond }),
    bytes: createTokenBucket(clock, { ratePerSecond: limits.publishBytesPerSecond }),
  }
}

/** The parts of an aedes client that its types leave out. */
export interface ClientInternals {
  readonly _parser: NodeJS.EventEmitter
  readonly _disconnected: boolean
  readonly subscriptions: object
}

export function internalsOf(client: Client): ClientInternals {
  return client as unknown as ClientInternals
}
