import { arrivalOf, earliestPosition, type Block } from '../../protocol/index.ts'
import type { Place } from './cursor.ts'
import type { DeviceBlock } from '../blocks/device-block.ts'
import { fillPage } from './page.ts'
import { isLate, walkLate, type LateScan } from './late.ts'
import { LATE_MS, ROW_SPAN_MS } from './ports.ts'
import { viewOf, type ReadPage, type HistoryRead } from './query.ts'
import { walkBlocks, type Scan } from './walk.ts'

const PAGES = 8

interface Range {
  readonly fromMs: number
  readonly toMs: number
}

/**
 * Readings whose own time lies in [from, to): first those that arrived far from it (kept under their time), then the rest in stream order.
 * Each once: the two are told apart by the same rule that wrote them.
 */
export async function readByTime(reading: HistoryRead, range: Range): Promise<ReadPage> {
  const blocks: Block[] = []
  const late = await readLate(reading, range, blocks)
  if (late) return { content: { blocks }, next: late, complete: true }
  const { query, topic, place, history, budget } = reading
  const scan: Scan = { pagesLeft: PAGES }
  const after = place.after ?? null
  const fromMs = range.fromMs - LATE_MS
  const walk = walkBlocks(history, {
    topic,
    after,
    fromMs: after === null ? fromMs : arrivalOf(after),
    fromKey: place.key,
    toKey: earliestPosition(range.toMs + LATE_MS),
    scan,
  })
  const shows = (block: DeviceBlock, row: number): boolean =>
    !isLate(block, row) && isWithin(block, row, range)
  const page = await fillPage(walk, after, {
    view: viewOf(query),
    budget,
    shows,
  })
  blocks.push(...page.blocks)
  const reached =
    page.reached === null
      ? { key: place.key ?? earliestPosition(fromMs - ROW_SPAN_MS) }
      : { after: page.reached }
  const stopped = scan.stoppedAt === undefined ? undefined : { ...reached, key: scan.stoppedAt }
  return {
    content: { blocks },
    next: page.more ? reached : stopped,
    complete: page.hole === undefined,
  }
}

/** Adds late readings; the place to go on at when not all of them fit. */
async function readLate(
  { query, topic, place, history, budget }: HistoryRead,
  range: Range,
  blocks: Block[],
): Promise<Place | undefined> {
  const isDone = place.after !== undefined || place.key !== undefined
  if (isDone) return undefined
  const shows = (block: DeviceBlock, row: number): boolean => isWithin(block, row, range)
  const into = { view: viewOf(query), budget, shows, thinned: true }
  const scan: LateScan = { pagesLeft: PAGES }
  const walk = walkLate(history, { topic, ...range, place: place.late, scan })
  for await (const { key, after, block } of walk) {
    const page = await fillPage([block], null, into)
    blocks.push(...page.blocks)
    if (page.more) return { late: { key, after: page.reached ?? after } }
  }
  return scan.stoppedAt && { late: scan.stoppedAt }
}

export function isWithin(block: DeviceBlock, row: number, { fromMs, toMs }: Range): boolean {
  const ts = block.ts[row] ?? 0
  return ts >= fromMs && ts < toMs
}
