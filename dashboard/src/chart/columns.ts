import type { LinePoints } from '../stream/buckets.ts'
import type { Timeline, ViewRange } from '../timeline/timeline.ts'
import { type Band, bandsOf } from './gap-bands.ts'

/** What a chart draws: the data contract between the series and the drawing engine. */
export interface ChartColumns extends LinePoints {
  /** Readings that arrived after a newer one, drawn hollow. */
  readonly late: LinePoints
  readonly bands: readonly Band[]
  /** Size of the min/max buckets when the line is thinned, else null. */
  readonly bucketMs: number | null
  /** Of the points; not finite without any. */
  readonly min: number
  readonly max: number
}

/** A young series is not squeezed into the right edge of a long window, but never drawn wider than this. */
const LEAST_WINDOW_MS = 60_000

/**
 * The stretch of the time axis to draw: `windowMs` up to `toMs`. With `oldestMs` it begins there instead while there is less to show,
 * a minute at least.
 */
export function shownRange(
  toMs: number,
  windowMs: number,
  oldestMs: number | undefined,
): { readonly fromMs: number; readonly toMs: number } {
  const oldest = Math.min(oldestMs ?? -Infinity, toMs - LEAST_WINDOW_MS)
  return { fromMs: Math.max(toMs - windowMs, oldest), toMs }
}

/** Reads one metric for drawing. Points just outside the window are included, so that the line runs to its edges. */
export function readColumns(timeline: Timeline, metric: string, range: ViewRange): ChartColumns {
  const view = timeline.view(metric, range)
  const { x, y, late, bucketMs } = view
  return { x, y, late, bucketMs, ...extent(y), bands: bandsOf(view) }
}

function extent(y: readonly number[]): { min: number; max: number } {
  let min = Infinity
  let max = -Infinity
  for (const value of y) {
    if (value < min) min = value
    if (value > max) max = value
  }
  return { min, max }
}
