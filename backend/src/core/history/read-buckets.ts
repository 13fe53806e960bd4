import { arrivalOf, earliestPosition, type Buckets, type Position } from '../../protocol/index.ts'
import { matchesView } from '../selection/view.ts'
import { BucketTable, floorTo, type BucketSpan } from './buckets.ts'
import { lastPosition } from '../blocks/device-block.ts'
import { isLate, spanStartOf, walkLate, type LatePlace, type LateScan } from './late.ts'
import { LATE_MS } from './ports.ts'
import { viewOf, type ReadPage, type HistoryRead } from './query.ts'
import { isWithin } from './read-by-time.ts'
import { walkBlocks, type Scan } from './walk.ts'

const PAGES = 16

interface Range {
  readonly fromMs: number
  readonly toMs: number
  readonly bucketMs: number
}

/**
 * Whole buckets from the one that holds `from` to the one before `to` ends in. A page ends where its reads, its readings or its bytes do,
 * at the end of a bucket that nothing can be added to any more.
 */
export async function readBuckets(reading: HistoryRead, asked: Range): Promise<ReadPage> {
  const { query, place, budget } = reading
  const { bucketMs } = asked
  const fromMs = place.fromMs ?? floorTo(asked.fromMs, bucketMs)
  const lastMs = floorTo(asked.toMs - 1, bucketMs) + bucketMs
  const toMs = Math.min(lastMs, fromMs + budget.readings * bucketMs)
  const range = { fromMs, toMs, bucketMs }
  const { metrics, where } = query
  const table = new BucketTable({ bucketMs, metrics, isFiltered: where !== undefined })
  const lateMs = await addLate(reading, range, table)
  const doneMs = await addRows(reading, { ...range, toMs: lateMs }, table)
  const { before } = place
  const span = { fromMs, toMs: doneMs, before, knownFromMs: asked.fromMs }
  const { buckets, endMs } = fit(table, { ...span, lastMs, knownToMs: asked.toMs }, reading)
  const last = table.lastBefore(endMs, before)
  const next = { fromMs: endMs, ...(last ? { before: last } : {}) }
  return { content: { buckets }, next: endMs < lastMs ? next : undefined, complete: true }
}

/** Adds what is kept under its own time; returns the time up to which buckets lack none of it. */
async function addLate(reading: HistoryRead, range: Range, table: BucketTable): Promise<number> {
  const { query, topic, history } = reading
  let place: LatePlace | undefined
  let doneMs = range.fromMs
  while (doneMs <= range.fromMs) {
    const scan: LateScan = { pagesLeft: PAGES }
    for await (const { block } of walkLate(history, { topic, ...range, place, scan })) {
      block.ts.forEach((_, row) => {
        if (!isWithin(block, row, range)) return
        if (matchesView(viewOf(query), block, row)) table.add(block, row)
      })
    }
    if (scan.stoppedAt === undefined) return range.toMs
    place = scan.stoppedAt
    doneMs = floorTo(spanStartOf(place.key), range.bucketMs)
  }
  return Math.min(doneMs, range.toMs)
}

/** Adds what arrived near its time; returns the time up to which buckets are whole. */
async function addRows(
  { query, topic, history }: HistoryRead,
  range: Range,
  table: BucketTable,
): Promise<number> {
  const scan: Scan = { pagesLeft: PAGES }
  // What came just before tells whether the first bucket begins with a hole.
  const withLead = { ...range, fromMs: range.fromMs - LATE_MS }
  let fromKey: Position | undefined
  let after: Position | null = null
  let doneMs = range.fromMs
  while (doneMs <= range.fromMs) {
    const walk = walkBlocks(history, {
      topic,
      after,
      fromMs: range.fromMs - LATE_MS,
      fromKey,
      toKey: earliestPosition(range.toMs + LATE_MS),
      scan,
    })
    for await (const block of walk) {
      after = lastPosition(block)
      block.ts.forEach((_, row) => {
        if (isLate(block, row) || !isWithin(block, row, withLead)) return
        if (matchesView(viewOf(query), block, row)) table.add(block, row)
      })
    }
    if (scan.stoppedAt === undefined) return range.toMs
    // What comes later belongs, at the earliest, LATE_MS before the row that was not read.
    doneMs = floorTo(arrivalOf(scan.stoppedAt) - LATE_MS, range.bucketMs)
    fromKey = scan.stoppedAt
    scan.pagesLeft = PAGES
    delete scan.stoppedAt
  }
  return Math.min(doneMs, range.toMs)
}

/** As many buckets as fit a frame, at least one. The last page of an answer knows that nothing follows before `knownToMs`. */
function fit(
  table: BucketTable,
  span: BucketSpan & { readonly lastMs: number },
  { topic, budget }: HistoryRead,
): { readonly buckets: Buckets; readonly endMs: number } {
  let endMs = span.toMs
  for (;;) {
    const knownToMs = endMs < span.lastMs ? undefined : span.knownToMs
    const buckets = table.columns(topic, { ...span, toMs: endMs, knownToMs })
    const bytes = Buffer.byteLength(JSON.stringify(buckets))
    const count = buckets.ts.length
    if (bytes <= budget.bytes || count <= 1) return { buckets, endMs }
    const fitting = Math.max(1, Math.floor((count * budget.bytes * 0.95) / bytes))
    endMs = buckets.ts[Math.min(fitting, count - 1)] ?? endMs
  }
}
