import type { Buckets, DeviceTopic } from '../../protocol/index.ts'
import type { DeviceBlock } from '../blocks/device-block.ts'

interface Sum {
  min: number
  max: number
  total: number
  count: number
}

/** min, max, avg and count per bucket and metric, filled reading by reading, in any order. */
export interface BucketTable {
  add(block: DeviceBlock, row: number): void
  /** Buckets that begin before `toMs`, in order, those with readings only. */
  columns(topic: DeviceTopic, toMs: number): Buckets
}

/** Buckets begin at multiples of `bucketMs` since the epoch. */
export function createBuckets(bucketMs: number, metrics?: readonly string[]): BucketTable {
  const table = new Map<number, Map<string, Sum>>()
  return {
    add(block, row) {
      const start = floorTo(block.ts[row] ?? 0, bucketMs)
      const bucket = table.get(start) ?? new Map<string, Sum>()
      table.set(start, bucket)
      for (const [name, column] of Object.entries(block.metrics)) {
        const value = column[row]
        if (value == null || (metrics && !metrics.includes(name))) continue
        bucket.set(name, plus(bucket.get(name), value))
      }
    },
    columns(topic, toMs) {
      const starts = [...table.keys()].filter((start) => start < toMs).sort((a, b) => a - b)
      const names = new Set(starts.flatMap((start) => [...(table.get(start)?.keys() ?? [])]))
      const column = (name: string): Buckets['metrics'][string] => {
        const sums = starts.map((start) => table.get(start)?.get(name))
        return {
          min: sums.map((sum) => sum?.min ?? null),
          max: sums.map((sum) => sum?.max ?? null),
          avg: sums.map((sum) => (sum ? rounded(sum.total / sum.count) : null)),
          count: sums.map((sum) => sum?.count ?? 0),
        }
      }
      return {
        topic,
        bucketMs,
        ts: starts,
        metrics: Object.fromEntries([...names].map((name) => [name, column(name)])),
      }
    },
  }
}

/** The first `count` buckets. */
export function firstBuckets(buckets: Buckets, count: number): Buckets {
  const cut = <T>(column: readonly T[]): readonly T[] => column.slice(0, count)
  return {
    ...buckets,
    ts: cut(buckets.ts),
    metrics: Object.fromEntries(
      Object.entries(buckets.metrics).map(([name, { min, max, avg, count: counts }]) => [
        name,
        { min: cut(min), max: cut(max), avg: cut(avg), count: cut(counts) },
      ]),
    ),
  }
}

export function floorTo(ms: number, stepMs: number): number {
  return Math.floor(ms / stepMs) * stepMs
}

function plus(sum: Sum | undefined, value: number): Sum {
  if (!sum) return { min: value, max: value, total: value, count: 1 }
  sum.min = Math.min(sum.min, value)
  sum.max = Math.max(sum.max, value)
  sum.total += value
  sum.count++
  return sum
}

/** 12 digits: more than any sensor has, without the noise of binary fractions. */
function rounded(value: number): number {
  return Number(value.toPrecision(12))
}
