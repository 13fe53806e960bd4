import { parseTopicFilter, type TopicFilter } from '../protocol/index.ts'
import type { RowKey } from '../core/subscriptions/ports.ts'
import type { Key } from './dynamo-client.ts'

/** The partition of everybody who watches the whole fleet. */
export const FLEET = '#'
/** The partition of the connections that could not follow. */
export const SLOW = '!slow'
/** Its version is bumped by every revocation. */
export const REVOKED = '!revoked'

/** The partition that holds a filter's subscriptions: its site, or the fleet's. */
export function partitionOf(topic: TopicFilter): string {
  const parsed = parseTopicFilter(topic)
  return parsed === undefined || parsed.kind === 'fleet' ? FLEET : parsed.site
}

/** `<site>` or `#` / `<device or #>|<connectionId>|<sid>|<messageId>`: two generations of one sid never share a row. */
export function rowKey({ topic, connectionId, sid, messageId }: RowKey): Key {
  const parsed = parseTopicFilter(topic)
  const device = parsed?.kind === 'device' ? parsed.device : '#'
  return { pk: partitionOf(topic), sk: `${device}|${connectionId}|${sid}|${messageId}` }
}

export function versionKey(partition: string): Key {
  return { pk: partition, sk: '!version' }
}
