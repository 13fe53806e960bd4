import type { DeviceFeed } from '../stream/device-feed.ts'

/** One reading of a metric. */
export interface ReadingAt {
  readonly at: number
  readonly value: number
  /** It came after a newer one. */
  readonly isLate: boolean
}

/** The reading of a metric nearest to a time; undefined when none is within `withinMs`. */
export function readingAt(
  { series }: DeviceFeed,
  metric: string,
  { at, withinMs }: { readonly at: number; readonly withinMs: number },
): ReadingAt | undefined {
  const { ts, values, length } = series.view(metric)
  const after = Math.min(series.rowAt(at), length - 1)
  const before = Math.max(0, after - 1)
  const row = at - (ts[before] ?? 0) < (ts[after] ?? 0) - at ? before : after
  const readAt = ts[row]
  if (readAt === undefined || Math.abs(readAt - at) > withinMs) return undefined
  return { at: readAt, value: values[row] ?? Number.NaN, isLate: series.isLate(row) }
}

const LOOK_BACK = 200

/** The newest reading that carries the metric, of the last 200; undefined without one. */
export function lastReading({ series }: DeviceFeed, metric: string): ReadingAt | undefined {
  const { ts, values, length } = series.view(metric)
  for (let row = length - 1; row >= Math.max(0, length - LOOK_BACK); row--) {
    const value = values[row]
    if (value !== undefined && !Number.isNaN(value)) {
      return { at: ts[row] ?? 0, value, isLate: series.isLate(row) }
    }
  }
  return undefined
}
