import type { SubscriptionRow } from '../core/subscriptions/ports.ts'
import type { Item } from './dynamo-client.ts'

/**
 * A subscription as an item. What a client compares with (`where`, `deadband`) is kept as JSON text: DynamoDB's numbers have 38 digits and
 * end at 1e126, the SDK refuses integers beyond 2^53, and a client may compare with any number that a double holds.
 */
export function toSubscriptionItem({ where, deadband, ...row }: SubscriptionRow): Item {
  return { ...row, where: toText(where), deadband: toText(deadband) }
}

/** The other way round; `sk` and `ttl` stay what they are. */
export function fromSubscriptionItem<T extends Item>(item: T): T & SubscriptionRow {
  const { where, deadband, ...row } = item
  const texts = { where, deadband }
  const parsed = Object.entries(texts).flatMap(([name, text]) =>
    typeof text === 'string' ? [[name, JSON.parse(text) as unknown]] : [],
  )
  return { ...row, ...Object.fromEntries(parsed) } as T & SubscriptionRow
}

function toText(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value)
}
