import type { AlarmWatchers } from './ports.ts'
import type { ConnectionSubscriptions } from '../connections/ports.ts'

/** Topics and alarms: everything that a connection has subscribed. */
export function everythingSubscribed(
  topics: ConnectionSubscriptions,
  alarms: AlarmWatchers,
): ConnectionSubscriptions {
  return {
    countOf: (connectionIds) => topics.countOf(connectionIds),
    async removeConnection(connectionId) {
      await topics.removeConnection(connectionId)
      await alarms.remove(connectionId)
    },
    async renewConnection(connectionId, identity) {
      await alarms.renew(connectionId, identity.expiresAt)
      return topics.renewConnection(connectionId, identity)
    },
  }
}
