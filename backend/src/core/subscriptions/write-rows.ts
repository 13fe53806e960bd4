import { limits, ProtocolError, type ErrorCode } from '../../protocol/index.ts'
import type { Connection, Connections } from '../connections/ports.ts'
import { renewUntilCurrent } from '../connections/renew-until-current.ts'
import type { Registry, RegistryEntry, RowKey, SubscriptionRow, Subscriptions } from './ports.ts'
import { activeEntries, changeRegistry, prune, type Change } from './registry.ts'
import { renewConnection } from './renew-connection.ts'
import type { Wanted } from './snapshot.ts'

export interface WriteRowsPorts {
  readonly subscriptions: Subscriptions
  readonly connections: Pick<Connections, 'find'>
}

interface Plan {
  readonly refused: ReadonlyMap<Wanted, ErrorCode>
  readonly replaced: readonly RowKey[]
}

/**
 * Registry, rows, version, and then the look back: was one of them superseded, the connection closed, or its identity renewed, while it was
 * written? A `refresh` writes the identity before it reads the registry, this the registry and rows before it reads the identity: one of the two
 * sees the other. Returns what was refused after all. Throws {@link ProtocolError} CONNECTION_UNKNOWN.
 */
export async function writeRows(
  wanted: readonly Wanted[],
  connection: Connection,
  { subscriptions, connections }: WriteRowsPorts,
): Promise<ReadonlyMap<Wanted, ErrorCode>> {
  if (wanted.length === 0) return new Map()
  const { connectionId, user } = connection
  const [known, ofUser] = await Promise.all([
    subscriptions.registry(connectionId),
    subscriptions.countOfUser(user),
  ])
  const others = ofUser - activeEntries(known).length
  const { refused, replaced } = await changeRegistry(connectionId, subscriptions, (registry) =>
    plan(registry, wanted, others),
  )
  const rows = wanted.filter((one) => !refused.has(one)).map((one) => one.row)
  await subscriptions.putRows(rows)
  await subscriptions.removeRows(replaced)
  const topics = [...rows, ...replaced].map(({ topic }) => topic)
  if (topics.length > 0) await subscriptions.bump(topics)
  const { current, ended } = await renewUntilCurrent(connection, connections, (identity) =>
    renewConnection(connectionId, identity, subscriptions),
  )
  const after = await subscriptions.registry(connectionId)
  const overtaken = wanted.filter((one) => !refused.has(one) && !isCurrent(after, one.row))
  if (overtaken.length > 0) {
    await subscriptions.removeRows(overtaken.map(({ row }) => row))
    await subscriptions.bump(overtaken.map(({ row }) => row.topic))
  }
  if (after.closed || !current) throw connectionUnknown()
  const codeOf = (one: Wanted): ErrorCode =>
    ended.includes(one.row.sid) ? 'FORBIDDEN' : 'SUPERSEDED'
  return new Map([...refused, ...overtaken.map((one) => [one, codeOf(one)] as const)])
}

function plan(registry: Registry, wanted: readonly Wanted[], others: number): Change<Plan> {
  if (registry.closed) throw connectionUnknown()
  const entries = new Map<number, RegistryEntry>(registry.entries)
  const refused = new Map<Wanted, ErrorCode>()
  const replaced: RowKey[] = []
  const last = new Map(wanted.map((one) => [one.row.sid, one]))
  let count = activeEntries(registry).length
  for (const one of wanted) {
    const { sid, messageId, topic, connectionId } = one.row
    const known = registry.entries.get(sid)
    const isNew = entries.get(sid)?.topic === undefined
    if (last.get(sid) !== one || (known && known.messageId > messageId)) {
      refused.set(one, 'SUPERSEDED')
    } else if (isNew && (count >= limits.subscriptionsPerConnection || isOver(count, others))) {
      refused.set(one, 'SUBSCRIPTION_LIMIT')
    } else {
      if (isNew) count++
      const isOther = known?.messageId !== messageId || known.topic !== topic
      if (known?.topic !== undefined && isOther) {
        replaced.push({ connectionId, sid, messageId: known.messageId, topic: known.topic })
      }
      entries.set(sid, { messageId, topic })
    }
  }
  return { next: { ...registry, entries: prune(entries) }, outcome: { refused, replaced } }
}

function isOver(count: number, others: number): boolean {
  return count + others >= limits.subscriptionsPerUser
}

function isCurrent(registry: Registry, row: SubscriptionRow): boolean {
  const entry = registry.entries.get(row.sid)
  return !registry.closed && entry?.messageId === row.messageId && entry.topic === row.topic
}

function connectionUnknown(): ProtocolError {
  return new ProtocolError(
    'CONNECTION_UNKNOWN',
    'This connection is no longer known; open a new one and resume.',
  )
}
