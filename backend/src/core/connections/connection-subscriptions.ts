import { isEntitled, topicCovers } from '../../protocol/index.ts'
import type { AlarmWatchers } from '../alarms/ports.ts'
import type { Identity } from '../auth/identity.ts'
import type { RowKey, SubscriptionRow, Subscriptions } from '../subscriptions/ports.ts'
import { changeRegistry, rowKeys } from '../subscriptions/registry.ts'
import { removeConnection } from '../subscriptions/remove-connection.ts'
import type { ConnectionSubscriptions } from './ports.ts'

export type Renewal = Pick<SubscriptionRow, 'expiresAt' | 'issuedAt' | 'tokenId' | 'grants'>

/** Gives existing rows another token's end and grants; a row that is gone stays gone. */
export interface SubscriptionRenewals {
  renewRow(key: RowKey, renewal: Renewal): Promise<void>
}

export interface ConnectionSubscriptionPorts {
  readonly subscriptions: Subscriptions
  readonly renewals: SubscriptionRenewals
  readonly watchers: AlarmWatchers
}

/** Everything that a connection has subscribed: topics and alarms. */
export function connectionSubscriptions(
  ports: ConnectionSubscriptionPorts,
): ConnectionSubscriptions {
  return {
    async removeConnection(connectionId) {
      await removeConnection(connectionId, ports.subscriptions)
      await ports.watchers.remove(connectionId)
    },
    async renewConnection(connectionId, identity) {
      const ended = await endUncovered(connectionId, identity, ports)
      await renewCovered(connectionId, identity, ports)
      await ports.watchers.renew(connectionId, identity.expiresAt)
      return ended
    },
  }
}

async function endUncovered(
  connectionId: string,
  identity: Identity,
  { subscriptions }: ConnectionSubscriptionPorts,
): Promise<readonly number[]> {
  const gone = await changeRegistry<readonly RowKey[]>(connectionId, subscriptions, (registry) => {
    const keys = rowKeys(connectionId, registry).filter(
      ({ topic }) => !isEntitled(identity.devices, topic),
    )
    const entries = new Map(registry.entries)
    for (const { sid, messageId } of keys) entries.set(sid, { messageId })
    return { next: keys.length > 0 ? { ...registry, entries } : registry, outcome: keys }
  })
  if (gone.length === 0) return []
  await subscriptions.removeRows(gone)
  await subscriptions.bump(gone.map(({ topic }) => topic))
  return gone.map(({ sid }) => sid)
}

async function renewCovered(
  connectionId: string,
  identity: Identity,
  { subscriptions, renewals }: ConnectionSubscriptionPorts,
): Promise<void> {
  const keys = rowKeys(connectionId, await subscriptions.registry(connectionId))
  const { expiresAt, issuedAt, tokenId, devices } = identity
  for (const key of keys) {
    const grants = devices.filter((grant) => topicCovers(grant, key.topic))
    await renewals.renewRow(key, { expiresAt, issuedAt, tokenId, grants })
  }
  if (keys.length > 0) await subscriptions.bump(keys.map(({ topic }) => topic))
}
