import type { Block } from '@gaugeline/backend/protocol'

const acknowledgedBit = 1
const pushedBit = 2
const foundBit = 4
/** Acknowledged while the subscriber had no connection: it could not be pushed. */
const unwatchedBit = 8
/** Could not be looked up. */
const unverifiedBit = 16

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

  /** `isWatched`: the subscriber has a connection, so that the reading is to be pushed. */
  acked(key: Key, isWatched = true): void {
    if (!this.#topics.has(key.topic)) return
    this.#mark(key, isWatched ? acknowledgedBit : acknowledgedBit | unwatchedBit)
  }

  /** The subscriber lost its connection: what was under way to it was not refused by anybody. */
  unwatched(): void {
    this.#markUnseen(() => true, unwatchedBit)
  }

  /** The history of a topic could not be read: of what is not seen nobody knows whether it is there. */
  unverified(topic: string): void {
    this.#markUnseen((one) => one === topic, unverifiedBit)
  }

  /** Readings that were pushed; calls `first` with the device's time of each that is new. */
  pushed(block: Block, first: (ts: number) => void): void {
    this.#each(block, (key, ts) => {
      if ((this.#mark(key, pushedBit) & pushedBit) === 0) first(ts)
      else this.duplicate++
    })
  }

  /** Readings that the history has; calls `late` with the device's time of each that should have been pushed. */
  found(block: Block, late: (ts: number) => void = () => undefined): void {
    this.#each(block, (key, ts) => {
      const before = this.#mark(key, foundBit)
      if ((before & ~unverifiedBit) === acknowledgedBit) late(ts)
    })
  }

  /** Topics with readings that were acknowledged and not seen so far. */
  unseen(): string[] {
    const topics = new Set<string>()
    for (const [key, bytes] of this.#bytes) if (bytes.some(isUnseen)) topics.add(topicOf(key))
    return [...topics]
  }

  counts(): LedgerCounts {
    const counts = {
      acknowledged: 0,
      watched: 0,
      pushed: 0,
      recovered: 0,
      missing: 0,
      unverified: 0,
    }
    for (const bytes of this.#bytes.values()) for (const byte of bytes) count(counts, byte)
    return { ...counts, duplicate: this.duplicate }
  }

  #markUnseen(isMeant: (topic: string) => boolean, bit: number): void {
    for (const [key, bytes] of this.#bytes) {
      if (!isMeant(topicOf(key))) continue
      for (const [n, byte] of bytes.entries()) if (isUnseen(byte)) bytes[n] = byte | bit
    }
  }

  #each({ topic, boot, n, ts }: Block, visit: (key: Key, ts: number) => void): void {
    if (boot == null || !this.#topics.has(topic)) return
    for (const [index, counter] of (n ?? []).entries()) {
      if (counter !== null) visit({ topic, boot, n: counter }, ts[index] ?? 0)
    }
  }

  /** What was marked before. */
  #mark({ topic, boot, n }: Key, bits: number): number {
    const key = `${topic} ${boot}`
    let bytes = this.#bytes.get(key) ?? new Uint8Array(64)
    if (n >= bytes.length) {
      const larger = new Uint8Array(Math.max(n + 1, bytes.length * 2))
      larger.set(bytes)
      bytes = larger
    }
    this.#bytes.set(key, bytes)
    const before = bytes[n] ?? 0
    bytes[n] = before | bits
    return before
  }
}

/** Readings of the sample; acknowledged = pushed in time or later + recovered + missing + unverified. */
export interface LedgerCounts {
  readonly acknowledged: number
  /** Acknowledged while the subscriber had a connection, and those of them that were pushed. */
  readonly watched: number
  readonly pushed: number
  readonly recovered: number
  readonly missing: number
  readonly unverified: number
  readonly duplicate: number
}

type Counted = { -readonly [Name in Exclude<keyof LedgerCounts, 'duplicate'>]: number }

function count(counts: Counted, byte: number): void {
  if ((byte & acknowledgedBit) === 0) return
  counts.acknowledged++
  const isPushed = (byte & pushedBit) !== 0
  if ((byte & unwatchedBit) === 0) {
    counts.watched++
    if (isPushed) counts.pushed++
  }
  if (isPushed) return
  if ((byte & foundBit) !== 0) counts.recovered++
  else if ((byte & unverifiedBit) !== 0) counts.unverified++
  else counts.missing++
}

function isUnseen(byte: number): boolean {
  return (byte & acknowledgedBit) !== 0 && (byte & (pushedBit | foundBit)) === 0
}

function topicOf(key: string): string {
  return key.split(' ')[0] ?? ''
}
