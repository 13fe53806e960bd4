import {
  arrivalOf,
  comparePositions,
  earliestPosition,
  placeOf,
  type DeviceTopic,
  type Position,
} from '../../protocol/index.ts'
import { blockBetween, lastPosition, sliceBlock, type DeviceBlock } from '../blocks/device-block.ts'
import { splitToFit } from '../blocks/frames.ts'
import { ROW_SPAN_MS, type HistoryReader } from '../history/ports.ts'
import type { StreamReading } from '../telemetry/reading.ts'

type History = Pick<HistoryReader, 'rows'>

/** Readings of one device that the stream gave before, from the history, exactly as they were chained the first time. */
export async function readRedelivered(
  topic: DeviceTopic,
  covered: readonly StreamReading[],
  history: History,
): Promise<readonly DeviceBlock[]> {
  const first = covered[0]?.position
  const last = covered.at(-1)?.position
  if (first === undefined || last === undefined) return []
  const again: DeviceBlock[] = []
  let reached: Position | null = null
  for await (const block of blocksAround(topic, [first, last], history)) {
    const rest = blockBetween(blockFrom(block, first), reached, last)
    if (!rest) continue
    again.push(...splitToFit(rest))
    reached = lastPosition(rest)
  }
  return again
}

/**
 * Which of these readings of one device, put back onto the stream by `redrive`, had been kept before the batch failed: they must not become
 * readings of their own under their new sequence number. Looked up under the place that they had the first time.
 */
export async function findKept(
  topic: DeviceTopic,
  redriven: readonly StreamReading[],
  history: History,
): Promise<ReadonlySet<StreamReading>> {
  const origins = redriven.map(({ origin }) => origin).filter((origin) => origin !== undefined)
  const [first] = origins
  if (first === undefined) return new Set()
  const earliest = origins.reduce((least, one) => (comparePositions(one, least) < 0 ? one : least))
  const latest = origins.reduce((most, one) => (comparePositions(one, most) > 0 ? one : most))
  const kept = new Set<string>()
  for await (const block of blocksAround(topic, [earliest, latest], history)) {
    for (const position of block.positions) kept.add(placeOf(position))
  }
  return new Set(redriven.filter(({ origin }) => origin !== undefined && kept.has(placeOf(origin))))
}

/** The blocks of the rows in which readings that arrived between the two may lie: a position's time may have been raised (notBefore). */
async function* blocksAround(
  topic: DeviceTopic,
  [first, last]: readonly [Position, Position],
  history: History,
): AsyncGenerator<DeviceBlock> {
  const to = earliestPosition(arrivalOf(last) + ROW_SPAN_MS)
  let from: Position | undefined = earliestPosition(arrivalOf(first) - ROW_SPAN_MS)
  while (from !== undefined) {
    const part: Awaited<ReturnType<History['rows']>> = await history.rows(topic, from, to)
    yield* part.blocks
    from = part.next
  }
}

function blockFrom(block: DeviceBlock, first: Position): DeviceBlock | undefined {
  const from = block.positions.findIndex((position) => comparePositions(position, first) >= 0)
  return from < 0 ? undefined : sliceBlock(block, from, block.positions.length)
}
