import { arrivalOf } from '@gaugeline/backend/protocol'
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

/** The reading that carries the metric and arrived last, with the time of its arrival; undefined without one. */
export function lastReading(
  { series }: DeviceFeed,
  metric: string,
): { readonly at: number; readonly value: number } | undefined {
  const newest = series.newest(metric)
  return newest && { at: arrivalOf(newest.position), value: newest.value }
}
