import type { Audiences } from '../core/fanout/ports.ts'
import type {
  Registry,
  RowKey,
  SubscriptionRow,
  Subscriptions,
} from '../core/subscriptions/ports.ts'
import { activeEntries } from '../core/subscriptions/registry.ts'
import type { Clock } from '../core/clock.ts'
import { topicMatches } from '../protocol/index.ts'

export interface MemorySubscriptions extends Subscriptions, Audiences {
  readonly rows: ReadonlyMap<string, SubscriptionRow>
  /** Connections of a user, for the cap over all of them. */
  readonly connectionsOf: Map<string, string[]>
  revokeUser(user: string): void
  revokeToken(tokenId: string): void
}

const keyOf = ({ topic, connectionId, sid, messageId }: RowKey): string =>
  `${topic}|${connectionId}|${sid}|${messageId}`

/** Subscriptions in Maps, both as the routes write them and as `deliver` reads them. */
export function memorySubscriptions(clock: Clock): MemorySubscriptions {
  const rows = new Map<string, SubscriptionRow>()
  const registries = new Map<string, Registry>()
  const connectionsOf = new Map<string, string[]>()
  const slow = new Map<string, number>()
  const revoked = new Set<string>()
  const registry = (connectionId: string): Registry =>
    registries.get(connectionId) ?? { revision: 0, closed: false, entries: new Map() }
  const countOf = (connectionIds: readonly string[]): number =>
    connectionIds.reduce((sum, id) => sum + activeEntries(registry(id)).length, 0)
  return {
    rows,
    connectionsOf,
    revokeUser: (user) => void revoked.add(`user ${user}`),
    revokeToken: (tokenId) => void revoked.add(`token ${tokenId}`),
    registry: (connectionId) => Promise.resolve(registry(connectionId)),
    saveRegistry(connectionId, next) {
      const isNext = registry(connectionId).revision === next.revision - 1
      if (isNext) registries.set(connectionId, next)
      return Promise.resolve(isNext ? 'saved' : 'conflict')
    },
    closeRegistry(connectionId) {
      const before = registry(connectionId)
      const closed = { ...before, closed: true, revision: before.revision + 1 }
      registries.set(connectionId, closed)
      return Promise.resolve(closed)
    },
    putRows(added) {
      for (const row of added) rows.set(keyOf(row), row)
      return Promise.resolve()
    },
    removeRows(keys) {
      for (const key of keys) rows.delete(keyOf(key))
      return Promise.resolve()
    },
    renewRows(renewals, { expiresAt, issuedAt, tokenId }) {
      for (const { key, grants } of renewals) {
        const row = rows.get(keyOf(key))
        if (row) rows.set(keyOf(key), { ...row, expiresAt, issuedAt, tokenId, grants })
      }
      return Promise.resolve()
    },
    bump: () => Promise.resolve(),
    countOfUser: (user) => Promise.resolve(countOf(connectionsOf.get(user) ?? [])),
    countOf: (connectionIds) => Promise.resolve(countOf(connectionIds)),
    load() {
      const standing = [...rows.values()]
      return Promise.resolve({
        rowsRead: standing.length,
        rowsFor: (topic) => standing.filter((row) => topicMatches(row.topic, topic)),
        isRevoked: (owner) =>
          revoked.has(`user ${owner.user}`) || revoked.has(`token ${owner.tokenId}`),
        pace: (connectionId) => {
          const untilMs = slow.get(connectionId)
          return untilMs === undefined ? 'full' : untilMs > clock.now() ? 'slow' : 'recovered'
        },
      })
    },
    slowDown(untilMs) {
      for (const [connectionId, until] of untilMs) slow.set(connectionId, until)
      return Promise.resolve()
    },
  }
}
