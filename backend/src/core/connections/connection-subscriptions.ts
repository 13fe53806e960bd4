import type { Subscriptions } from '../subscriptions/ports.ts'
import { removeConnection } from '../subscriptions/remove-connection.ts'
import { renewConnection } from '../subscriptions/renew-connection.ts'
import type { ConnectionSubscriptions } from './ports.ts'

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
