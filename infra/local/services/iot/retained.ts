import type { Clock } from '../../platform/types.ts'

export interface RetainedMessage {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: 0 | 1
  readonly lastModifiedMs: number
}

/** Retained messages as the data plane lists them; aedes keeps its own copies for subscribers. */
export interface RetainedMessages {
  /** An empty payload deletes the topic's message (IOT-12). */
  store(topic: string, payload: Buffer, qos: 0 | 1): void
  get(topic: string): RetainedMessage | undefined
  /** By topic, in alphabetical order. */
  list(): readonly RetainedMessage[]
}

export function retainedMessages(clock: Clock): RetainedMessages {
  const messages = new Map<string, RetainedMessage>()
  return {
    store(topic, payload, qos) {
      if (payload.length === 0) messages.delete(topic)
      else messages.set(topic, { topic, payload, qos, lastModifiedMs: clock.now() })
    },
    get: (topic) => messages.get(topic),
    list: () => [...messages.values()].sort((a, b) => (a.topic < b.topic ? -1 : 1)),
  }
}
