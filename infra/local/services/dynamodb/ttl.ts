import { AwsError } from '../../platform/errors.ts'
import type { Clock } from '../../platform/types.ts'
import type { Item } from './dynalite.ts'
import type { Engine } from './engine.ts'
import { keyOf } from './item-calls.ts'

/** DDB-2: AWS promises no time; here an expired item goes within minutes, later when the table is large. */
const SWEEP_INTERVAL_MS = 60_000
/** A large table is looked through less often: one millisecond of pause for each item seen. */
const PAUSE_PER_ITEM_MS = 1
const ITEMS_PER_TURN = 200
/** DDB-1. */
const FIVE_YEARS_S = 5 * 365 * 24 * 3600

export interface TimeToLive {
  set(tableName: string, attribute: string | undefined): void
  attributeOf(tableName: string): string | undefined
  start(): void
  stop(): Promise<void>
}

/** Deletes expired items on the clock: late on purpose (DDB-2), never counted as consumed capacity (DDB-4). */
export function createTimeToLive({
  clock,
  engine,
  delayMs,
}: {
  readonly clock: Clock
  readonly engine: Engine
  /** How long an expired item stays at least: AWS may need days. */
  readonly delayMs: number
}): TimeToLive {
  const attributes = new Map<string, string>()
  const dueMs = new Map<string, number>()
  let cancel: (() => void) | undefined
  let sweeping: Promise<void> | undefined

  const sweepTable = async (table: string, attribute: string): Promise<void> => {
    let seen = 0
    for await (const item of engine.items(table)) {
      if (!cancel) return
      if (++seen % ITEMS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve))
      const isDue = isExpired(item, attribute, { nowMs: clock.now(), delayMs })
      if (isDue) await remove(engine, { table, attribute, item })
    }
    dueMs.set(table, clock.monotonic() + seen * PAUSE_PER_ITEM_MS)
  }
  const sweep = async (): Promise<void> => {
    for (const [table, attribute] of attributes) {
      if ((dueMs.get(table) ?? 0) <= clock.monotonic()) await sweepTable(table, attribute)
    }
  }

  return {
    set(tableName, attribute) {
      if (attribute === undefined) attributes.delete(tableName)
      else attributes.set(tableName, attribute)
    },
    attributeOf: (tableName) => attributes.get(tableName),
    start() {
      cancel = clock.every(SWEEP_INTERVAL_MS, () => {
        sweeping ??= sweep()
          // A table that cannot be read or written now is looked through again at the next sweep.
          .catch(() => undefined)
          .finally(() => {
            sweeping = undefined
          })
      })
    },
    async stop() {
      cancel?.()
      cancel = undefined
      await sweeping
    },
  }
}

/** DDB-1: a Number at the top level, epoch seconds, not more than five years past. */
function isExpired(
  item: Item,
  attribute: string,
  { nowMs, delayMs }: { readonly nowMs: number; readonly delayMs: number },
): boolean {
  const value = item[attribute]?.['N']
  if (typeof value !== 'string') return false
  const expiresS = Number(value)
  const nowS = nowMs / 1000
  return expiresS + delayMs / 1000 <= nowS && expiresS > nowS - FIVE_YEARS_S
}

/** DDB-3: an item whose time was prolonged meanwhile stays. */
async function remove(
  engine: Engine,
  { table, attribute, item }: { table: string; attribute: string; item: Item },
): Promise<void> {
  try {
    await engine.run('DeleteItem', {
      TableName: table,
      Key: await keyOf(engine, { TableName: table, Item: item }),
      ConditionExpression: '#ttl = :ttl',
      ExpressionAttributeNames: { '#ttl': attribute },
      ExpressionAttributeValues: { ':ttl': item[attribute] },
    })
  } catch (error) {
    const isGone =
      error instanceof AwsError &&
      ['ConditionalCheckFailedException', 'ResourceNotFoundException'].includes(error.code)
    if (!isGone) throw error
  }
}
