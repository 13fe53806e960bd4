import type { ClientMessage, Unsubscribed } from '../../protocol/index.ts'
import type { Connection } from '../connections/ports.ts'
import type { RowKey, Subscriptions } from './ports.ts'
import { changeRegistry, prune } from './registry.ts'

/**
 * Ends subscriptions; one that is not there is ended already. An older `subscribe` that is still on its way finds the mark that this
 * leaves (APIGW-13), and a newer one is left alone.
 */
export async function unsubscribe(
  message: ClientMessage<'unsubscribe'>,
  { connectionId }: Pick<Connection, 'connectionId'>,
  subscriptions: Subscriptions,
): Promise<Unsubscribed> {
  const removed = await changeRegistry(connectionId, subscriptions, (registry) => {
    const entries = new Map(registry.entries)
    const keys: RowKey[] = []
    for (const sid of message.sids) {
      const known = registry.entries.get(sid)
      if (known && known.messageId > message.id) continue
      if (known?.topic !== undefined) {
        keys.push({ connectionId, sid, messageId: known.messageId, topic: known.topic })
      }
      entries.set(sid, { messageId: message.id })
    }
    return { next: { ...registry, entries: prune(entries) }, outcome: keys }
  })
  await subscriptions.removeRows(removed)
  if (removed.length > 0) await subscriptions.bump(removed.map((key) => key.topic))
  return { type: 'unsubscribed', id: message.id, sids: message.sids, reason: 'client' }
}
