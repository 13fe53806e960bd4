import { countedBetween, findHoles, type Hole } from '../../protocol/index.ts'
import { pickRows, sliceBlock, type DeviceBlock } from '../blocks/device-block.ts'

/**
 * About `points` readings per metric of all the blocks together: of each stretch of time those with the least and the greatest value of
 * each metric, so that a peak survives. A block of which rows were left out says `thinned`, and has no hole inside: blocks are cut at
 * holes, and the readings on both sides of one stay. So do the first and last of a block, and those where a metric ceases or comes back.
 */
export function thinBlocks(blocks: readonly DeviceBlock[], points: number): readonly DeviceBlock[] {
  const count = blocks.reduce((sum, block) => sum + block.ts.length, 0)
  if (count <= points) return blocks
  const rowsPerBucket = Math.ceil(count / Math.max(1, Math.floor(points / 2)))
  const ends = holeEnds(blocks)
  let seen = 0
  return blocks
    .flatMap((block) => cutAt(block, ends.after))
    .map((block) => {
      const buckets = new Map<number, number[]>()
      block.ts.forEach((_, row) => {
        const bucket = Math.floor((seen + row) / rowsPerBucket)
        const rows = buckets.get(bucket)
        if (rows) rows.push(row)
        else buckets.set(bucket, [row])
      })
      seen += block.ts.length
      const keep = new Set([...buckets.values()].flatMap((rows) => extremes(block, rows)))
      keep.add(0).add(block.ts.length - 1)
      block.ts.forEach((ts, row) => {
        if (ends.all.has(ts) || isChange(block, row)) keep.add(row)
      })
      return keep.size === block.ts.length ? block : thinned(block, keep)
    })
}

function thinned(block: DeviceBlock, keep: ReadonlySet<number>): DeviceBlock {
  const rows = [...keep].sort((a, b) => a - b)
  return { ...pickRows(block, rows), prev: block.prev, thinned: true }
}

/** The times on both sides of every hole of any metric, and those at which one ends. */
function holeEnds(blocks: readonly DeviceBlock[]): {
  readonly all: ReadonlySet<number>
  readonly after: ReadonlySet<number>
} {
  const holes = [...holesOf(blocks).values()].flat()
  return {
    all: new Set(holes.flatMap(({ fromMs, toMs }) => [fromMs, toMs])),
    after: new Set(holes.map(({ toMs }) => toMs)),
  }
}

/** The holes of each metric in these blocks, whatever the order in which its readings arrived. */
function holesOf(blocks: readonly DeviceBlock[]): ReadonlyMap<string, readonly Hole[]> {
  const rows = blocks
    .flatMap((block) => block.ts.map((ts, row) => ({ ts, row, block })))
    .sort((a, b) => a.ts - b.ts)
  const ts = rows.map((one) => one.ts)
  const counted = rows.map(({ block, row }) => ({ boot: block.boot, n: block.n[row] ?? null }))
  const missing = counted.map((after, i) => {
    const before = counted[i - 1]
    return (before && countedBetween(before, after)) ?? Number.NaN
  })
  const names = new Set(blocks.flatMap(({ metrics }) => Object.keys(metrics)))
  return new Map(
    [...names].map((name) => {
      const values = rows.map(({ block, row }) => block.metrics[name]?.[row] ?? Number.NaN)
      return [name, findHoles({ ts, values, missing })]
    }),
  )
}

function cutAt(block: DeviceBlock, times: ReadonlySet<number>): readonly DeviceBlock[] {
  const starts = block.ts.flatMap((ts, row) => (row > 0 && times.has(ts) ? [row] : []))
  return [0, ...starts].flatMap(
    (from, i) => sliceBlock(block, from, starts[i] ?? block.ts.length) ?? [],
  )
}

/** True where a metric ceases or comes back, on both sides. */
function isChange({ metrics }: DeviceBlock, row: number): boolean {
  return Object.values(metrics).some((column) => {
    const isThere = column[row] != null
    const differs = (other: number): boolean =>
      other >= 0 && other < column.length && (column[other] != null) !== isThere
    return differs(row - 1) || differs(row + 1)
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
