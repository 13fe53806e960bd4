import { arrivalOf, earliestPosition, type Block } from '../../protocol/index.ts'
import type { Place } from './cursor.ts'
import type { DeviceBlock } from './device-block.ts'
import { fillPage } from './page.ts'
import { LATE_MS, ROW_SPAN_MS } from './ports.ts'
import { viewOf, type ReadPage, type Reading } from './query.ts'
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
export async function readByTime(reading: Reading, range: Range): Promise<ReadPage> {
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
  { query, topic, place, history, budget }: Reading,
  range: Range,
  blocks: Block[],
): Promise<Place | undefined> {
  if (place.after !== undefined || place.key !== undefined) return undefined
  const skip = place.late ?? 0
  const late = await history.late(topic, range.fromMs, range.toMs)
  const shows = (block: DeviceBlock, row: number): boolean => isWithin(block, row, range)
  for (const [index, block] of late.entries()) {
    if (index < skip) continue
    // A block of late readings goes whole, or with the next page: it fits a frame (splitToFit), and `limit` may be passed by a block.
    const ofBlock = { bytes: budget.bytes, readings: Number.MAX_SAFE_INTEGER }
    const into = { view: viewOf(query), budget: ofBlock, shows, thinned: true }
    const page = await fillPage([block], null, into)
    if (page.more || budget.readings <= 0) return { late: index }
    budget.bytes = ofBlock.bytes
    budget.readings -= page.blocks[0]?.ts.length ?? 0
    blocks.push(...page.blocks)
  }
  return undefined
}

/** True when a reading is kept under its own time too (build-rows). */
export function isLate(block: DeviceBlock, row: number): boolean {
  return Math.abs((block.ts[row] ?? 0) - arrivalOf(block.positions[row] ?? '')) > LATE_MS
}

export function isWithin(block: DeviceBlock, row: number, { fromMs, toMs }: Range): boolean {
  const ts = block.ts[row] ?? 0
  return ts >= fromMs && ts < toMs
}
