import { arrivalOf, type Position } from '../../protocol/index.ts'
import { sliceBlock, type DeviceBlock } from '../blocks/device-block.ts'
import { laneOf, type Lane } from './lanes.ts'
import { ROW_SPAN_MS, type HistoryRow } from './ports.ts'

/** A row's bytes, at most, as {@link mostBytes} counts them: about 100 KB in truth, of the 400 KB that DynamoDB allows (DDB-5). */
const ROW_BYTES = 200_000
/** `{"p":…,"at":…,"n":[],"t":[],"d":[],"m":{},"q":[]}` with two positions. */
const BLOCK_BYTES = 160
/** A reading's difference of position (53), counter (17), two times (28) and quality (14). */
const READING_BYTES = 112
/** The longest number in JSON, -1.2345678901234567e-308, and its comma. */
const VALUE_BYTES = 25

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
  if (positions.length === 1 || sizeOf(blocks) <= ROW_BYTES) return [{ lane, key, blocks }]
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

function sizeOf(blocks: readonly DeviceBlock[]): number {
  return blocks.reduce((sum, block) => sum + mostBytes(block), 0)
}

/** Never less than a block takes in its item (UTF-8, JSON, its topic as the attribute's name), without making it. */
function mostBytes({ topic, boot, ts, metrics }: DeviceBlock): number {
  const names = Object.keys(metrics)
  const texts = [topic, boot ?? '', ...names]
  const textBytes = texts.reduce(
    (sum, text) => sum + Buffer.byteLength(JSON.stringify(text)) + 4,
    0,
  )
  return BLOCK_BYTES + textBytes + ts.length * (READING_BYTES + VALUE_BYTES * names.length)
}

function spanOf(position: Position | undefined): number {
  return Math.floor(arrivalOf(position ?? '') / ROW_SPAN_MS)
}
