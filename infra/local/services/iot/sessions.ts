import type { Readable } from 'node:stream'
import type { Aedes } from 'aedes'
import { hasWildcard, topicMatchesFilter } from './topics.ts'

/** What aedes keeps for its clients, with IoT Core's rules. */
export interface Sessions {
  /** Forgets the subscriptions and stored messages of a client that stayed away (aws-behaviour I13). */
  forget(clientId: string): Promise<void>
}

interface Persistence {
  createRetainedStreamCombi(filters: readonly string[]): Readable
  subscriptionsByTopic(topic: string): Promise<readonly { readonly topic: string }[]>
  cleanSubscriptions(client: { readonly id: string }): Promise<unknown>
}

/**
 * Bends the store of a started aedes to IoT Core: only an exact filter gets a retained message (aws-behaviour I11), and a stored session
 * gets only what its filters match as IoT Core reads them (I10).
 */
export function iotSessions(aedes: Aedes): Sessions {
  const { persistence } = aedes as unknown as { readonly persistence: Persistence }
  const retained = persistence.createRetainedStreamCombi.bind(persistence)
  const byTopic = persistence.subscriptionsByTopic.bind(persistence)
  persistence.createRetainedStreamCombi = (filters) =>
    retained(filters.filter((filter) => !hasWildcard(filter)))
  persistence.subscriptionsByTopic = async (topic) =>
    (await byTopic(topic)).filter((subscription) => topicMatchesFilter(subscription.topic, topic))
  return {
    async forget(clientId) {
      await persistence.cleanSubscriptions({ id: clientId })
    },
  }
}
