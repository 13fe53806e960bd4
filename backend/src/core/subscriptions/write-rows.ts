import { limits, type ErrorCode } from '../../protocol/index.ts'
import { connectionUnknown } from '../connections/connection-unknown.ts'
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
  /** Those that make the connection's subscriptions more, in order. */
  readonly added: readonly Wanted[]
}

/**
 * Registry, rows, version, and then the look back: was one of them superseded, the connection closed, or its identity renewed, while it was
 * written? A `refresh` writes the identity before it reads the registry, this the registry and rows before it reads the identity: one of the two
 * sees the other. Returns what was refused after all. Throws ProtocolError CONNECTION_UNKNOWN.
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
  const { refused, replaced, added } = await changeRegistry(
    connectionId,
    subscriptions,
    (registry) => plan(registry, wanted, others),
  )
  const rows = wanted.filter((one) => !refused.has(one)).map((one) => one.row)
  const [surplus] = await Promise.all([
    takeBack(added, connection, subscriptions),
    subscriptions.putRows(rows),
  ])
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
  const codeOf = (one: Wanted): ErrorCode => {
    if (surplus.has(one)) return 'SUBSCRIPTION_LIMIT'
    return ended.includes(one.row.sid) ? 'FORBIDDEN' : 'SUPERSEDED'
  }
  return new Map([...refused, ...overtaken.map((one) => [one, codeOf(one)] as const)])
}

function plan(registry: Registry, wanted: readonly Wanted[], others: number): Change<Plan> {
  if (registry.closed) throw connectionUnknown()
  const entries = new Map<number, RegistryEntry>(registry.entries)
  const refused = new Map<Wanted, ErrorCode>()
  const replaced: RowKey[] = []
  const added: Wanted[] = []
  const last = new Map(wanted.map((one) => [one.row.sid, one]))
  const before = activeEntries(registry).length
  for (const one of wanted) {
    const { sid, messageId, topic, connectionId } = one.row
    const known = registry.entries.get(sid)
    const isNew = entries.get(sid)?.topic === undefined
    if (last.get(sid) !== one || (known && known.messageId > messageId)) {
      refused.set(one, 'SUPERSEDED')
    } else if (isNew && isFull(before + added.length, others)) {
      refused.set(one, 'SUBSCRIPTION_LIMIT')
    } else {
      if (isNew) added.push(one)
      const isOther = known?.messageId !== messageId || known.topic !== topic
      if (known?.topic !== undefined && isOther) {
        replaced.push({ connectionId, sid, messageId: known.messageId, topic: known.topic })
      }
      entries.set(sid, { messageId, topic })
    }
  }
  return { next: { ...registry, entries: prune(entries) }, outcome: { refused, replaced, added } }
}

/**
 * Messages on several sockets of one user at once do not see each other in the count that went before. So it is taken again once the registry is
 * written: of two, the later one sees both, and what it added beyond the user's cap leaves the registry. Its rows follow as those of any that was
 * overtaken. Returns what was taken back.
 */
async function takeBack(
  added: readonly Wanted[],
  { connectionId, user }: Connection,
  subscriptions: Subscriptions,
): Promise<ReadonlySet<Wanted>> {
  const surplus = (await subscriptions.countOfUser(user)) - limits.subscriptionsPerUser
  if (surplus <= 0 || added.length === 0) return new Set()
  const gone = added.slice(-surplus)
  await changeRegistry(connectionId, subscriptions, (registry) => {
    if (registry.closed) return { next: registry, outcome: undefined }
    const entries = new Map(registry.entries)
    for (const { row } of gone) {
      const isSame = entries.get(row.sid)?.messageId === row.messageId
      if (isSame) entries.set(row.sid, { messageId: row.messageId })
    }
    return { next: { ...registry, entries: prune(entries) }, outcome: undefined }
  })
  return new Set(gone)
}

function isFull(count: number, others: number): boolean {
  return count >= limits.subscriptionsPerConnection || count + others >= limits.subscriptionsPerUser
}

function isCurrent(registry: Registry, row: SubscriptionRow): boolean {
  const entry = registry.entries.get(row.sid)
  return !registry.closed && entry?.messageId === row.messageId && entry.topic === row.topic
}
