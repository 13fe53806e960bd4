import { arrivalOf, comparePositions, type Block, type Position } from '../../protocol/index.ts'
import { isThinning, matchesView, type View } from '../selection/view.ts'
import { lastPosition, sliceBlock, wireBlock, type DeviceBlock } from '../blocks/device-block.ts'
import { isTimeMark } from './walk.ts'

/** Bytes and readings that an answer may still hold. Shared by everything that goes into one frame. */
export interface Budget {
  bytes: number
  readings: number
}

/** Readings between these times of arrival (epoch ms) that are no longer there. */
export interface Hole {
  readonly fromMs: number
  readonly toMs: number
}

export interface Page {
  readonly blocks: readonly Block[]
  /** Position of the last reading that the page covers; null when it covers none. */
  readonly reached: Position | null
  /** The budget ended before the readings did. */
  readonly more: boolean
  /** The first break of the chain, if any. */
  readonly hole: Hole | undefined
}

/** Where rows go: for whom, as whom, and how much still fits. */
export interface Into {
  readonly view: View
  readonly budget: Budget
  readonly sid?: number
  /** Every block is a choice of rows. */
  readonly thinned?: boolean
  /** Chooses rows besides the view, for example by time. */
  readonly shows?: (block: DeviceBlock, row: number) => boolean
}

/**
 * Fills a page from chained blocks: rows that match the view, until the budget is used up. The chain from `since` on is checked link by
 * link, so that a page that is not whole says so. Takes from `budget`.
 */
export async function fillPage(
  walk: AsyncIterable<DeviceBlock> | Iterable<DeviceBlock>,
  since: Position | null,
  into: Into,
): Promise<Page> {
  const blocks: Block[] = []
  let reached = since
  let hole: Hole | undefined
  let more = false
  for await (const block of walk) {
    hole ??= breakBetween(reached, block)
    const taken = takeFitting(block, into)
    if (taken) {
      reached = lastPosition(taken.source)
      if (taken.wire) blocks.push(taken.wire)
    }
    more = taken?.source !== block
    if (more) break
  }
  return { blocks, reached, more, hole }
}

/** What is missing between a position and the block that should follow it. */
function breakBetween(reached: Position | null, block: DeviceBlock): Hole | undefined {
  if (reached === null || isTimeMark(reached) || block.prev === reached) return undefined
  return { fromMs: arrivalOf(reached), toMs: arrivalOf(block.positions[0] ?? '') }
}

/** True when the head stands further than what was read: the tail is missing. */
export function isBehind(reached: Position | null, head: Position | null): boolean {
  if (head === null) return false
  return reached === null || comparePositions(reached, head) < 0
}

interface Taken {
  /** The part of the block that was looked at. */
  readonly source: DeviceBlock
  /** Undefined when none of it matched. */
  readonly wire: Block | undefined
}

/** As many of a block's first rows as fit the budget; undefined when not one does. */
function takeFitting(block: DeviceBlock, into: Into): Taken | undefined {
  const { budget } = into
  let source: DeviceBlock | undefined = block
  while (source) {
    const wire = render(source, into)
    if (!wire) return { source, wire: undefined }
    const bytes = Buffer.byteLength(JSON.stringify(wire)) + 1
    if (bytes <= budget.bytes && wire.ts.length <= budget.readings) {
      budget.bytes -= bytes
      budget.readings -= wire.ts.length
      return { source, wire }
    }
    const share = Math.min(budget.bytes / bytes, Math.max(0, budget.readings) / wire.ts.length)
    source = sliceBlock(source, 0, Math.floor(source.ts.length * Math.min(share, 0.95)))
  }
  return undefined
}

function render(source: DeviceBlock, into: Into): Block | undefined {
  const { view, sid, shows } = into
  const rows = source.ts.map((_, row) => row)
  const keep = rows.filter(
    (row) => matchesView(view, source, row) && (shows?.(source, row) ?? true),
  )
  const thinned = into.thinned === true || isThinning(view)
  if (keep.length === 0 && (thinned || shows)) return undefined
  const wire = wireBlock(source, { keep, metrics: view.metrics, thinned })
  return sid === undefined ? wire : { sid, ...wire }
}
