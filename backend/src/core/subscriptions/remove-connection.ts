import type { Subscriptions } from './ports.ts'
import { changeRegistry, rowKeys } from './registry.ts'

/**
 * Removes every subscription of a connection and nobody else's, and leaves a mark so that a `subscribe` still on its way adds none.
 * Safe to repeat. Returns how many rows went.
 */
export async function removeConnection(
  connectionId: string,
  subscriptions: Subscriptions,
): Promise<number> {
  // The entries stay until the rows are gone: a removal that is cut short can be repeated.
  const keys = rowKeys(connectionId, await subscriptions.closeRegistry(connectionId))
  if (keys.length === 0) return 0
  await subscriptions.removeRows(keys)
  await subscriptions.bump(keys.map((key) => key.topic))
  await changeRegistry(connectionId, subscriptions, (registry) => ({
    next: { ...registry, entries: new Map() },
    outcome: undefined,
  }))
  return keys.length
}
