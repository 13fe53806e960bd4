import type { LaneHeads } from '../core/history/ports.ts'
import { packHeads, packWhole, unpackHeads } from './history-items.ts'

/**
 * Heads as this execution environment last read or wrote each item, so that text that is read again as it was is not parsed again. The table
 * stays what is true: the item is read each time, and other text (another environment wrote it, or the own write failed) is parsed.
 */
export interface HeadMemory {
  /** The heads in an item's text. `key`: whose item it is. */
  read(key: string, text: string): LaneHeads
  /** The text of an item that is about to be written ({@link packHeads}). */
  pack(key: string, heads: LaneHeads): string
}

/** Items of a lane and a shard: an environment has one shard at a time, and 16 lanes of it. */
const MAX_ITEMS = 64

export function createHeadMemory(): HeadMemory {
  const known = new Map<string, { readonly text: string; readonly heads: LaneHeads }>()
  const remember = (key: string, text: string, heads: LaneHeads): LaneHeads => {
    known.delete(key)
    known.set(key, { text, heads })
    const [oldest] = known.keys()
    if (known.size > MAX_ITEMS && oldest !== undefined) known.delete(oldest)
    return heads
  }
  return {
    read(key, text) {
      const item = known.get(key)
      return item?.text === text ? item.heads : remember(key, text, unpackHeads(text))
    },
    pack(key, heads) {
      const whole = packWhole(heads)
      // What had to be cut to fit is not what was given: the next read parses it.
      if (whole === undefined) return packHeads(heads)
      remember(key, whole, new Map(heads))
      return whole
    },
  }
}
