import {
  arrivalOf,
  comparePositions,
  earliestPosition,
  type DeviceTopic,
  type Position,
} from '../../protocol/index.ts'
import { blockBetween, lastPosition, sliceBlock, type DeviceBlock } from './device-block.ts'
import { ROW_SPAN_MS, type HistoryReader } from './ports.ts'

/** After every position, as text. */
const END = '~'

export interface Walk {
  readonly topic: DeviceTopic
  /** Begin after this position … */
  readonly after: Position | null
  /** … or with the first reading that arrived then (epoch ms). */
  readonly fromMs: number
  /** End with this position. */
  readonly until?: Position | undefined
}

/** The readings of a device in stream order, each once, as chained blocks; reads the rows page by page as they are asked for. */
export async function* walkBlocks(
  history: Pick<HistoryReader, 'rows'>,
  { topic, after, fromMs, until }: Walk,
): AsyncGenerator<DeviceBlock> {
  let reached = after
  // A reading's row begins at most ROW_SPAN_MS before it.
  let from: Position | undefined = earliestPosition(Math.max(0, fromMs - ROW_SPAN_MS))
  while (from !== undefined) {
    const { blocks, next }: Awaited<ReturnType<HistoryReader['rows']>> = await history.rows(
      topic,
      from,
      until ?? END,
    )
    for (const block of blocks) {
      const rest = blockBetween(arrivedFrom(block, fromMs), reached, until)
      if (!rest) continue
      reached = lastPosition(rest)
      yield rest
    }
    from = next
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
