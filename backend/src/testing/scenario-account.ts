import { isEntitled, topicCovers, type ServerMessage } from '../protocol/index.ts'
import type { Connection } from '../core/connections/ports.ts'

/** mulberry32: the same seed tells the same scenario. */
export function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** The topics that a message tells its receiver something about. */
export function topicsOf(message: ServerMessage): readonly string[] {
  switch (message.type) {
    case 'data':
      return message.blocks.map(({ topic }) => topic)
    case 'subscribed':
      return [...message.blocks, ...message.states, ...(message.refusals ?? [])].map(
        ({ topic }) => topic,
      )
    case 'note':
      return [message.note.topic]
    case 'presence':
    case 'refused':
    case 'command':
    case 'history':
    case 'gap':
      return [message.topic]
    case 'alarm':
    case 'alarmHistory':
    case 'alarms':
    case 'error':
    case 'goaway':
    case 'pong':
    case 'refreshed':
    case 'revoked':
    case 'slow':
    case 'unsubscribed':
    case 'welcome':
      return []
  }
}

/** A note may be about more than its reader sees: it concerns him when it is about a part of that. */
export function mayKnow(who: Connection, topic: string, { type }: ServerMessage): boolean {
  if (isEntitled(who.devices, topic)) return true
  return type === 'note' && who.devices.some((grant) => topicCovers(topic, grant))
}
