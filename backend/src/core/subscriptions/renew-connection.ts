import { topicCovers, type TopicFilter } from '../../protocol/index.ts'
import type { Identity } from '../auth/identity.ts'
import type { RowKey, Subscriptions } from './ports.ts'
import { changeRegistry, prune, rowKeys } from './registry.ts'

/** The grants that let the bearer see everything the filter asks for; none: no access. */
export function grantsFor(
  devices: readonly TopicFilter[],
  topic: TopicFilter,
): readonly TopicFilter[] {
  return devices.filter((grant) => topicCovers(grant, topic))
}

/**
 * Gives a connection's subscriptions the expiry and grants of a new token; those that it no longer covers are removed. Returns their sids.
 */
export async function renewConnection(
  connectionId: string,
  identity: Identity,
  subscriptions: Subscriptions,
): Promise<readonly number[]> {
  const isCovered = ({ topic }: RowKey): boolean => grantsFor(identity.devices, topic).length > 0
  const { kept, lost } = await changeRegistry(connectionId, subscriptions, (registry) => {
    const keys = rowKeys(connectionId, registry)
    const gone = keys.filter((key) => !isCovered(key))
    const outcome = { kept: keys.filter(isCovered), lost: gone }
    if (gone.length === 0) return { next: registry, outcome }
    const entries = new Map(registry.entries)
    for (const { sid, messageId } of gone) entries.set(sid, { messageId })
    return { next: { ...registry, entries: prune(entries) }, outcome }
  })
  await subscriptions.removeRows(lost)
  await subscriptions.renewRows(
    kept.map((key) => ({ key, grants: grantsFor(identity.devices, key.topic) })),
    identity,
  )
  const topics = [...kept, ...lost].map((key) => key.topic)
  if (topics.length > 0) await subscriptions.bump(topics)
  return lost.map((key) => key.sid)
}
