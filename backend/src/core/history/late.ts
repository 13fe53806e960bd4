import { arrivalOf, type DeviceTopic, type Position } from '../../protocol/index.ts'
import { floorTo } from './buckets.ts'
import { blockBetween, lastPosition, pickRows, type DeviceBlock } from '../blocks/device-block.ts'
import { LATE_MS, type HistoryReader, type LateKey, type LateRow } from './ports.ts'

/** A late row holds readings of one such stretch of the device's time, which begins at a multiple of it since the epoch. */
const LATE_SPAN_MS = 600_000
const TIME_DIGITS = 13
const LAST_MS = 10 ** TIME_DIGITS - 1

/** True when a reading is kept under its own time too. */
export function isLate(block: DeviceBlock, row: number): boolean {
  return Math.abs((block.ts[row] ?? 0) - arrivalOf(block.positions[row] ?? '')) > LATE_MS
}

/** Rows sort by stretch of time, then as the stream does. Without a position: before every row of that time and later. */
function lateKey(ms: number, position: Position = ''): LateKey {
  const time = Math.min(LAST_MS, Math.max(0, Math.ceil(ms)))
  return `${String(time).padStart(TIME_DIGITS, '0')}#${position}`
}

/** Epoch ms at which the stretch of a row begins. */
export function spanStartOf(key: LateKey): number {
  return Number(key.slice(0, TIME_DIGITS))
}

export function isLateKey(value: unknown): value is LateKey {
  return typeof value === 'string' && /^\d{13}#[-0-9A-Z_a-z]{0,44}$/.test(value)
}

/**
 * The late readings of these blocks, not chained, by stretch of the device's time. A row holds readings that follow each other among
 * those of its stretch, so that rows which overlap after a batch came again, cut elsewhere, are read once ({@link walkLate}).
 */
export function buildLate(blocks: readonly DeviceBlock[]): readonly LateRow[] {
  return blocks.flatMap((block) => {
    const spans = new Map<number, number[]>()
    block.ts.forEach((ts, row) => {
      if (!isLate(block, row)) return
      const span = floorTo(ts, LATE_SPAN_MS)
      const rows = spans.get(span)
      if (rows) rows.push(row)
      else spans.set(span, [row])
    })
    return [...spans].map(([span, rows]): LateRow => {
      const late = { ...pickRows(block, rows), prev: null }
      return { key: lateKey(span, late.positions[0]), block: late }
    })
  })
}

/** Where a reader of late readings stands: at this row, of whose stretch it has everything up to `after`. */
export interface LatePlace {
  readonly key: LateKey
  readonly after: Position | null
}

/** How much may be read for one answer, and where to go on when that was not enough. */
export interface LateScan {
  /** Reads of about 1 MB of rows. */
  pagesLeft: number
  stoppedAt?: LatePlace
}

interface LateWalk {
  readonly topic: DeviceTopic
  /** Epoch ms: stretches that reach into [fromMs, toMs). Their readings may lie outside of it. */
  readonly fromMs: number
  readonly toMs: number
  readonly place?: LatePlace | undefined
  readonly scan: LateScan
}

/** The late readings of a device, each once: by stretch of time, in a stretch as the stream had them. Each with the place it begins at. */
export async function* walkLate(
  history: Pick<HistoryReader, 'late'>,
  { topic, fromMs, toMs, place, scan }: LateWalk,
): AsyncGenerator<LatePlace & { readonly block: DeviceBlock }> {
  let from: LateKey | undefined = place?.key ?? lateKey(floorTo(fromMs, LATE_SPAN_MS))
  let span = spanStartOf(from)
  let after = place?.after ?? null
  while (from !== undefined) {
    if (scan.pagesLeft-- <= 0) {
      scan.stoppedAt = { key: from, after }
      return
    }
    const part: Awaited<ReturnType<HistoryReader['late']>> = await history.late(
      topic,
      from,
      lateKey(toMs),
    )
    for (const { key, block } of part.rows) {
      if (spanStartOf(key) !== span) after = null
      span = spanStartOf(key)
      const rest = blockBetween(block, after)
      if (!rest) continue
      yield { key, after, block: { ...rest, prev: null } }
      after = lastPosition(rest)
    }
    from = part.next
  }
}
