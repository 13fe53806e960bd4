import type { DeviceBlock } from './device-block.ts'
import { pickRows } from './device-block.ts'

/**
 * About `points` readings per metric of all the blocks together: of each stretch of time those with the least and the greatest value of
 * each metric, so that a peak survives. A block's last reading always stays: it is where the block's chain goes on.
 */
export function thinBlocks(blocks: readonly DeviceBlock[], points: number): readonly DeviceBlock[] {
  const count = blocks.reduce((sum, block) => sum + block.ts.length, 0)
  if (count <= points) return blocks
  const rowsPerBucket = Math.ceil(count / Math.max(1, Math.floor(points / 2)))
  let seen = 0
  return blocks.map((block) => {
    const buckets = new Map<number, number[]>()
    block.ts.forEach((_, row) => {
      const bucket = Math.floor((seen + row) / rowsPerBucket)
      buckets.set(bucket, [...(buckets.get(bucket) ?? []), row])
    })
    seen += block.ts.length
    const keep = new Set([...buckets.values()].flatMap((rows) => extremes(block, rows)))
    keep.add(block.ts.length - 1)
    return {
      ...pickRows(
        block,
        [...keep].sort((a, b) => a - b),
      ),
      prev: block.prev,
    }
  })
}

function extremes(block: DeviceBlock, rows: readonly number[]): readonly number[] {
  return Object.values(block.metrics).flatMap((column) => {
    let least: number | undefined
    let greatest: number | undefined
    for (const row of rows) {
      const value = column[row]
      if (value === null || value === undefined) continue
      if (least === undefined || value < (column[least] ?? Infinity)) least = row
      if (greatest === undefined || value > (column[greatest] ?? -Infinity)) greatest = row
    }
    return [least, greatest].filter((row) => row !== undefined)
  })
}
