import type { Block } from '@gaugeline/backend/protocol'

const acknowledgedBit = 1
const pushedBit = 2
const foundBit = 4

/** A reading by what identifies it: the run of the device and its counter. */
interface Key {
  readonly topic: string
  readonly boot: string
  readonly n: number
}

/**
 * Which readings the broker acknowledged and which a subscriber saw, one byte for each. A reading counts as delivered when it was pushed; one
 * that only the history has was a gap that the subscriber could close; one that is in neither is missing.
 */
export class Ledger {
  /** Topic and boot → a byte for each counter. */
  readonly #bytes = new Map<string, Uint8Array>()
  readonly #topics: ReadonlySet<string>
  duplicate = 0

  constructor(topics: readonly string[]) {
    this.#topics = new Set(topics)
  }

  acked(key: Key): void {
    if (this.#topics.has(key.topic)) this.#mark(key, acknowledgedBit)
  }

  /** Readings that were pushed; calls `first` with the device's time of each that is new. */
  pushed(block: Block, first: (ts: number) => void): void {
    this.#each(block, (key, ts) => {
      if (this.#mark(key, pushedBit)) first(ts)
      else this.duplicate++
    })
  }

  /** Readings that the history has. */
  found(block: Block): void {
    this.#each(block, (key) => this.#mark(key, foundBit))
  }

  /** Topics with readings that were acknowledged and not seen so far. */
  unseen(): string[] {
    const topics = new Set<string>()
    for (const [key, bytes] of this.#bytes) {
      if (bytes.includes(acknowledgedBit)) topics.add(key.split(' ')[0] ?? '')
    }
    return [...topics]
  }

  counts(): {
    readonly acknowledged: number
    readonly recovered: number
    readonly missing: number
    readonly duplicate: number
  } {
    let [acknowledged, recovered, missing] = [0, 0, 0]
    for (const bytes of this.#bytes.values()) {
      for (const byte of bytes) {
        if ((byte & acknowledgedBit) === 0) continue
        acknowledged++
        if ((byte & pushedBit) !== 0) continue
        if ((byte & foundBit) === 0) missing++
        else recovered++
      }
    }
    return { acknowledged, recovered, missing, duplicate: this.duplicate }
  }

  #each({ topic, boot, n, ts }: Block, visit: (key: Key, ts: number) => void): void {
    if (boot == null || !this.#topics.has(topic)) return
    for (const [index, counter] of (n ?? []).entries()) {
      if (counter !== null) visit({ topic, boot, n: counter }, ts[index] ?? 0)
    }
  }

  /** False when it was marked before. */
  #mark({ topic, boot, n }: Key, bit: number): boolean {
    const key = `${topic} ${boot}`
    let bytes = this.#bytes.get(key) ?? new Uint8Array(64)
    if (n >= bytes.length) {
      const larger = new Uint8Array(Math.max(n + 1, bytes.length * 2))
      larger.set(bytes)
      bytes = larger
    }
    this.#bytes.set(key, bytes)
    const before = bytes[n] ?? 0
    bytes[n] = before | bit
    return (before & bit) === 0
  }
}
