import { arrivalOf, type Position } from '../../protocol/index.ts'
import { sliceBlock, type DeviceBlock } from './device-block.ts'
import { laneOf, type Lane } from './lanes.ts'
import { ROW_SPAN_MS, type HistoryRow } from './ports.ts'

/** A row's numbers and positions, at most: about 100 KB of the 400 KB that DynamoDB allows (aws-behaviour D5). */
const ROW_CELLS = 8_000

/**
 * The rows of a batch: one per lane and {@link ROW_SPAN_MS} of arrival, split when large. A row's key is the position of its first
 * reading, so a batch that comes again writes the same rows again.
 */
export function buildRows(blocks: readonly DeviceBlock[]): readonly HistoryRow[] {
  const groups = new Map<string, { lane: Lane; blocks: DeviceBlock[] }>()
  for (const block of blocks.flatMap(splitBySpan)) {
    const lane = laneOf(block.topic)
    const id = `${lane}/${spanOf(block.positions[0])}`
    const group = groups.get(id) ?? { lane, blocks: [] }
    group.blocks.push(block)
    groups.set(id, group)
  }
  return [...groups.values()].flatMap((group) => splitBySize(group.lane, group.blocks))
}

function splitBySpan(block: DeviceBlock): readonly DeviceBlock[] {
  const parts: DeviceBlock[] = []
  let start = 0
  for (let end = 1; end <= block.positions.length; end++) {
    const isSame =
      end < block.positions.length &&
      spanOf(block.positions[end]) === spanOf(block.positions[start])
    if (isSame) continue
    const part = sliceBlock(block, start, end)
    if (part) parts.push(part)
    start = end
  }
  return parts
}

function splitBySize(lane: Lane, blocks: readonly DeviceBlock[]): readonly HistoryRow[] {
  const positions = blocks.flatMap((block) => block.positions).sort()
  const [key] = positions
  if (key === undefined) return []
  if (positions.length === 1 || cellsOf(blocks) <= ROW_CELLS) return [{ lane, key, blocks }]
  // In stream order, whoever the device: a device's later readings must not come into an earlier row.
  const middle = positions[Math.floor(positions.length / 2) - 1] ?? key
  return [
    ...splitBySize(
      lane,
      partsOf(blocks, (block) => upToText(block, middle)),
    ),
    ...splitBySize(
      lane,
      partsOf(blocks, (block) => afterText(block, middle)),
    ),
  ]
}

/** As text: positions of different devices are compared here. */
function upToText(block: DeviceBlock, middle: Position): DeviceBlock | undefined {
  const after = block.positions.findIndex((position) => position > middle)
  return sliceBlock(block, 0, after < 0 ? block.positions.length : after)
}

function afterText(block: DeviceBlock, middle: Position): DeviceBlock | undefined {
  const after = block.positions.findIndex((position) => position > middle)
  return after < 0 ? undefined : sliceBlock(block, after, block.positions.length)
}

function partsOf(
  blocks: readonly DeviceBlock[],
  part: (block: DeviceBlock) => DeviceBlock | undefined,
): readonly DeviceBlock[] {
  return blocks.map(part).filter((block) => block !== undefined)
}

function cellsOf(blocks: readonly DeviceBlock[]): number {
  return blocks.reduce(
    (sum, block) => sum + block.ts.length * (Object.keys(block.metrics).length + 2),
    0,
  )
}

function spanOf(position: Position | undefined): number {
  return Math.floor(arrivalOf(position ?? '') / ROW_SPAN_MS)
}
