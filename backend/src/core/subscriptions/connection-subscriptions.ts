import type { Subscriptions } from './ports.ts'
import { removeConnection } from './remove-connection.ts'
import { renewConnection } from './renew-connection.ts'
import type { ConnectionSubscriptions } from '../connections/ports.ts'

/** What the life of a connection does to its subscriptions. */
export function connectionSubscriptions(subscriptions: Subscriptions): ConnectionSubscriptions {
  return {
    countOf: (connectionIds) => subscriptions.countOf(connectionIds),
    async removeConnection(connectionId) {
      await removeConnection(connectionId, subscriptions)
    },
    renewConnection: (connectionId, identity) =>
      renewConnection(connectionId, identity, subscriptions),
  }
}
