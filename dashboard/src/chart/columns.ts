import type { DeviceFeed, Gap } from '../stream/device-feed.ts'
import { bucketMsFor, type LinePoints, minMaxBuckets } from '../stream/buckets.ts'
import { type Band, gapBand, silence, waiting } from './gap-bands.ts'

/** What a chart draws: the data contract between the series and the drawing engine. */
export interface ChartColumns extends LinePoints {
  /** Readings that arrived after a newer one, drawn hollow. */
  readonly late: LinePoints
  readonly bands: readonly Band[]
  /** Size of the min/max buckets when the line is thinned, else null. */
  readonly bucketMs: number | null
  readonly min: number
  readonly max: number
}

export interface WindowRange {
  readonly fromMs: number
  readonly toMs: number
  /** Width of the plot: at most two points per pixel are given. */
  readonly pixels: number
}

const LEAST_SILENCE_MS = 5_000
/** Readings may overtake each other on the way: this long nobody calls those that are missing lost. */
const LATE_GRACE_MS = 10_000
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

/** Reads one metric of a feed for drawing. Points just outside the window are included, so that the line runs to its edges. */
export function readColumns(feed: DeviceFeed, metric: string, range: WindowRange): ChartColumns {
  const { series } = feed
  const { ts, values, length } = series.view(metric)
  const from = Math.max(0, series.rowAt(range.fromMs) - 1)
  const to = Math.min(length, series.rowAt(range.toMs) + 1)
  const silenceMs = Math.max(LEAST_SILENCE_MS, 3 * (series.intervalMs ?? 0))
  const isThin = to - from > 2 * range.pixels
  const bucketMs = isThin ? bucketMsFor(range.toMs - range.fromMs, range.pixels) : null
  const bands = feed.gaps
    .filter((gap) => gap.toMs >= range.fromMs && gap.fromMs <= range.toMs)
    .map((gap) => gapBand(gap, range.toMs))
  const holes = feed.gaps.filter((gap) => gap.state !== 'repaired')
  const line: LinePoints = { x: [], y: [] }
  coarsePoints(feed, metric, range, line)
  let start = from
  for (let row = from + 1; row <= to; row++) {
    const step = row < to ? (ts[row] ?? 0) - (ts[row - 1] ?? 0) : 0
    const missing = row < to ? series.missingBefore(row) : undefined
    const isSilence = (step > silenceMs && !series.isThinned(row)) || (missing ?? 0) > 0
    const breaks = row < to && (isSilence || isBroken(holes, ts[row - 1] ?? 0, ts[row] ?? 0))
    if (row < to && !breaks) continue
    append(line, ts, values, { from: start, to: row, bucketMs })
    if (!breaks) continue
    line.x.push((ts[row - 1] ?? 0) + 1)
    line.y.push(Number.NaN)
    if (!isBroken(holes, ts[row - 1] ?? 0, ts[row] ?? 0)) {
      const stretch = { fromMs: ts[row - 1] ?? 0, toMs: ts[row] ?? 0 }
      const isYoung = feed.isLoading || range.toMs - stretch.toMs < LATE_GRACE_MS
      bands.push(silence(stretch, missing, isYoung))
    }
    start = row
  }
  const lastTs = ts[length - 1]
  const isAtEnd = to === length && lastTs !== undefined && range.toMs - lastTs > silenceMs
  if (isAtEnd && !isBroken(holes, lastTs, range.toMs)) bands.push(waiting(lastTs, range.toMs))
  return { ...line, ...extent(line.y), bands, bucketMs, late: latePoints(feed, metric, from, to) }
}

function append(
  line: LinePoints,
  ts: Float64Array,
  values: Float64Array,
  part: { from: number; to: number; bucketMs: number | null },
): void {
  if (part.bucketMs !== null) {
    const thin = minMaxBuckets(ts, values, { ...part, bucketMs: part.bucketMs })
    for (let i = 0; i < thin.x.length; i++) {
      line.x.push(thin.x[i] ?? 0)
      line.y.push(thin.y[i] ?? 0)
    }
    return
  }
  for (let row = part.from; row < part.to; row++) {
    const value = values[row] ?? Number.NaN
    // A null is a metric that this reading did not carry, no hole in time.
    if (Number.isNaN(value)) continue
    line.x.push(ts[row] ?? 0)
    line.y.push(value)
  }
}

/** Buckets of the server for the time before the first reading held: lowest and highest, a quarter bucket from its edges. */
function coarsePoints(
  feed: DeviceFeed,
  metric: string,
  range: WindowRange,
  line: LinePoints,
): void {
  const buckets = feed.coarse
  const column = buckets?.metrics[metric]
  if (!buckets || !column) return
  const firstRaw = feed.series.firstTs ?? Infinity
  for (let i = 0; i < buckets.ts.length; i++) {
    const at = buckets.ts[i] ?? 0
    const low = column.min[i]
    const high = column.max[i]
    if (at + buckets.bucketMs > firstRaw || at + buckets.bucketMs < range.fromMs) continue
    if (typeof low !== 'number' || typeof high !== 'number') continue
    line.x.push(at + buckets.bucketMs / 4, at + (buckets.bucketMs * 3) / 4)
    line.y.push(low, high)
  }
}

function latePoints(feed: DeviceFeed, metric: string, from: number, to: number): LinePoints {
  const { ts, values } = feed.series.view(metric)
  const late: LinePoints = { x: [], y: [] }
  for (let row = from; row < to; row++) {
    if (!feed.series.isLate(row) || Number.isNaN(values[row] ?? Number.NaN)) continue
    late.x.push(ts[row] ?? 0)
    late.y.push(values[row] ?? 0)
  }
  return late
}

/** True when readings are missing somewhere between two times: no line may cross it, however short it is. */
function isBroken(holes: readonly Gap[], fromMs: number, toMs: number): boolean {
  return holes.some((gap) => gap.fromMs < toMs && gap.toMs > fromMs)
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
