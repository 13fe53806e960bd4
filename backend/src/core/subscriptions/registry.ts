import { limits, type TopicFilter } from '../../protocol/index.ts'
import type { Registry, RegistryEntry, RowKey, Subscriptions } from './ports.ts'

/** An unsubscribed sid is remembered for this many later ones. */
const TOMBSTONES = limits.subscriptionsPerConnection
const ATTEMPTS = 10

/** What a change of the registry came to. */
export interface Change<Outcome> {
  readonly next: Registry
  readonly outcome: Outcome
}

/**
 * Reads, changes and writes a connection's registry until nobody else came between: the functions of one connection run in no order
 * and at once (APIGW-13). Throws when it cannot be written after ten tries.
 */
export async function changeRegistry<Outcome>(
  connectionId: string,
  subscriptions: Pick<Subscriptions, 'registry' | 'saveRegistry'>,
  change: (registry: Registry) => Change<Outcome>,
): Promise<Outcome> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const registry = await subscriptions.registry(connectionId)
    const { next, outcome } = change(registry)
    if (next === registry) return outcome
    const saved = await subscriptions.saveRegistry(connectionId, {
      ...next,
      revision: registry.revision + 1,
    })
    if (saved === 'saved') return outcome
  }
  throw new Error('the registry of the connection changed under every attempt to write it')
}

/** The subscriptions that are on. */
export function activeEntries(
  registry: Registry,
): readonly (readonly [number, RegistryEntry & { readonly topic: TopicFilter }])[] {
  return [...registry.entries].filter(
    (entry): entry is [number, RegistryEntry & { topic: TopicFilter }] =>
      entry[1].topic !== undefined,
  )
}

/** The row of every subscription that is on. */
export function rowKeys(connectionId: string, registry: Registry): readonly RowKey[] {
  return activeEntries(registry).map(([sid, { messageId, topic }]) => ({
    connectionId,
    sid,
    messageId,
    topic,
  }))
}

/** Forgets the oldest tombstones. */
export function prune(entries: ReadonlyMap<number, RegistryEntry>): Map<number, RegistryEntry> {
  const gone = [...entries].filter(([, { topic }]) => topic === undefined)
  const surplus = gone
    .sort(([, a], [, b]) => a.messageId - b.messageId)
    .slice(0, Math.max(0, gone.length - TOMBSTONES))
  const kept = new Map(entries)
  for (const [sid] of surplus) kept.delete(sid)
  return kept
}
