import {
  arrivalOf,
  type Block,
  comparePositions,
  earliestPosition,
  type HistoryPage,
  type Position,
  type SubscriptionResult,
} from '@gaugeline/backend/protocol'
import { Coverage, type Span } from './coverage.ts'
import { DeviceSeries } from './device-series.ts'

export type GapReason =
  | 'socket-down'
  | 'hole'
  | 'throttled'
  | 'slow'
  | 'shed'
  | 'failed'
  | 'retention'
  | 'unknown-position'
  | 'latest'

/** Older ones are forgotten. */
const MAX_GAPS = 500

/** A stretch of a device's time axis that was or is incomplete. Times are epoch milliseconds of readings. */
export interface Gap {
  readonly fromMs: number
  readonly toMs: number
  readonly reason: GapReason
  /** `open`: being asked for. `repaired`: the readings came. `lost`: they cannot be had. */
  readonly state: 'open' | 'repaired' | 'lost'
  readonly repaired: number
}

/**
 * What the dashboard holds of one device in complete mode: the readings, which part of the stream they cover, and the gaps. Pure: it
 * says which holes there are, somebody else asks for them.
 */
export class DeviceFeed {
  readonly topic: string
  readonly series = new DeviceSeries()
  readonly #coverage = new Coverage()
  #gaps: Gap[] = []
  /** True while the pages of a snapshot are still coming: a push that runs ahead of them is no lost push. */
  isLoading = false
  /** Epoch ms from which on every reading is held, once the first subscribe has been answered. */
  knownFromMs = Infinity
  /** Grows with every reading that comes, wherever it belongs. */
  revision = 0
  #outdated: { fromMs: number; toMs: number } | undefined

  constructor(topic: string) {
    this.topic = topic
  }

  /** A new list with every change. */
  get gaps(): readonly Gap[] {
    return this.#gaps
  }
  /** Epoch ms up to which every reading is held that is not in a gap: further than now, but while pages are still coming. */
  get knownToMs(): number {
    if (!this.isLoading) return Infinity
    const { head } = this.#coverage
    return head === null || isTimeMark(head) ? -Infinity : arrivalOf(head)
  }
  /** Readings of this time have come since the last call, and what was asked about it before does not know them. Epoch ms. */
  takeOutdated(): { readonly fromMs: number; readonly toMs: number } | undefined {
    const outdated = this.#outdated
    this.#outdated = undefined
    return outdated
  }
  /** Everything up to here is held. */
  get position(): Position | null {
    return this.#coverage.head
  }
  /** The `since` of a resume; null when no reading is held that it could follow. */
  get resumeFrom(): Position | null {
    const { head } = this.#coverage
    return head === null || isTimeMark(head) ? null : head
  }
  get holes(): readonly Span[] {
    return this.#coverage.holes()
  }

  /** A pushed block. What it reveals to be missing shows in {@link holes}. */
  push(block: Block): number {
    const last = this.#coverage.last
    const lastTs = this.series.lastTs
    const added = this.#keep(block, true)
    const firstTs = block.ts[0]
    const missing = last !== null && this.#coverage.holes().some((hole) => hole.since === last)
    if (missing && !this.isLoading && lastTs !== undefined && firstTs !== undefined) {
      this.#open({ fromMs: lastTs, toMs: firstTs, reason: 'hole' })
    }
    return added
  }

  /** The answer to a subscribe, with its blocks. Returns the position to page on from when the answer is only a part. */
  subscribed(
    result: Extract<SubscriptionResult, { ok: true }>,
    blocks: readonly Block[],
    since: Position | null,
  ): Span | undefined {
    if (!result.recovered) this.#notRecovered(result.lost, blocks[0]?.ts[0])
    const known = result.recovered ? since : null
    const base = known ?? blocks[0]?.prev ?? blocks[0]?.position ?? result.head
    // Readings that were left out cannot be told from lost ones: what is before now is asked for in buckets then.
    if (blocks.some(({ thinned }) => thinned)) {
      this.#beginNow(result)
      return undefined
    }
    for (const block of blocks) this.#keep(block, false)
    const end = result.more ? result.resumeFrom : (result.head ?? blocks.at(-1)?.position)
    if (base && end) this.#coverage.add({ since: base, until: end })
    if (!result.more || !result.resumeFrom || !result.head) return undefined
    return { since: result.resumeFrom, until: result.head }
  }

  #beginNow({ head }: Extract<SubscriptionResult, { ok: true }>): void {
    this.knownFromMs = head ? arrivalOf(head) + 1 : this.knownFromMs
    if (head) this.#coverage.add({ since: head, until: head })
  }

  /** The device had never sent until then: its first reading follows this, and is missed when it does not come. */
  beginsAt(arrivalMs: number): void {
    const mark = earliestPosition(arrivalMs)
    this.#coverage.add({ since: mark, until: mark })
  }

  /** One page of the answer to a hole; `last` when no page follows. */
  repaired(hole: Span, page: HistoryPage, last: boolean): number {
    let added = 0
    for (const block of page.blocks ?? []) added += this.#keep(block, false)
    if (last) {
      // All that is kept of the hole has come; asking again would bring nothing.
      this.#coverage.add(hole)
      if (!page.complete) this.#lose(page.keptFromMs, 'retention')
    }
    this.#settle(added, last && this.#coverage.holes().length === 0)
    return added
  }

  /** The server says that it could not send: a known gap, opened at the newest reading. */
  announceGap(reason: GapReason, now: number): void {
    this.#open({ fromMs: this.series.lastTs ?? now, toMs: now, reason })
  }

  /** The socket is gone: what comes from now on is missing until the resume. */
  disconnected(now: number): void {
    if (this.#gaps.some((gap) => gap.state === 'open' && gap.reason === 'socket-down')) return
    this.#open({ fromMs: this.series.lastTs ?? now, toMs: Infinity, reason: 'socket-down' })
  }

  /** The resume is over and had `added` readings: the open gaps end where the next reading is. */
  resumed(added: number): void {
    this.#settle(added, true)
  }

  /** The server's newest position of this device: whatever we lack up to it is a hole (a lost tail). */
  learnHead(head: Position): Span | undefined {
    const held = this.#coverage.head
    if (held === null) return undefined
    this.#coverage.add({ since: head, until: head })
    return this.#coverage.holes()[0]
  }

  #keep(block: Block, live: boolean): number {
    const span = { since: block.prev ?? this.#beforeFirst(block), until: block.position }
    if (block.prev !== null && this.#coverage.has(span)) return 0
    const added = this.series.add(block, live)
    if (added > 0) this.#changed(block)
    if (this.series.trim()) this.knownFromMs = this.series.firstTs ?? this.knownFromMs
    this.#coverage.add(span)
    return added
  }

  #changed({ ts }: Block): void {
    this.revision++
    const old = ts.filter((at) => at < this.knownFromMs)
    if (old.length === 0 || !Number.isFinite(this.knownFromMs)) return
    const { fromMs = Infinity, toMs = -Infinity } = this.#outdated ?? {}
    this.#outdated = { fromMs: Math.min(fromMs, ...old), toMs: Math.max(toMs, ...old) }
  }

  /** What a device's first block follows. */
  #beforeFirst({ position }: Block): Position {
    const { head } = this.#coverage
    return head !== null && isTimeMark(head) ? head : position
  }

  #notRecovered(
    lost: { reason: GapReason; fromMs: number; toMs: number } | undefined,
    nextTs = Infinity,
  ): void {
    this.#gaps = this.#gaps.filter((gap) => gap.state !== 'open')
    const toMs = Math.min(lost?.toMs ?? nextTs, nextTs)
    if (lost) this.#gaps = [...this.#gaps, { ...lost, toMs, state: 'lost', repaired: 0 }]
    // The old stretch stays on the chart, but nothing may be claimed about what follows it.
    this.#coverage.clear()
  }

  #lose(keptFromMs: number, reason: GapReason): void {
    this.#gaps = this.#gaps.map((gap) =>
      gap.state === 'open' && gap.fromMs < keptFromMs
        ? { ...gap, toMs: Math.min(gap.toMs, keptFromMs), reason, state: 'lost' }
        : gap,
    )
  }

  #open(gap: Pick<Gap, 'fromMs' | 'toMs' | 'reason'>): void {
    this.#gaps = [...this.#gaps, { ...gap, state: 'open' as const, repaired: 0 }].slice(-MAX_GAPS)
  }

  #settle(added: number, finished: boolean): void {
    this.#gaps = this.#gaps.map((gap) => {
      if (gap.state !== 'open') return gap
      const repaired = gap.repaired + added
      if (!finished) return { ...gap, repaired }
      const toMs = Number.isFinite(gap.toMs) ? gap.toMs : this.#nextReading(gap.fromMs)
      return { ...gap, repaired, toMs, state: 'repaired' }
    })
  }

  #nextReading(afterMs: number): number {
    return Math.max(afterMs, this.series.lastTs ?? afterMs)
  }
}

/** A place before every reading, made by `earliestPosition`. */
function isTimeMark(position: Position): boolean {
  return comparePositions(position, earliestPosition(0)) === 0
}
