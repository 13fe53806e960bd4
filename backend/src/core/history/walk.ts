import {
  arrivalOf,
  comparePositions,
  earliestPosition,
  type DeviceTopic,
  type Position,
} from '../../protocol/index.ts'
import { blockBetween, lastPosition, sliceBlock, type DeviceBlock } from '../blocks/device-block.ts'
import { ROW_SPAN_MS, type HistoryReader } from './ports.ts'

/** After every position, as text. */
const END = '~'

/** How much may be read for one answer, and where to go on when that was not enough. */
export interface Scan {
  /** Reads of about 1 MB of rows. */
  pagesLeft: number
  /** Set when the walk stopped because of `pagesLeft`: the key from which rows have not been looked at. */
  stoppedAt?: Position
}

export interface Walk {
  readonly topic: DeviceTopic
  /** Begin after this position … */
  readonly after: Position | null
  /** … and with the first reading that arrived then (epoch ms). */
  readonly fromMs: number
  /** Begin at this row, where an earlier walk stopped. */
  readonly fromKey?: Position | undefined
  /** End with this position … */
  readonly until?: Position | undefined
  /** … or with the last row before this key. */
  readonly toKey?: Position | undefined
  readonly scan?: Scan
}

/** The readings of a device in stream order, each once, as chained blocks; reads the rows page by page as they are asked for. */
export async function* walkBlocks(
  history: Pick<HistoryReader, 'rows'>,
  { topic, after, fromMs, fromKey, until, toKey, scan }: Walk,
): AsyncGenerator<DeviceBlock> {
  let reached = after
  // A reading's row begins at most ROW_SPAN_MS before it.
  let from: Position | undefined = fromKey ?? earliestPosition(fromMs - ROW_SPAN_MS)
  while (from !== undefined) {
    if (scan && scan.pagesLeft-- <= 0) {
      scan.stoppedAt = from
      return
    }
    const part: Awaited<ReturnType<HistoryReader['rows']>> = await history.rows(
      topic,
      from,
      toKey ?? until ?? END,
    )
    for (const block of part.blocks) {
      const rest = blockBetween(arrivedFrom(block, fromMs), reached, until)
      if (!rest) continue
      reached = lastPosition(rest)
      yield rest
    }
    from = part.next
  }
}

/** A place in time instead of a reading: what a page that begins at a time gives as its position. */
export function isTimeMark(position: Position): boolean {
  return comparePositions(position, earliestPosition(0)) === 0
}

function arrivedFrom(block: DeviceBlock, fromMs: number): DeviceBlock | undefined {
  const from = block.positions.findIndex((position) => arrivalOf(position) >= fromMs)
  return from < 0 ? undefined : sliceBlock(block, from, block.positions.length)
}
