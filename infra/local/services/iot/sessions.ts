import type { Readable } from 'node:stream'
import type { Aedes } from 'aedes'
import type { Clock } from '../../platform/types.ts'
import { hasWildcard, topicMatchesFilter } from './topics.ts'

/** IOT-13: how long a session is kept after its client has left. */
const EXPIRY_MS = 3_600_000

/** What aedes keeps for its clients, with IoT Core's rules. */
export interface Sessions {
  /** A client with a session has left: its hour begins. */
  away(clientId: string): void
  /** A client of that id connects: what counts is when this one leaves. */
  back(clientId: string): void
  stop(): void
}

interface StoredPacket {
  messageId?: number
}

interface Persistence {
  createRetainedStreamCombi(filters: readonly string[]): Readable
  subscriptionsByTopic(topic: string): Promise<readonly { readonly topic: string }[]>
  cleanSubscriptions(client: { readonly id: string }): Promise<unknown>
  outgoingStream(client: { readonly id: string }): AsyncIterable<StoredPacket>
  outgoingUpdate(client: { readonly id: string }, packet: StoredPacket): Promise<unknown>
  outgoingClearMessageId(client: { readonly id: string }, packet: StoredPacket): Promise<unknown>
}

/**
 * Bends the store of a started aedes to IoT Core: only an exact filter gets a retained message (IOT-11), a stored session gets
 * only what its filters match as IoT Core reads them (IOT-10), and ends an hour after its client's last disconnect (IOT-13).
 */
export function iotSessions(aedes: Aedes, clock: Clock): Sessions {
  const { persistence } = aedes as unknown as { readonly persistence: Persistence }
  const retained = persistence.createRetainedStreamCombi.bind(persistence)
  const byTopic = persistence.subscriptionsByTopic.bind(persistence)
  persistence.createRetainedStreamCombi = (filters) =>
    retained(filters.filter((filter) => !hasWildcard(filter)))
  persistence.subscriptionsByTopic = async (topic) =>
    (await byTopic(topic)).filter((subscription) => topicMatchesFilter(subscription.topic, topic))

  const expiries = new Map<string, () => void>()
  const cancel = (clientId: string): void => {
    expiries.get(clientId)?.()
    expiries.delete(clientId)
  }
  return {
    away(clientId) {
      cancel(clientId)
      const expire = (): void => {
        expiries.delete(clientId)
        void forget(persistence, { id: clientId })
      }
      expiries.set(clientId, clock.after(EXPIRY_MS, expire))
    },
    back: cancel,
    stop() {
      for (const clientId of [...expiries.keys()]) cancel(clientId)
    },
  }
}

/** The subscriptions of a client and the messages that wait for it; aedes finds a message to remove by its id only. */
async function forget(persistence: Persistence, client: { readonly id: string }): Promise<void> {
  await persistence.cleanSubscriptions(client)
  let messageId = 0
  for await (const packet of persistence.outgoingStream(client)) {
    packet.messageId = ++messageId
    await persistence.outgoingUpdate(client, packet)
    await persistence.outgoingClearMessageId(client, packet)
  }
}
