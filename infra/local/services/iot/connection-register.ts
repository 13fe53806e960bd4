import type { Client } from 'aedes'
import type { Clock } from '../../platform/types.ts'
import { internalsOf, newConnection } from './connection.ts'
import type { Connection } from './connection.ts'
import type { Identity } from './identity.ts'
import { connectionVersions, lifecycleMessage } from './presence.ts'
import type { DisconnectReason, LifecycleEvent } from './presence.ts'

/** The connections of the broker and their presence events (IOT-18, IOT-19). */
export interface ConnectionRegister {
  open(client: Client, clientId: string, identity: Identity): void
  of(client: Client): Connection | undefined
  /** Notes why a connection is about to end; the first reason counts. */
  end(client: Client, reason: DisconnectReason): void
  /** The connection works now. */
  ready(client: Client): void
  left(client: Client): void
}

export function connectionRegister(options: {
  readonly clock: Clock
  readonly publish: (topic: string, payload: Buffer) => Promise<unknown>
}): ConnectionRegister {
  const { clock } = options
  const connections = new WeakMap<Client, Connection>()
  const versions = connectionVersions(clock)

  function announce(event: LifecycleEvent): void {
    const message = lifecycleMessage(event, clock.now())
    // While the broker stops, nobody is left to tell.
    if (message) options.publish(message.topic, message.payload).catch(() => undefined)
  }

  return {
    open(client, clientId, identity) {
      const start = {
        clientId,
        identity,
        ipAddress: addressOf(client),
        versionNumber: versions.next(clientId),
      }
      connections.set(client, newConnection(clock, start))
    },
    of: (client) => connections.get(client),
    end(client, reason) {
      const connection = connections.get(client)
      if (connection) connection.reason ??= reason
    },
    ready(client) {
      const connection = connections.get(client)
      if (connection) announce({ type: 'connected', presence: connection.presence })
    },
    left(client) {
      const connection = connections.get(client)
      if (!connection) return
      const byClient = internalsOf(client)._disconnected
      const reason =
        connection.reason ?? (byClient ? 'CLIENT_INITIATED_DISCONNECT' : 'CONNECTION_LOST')
      versions.left(client.id)
      announce({ type: 'disconnected', presence: connection.presence, reason })
    },
  }
}

function addressOf(client: Client): string {
  const { conn } = client
  return 'remoteAddress' in conn ? (conn.remoteAddress ?? '') : ''
}
