import { arrivalOf } from '@gaugeline/backend/protocol'
import type { DeviceFeed } from '../stream/device-feed.ts'
import type { ChartColumns } from './columns.ts'

/** One reading of a metric. */
export interface ReadingAt {
  readonly at: number
  readonly value: number
  /** It came after a newer one. */
  readonly isLate: boolean
}

/** The drawn reading that is nearest to a time; undefined when none is within `withinMs`. */
export function readingAt(
  { x, y, late }: Pick<ChartColumns, 'x' | 'y' | 'late'>,
  { at, withinMs }: { readonly at: number; readonly withinMs: number },
): ReadingAt | undefined {
  let low = 0
  let high = x.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((x[middle] ?? 0) < at) low = middle + 1
    else high = middle
  }
  // A break may stand on either side: the points beside it are looked at too.
  const near = [low - 2, low - 1, low, low + 1].filter((i) => !Number.isNaN(y[i] ?? Number.NaN))
  const distance = (i: number): number => Math.abs((x[i] ?? Infinity) - at)
  const [nearest] = near.sort((a, b) => distance(a) - distance(b))
  if (nearest === undefined || distance(nearest) > withinMs) return undefined
  const readAt = x[nearest] ?? 0
  return { at: readAt, value: y[nearest] ?? Number.NaN, isLate: late.x.includes(readAt) }
}

/** The reading that carries the metric and arrived last, with the time of its arrival; undefined without one. */
export function lastReading(
  { series }: DeviceFeed,
  metric: string,
): { readonly at: number; readonly value: number } | undefined {
  const newest = series.newest(metric)
  return newest && { at: arrivalOf(newest.position), value: newest.value }
}
