import { bucketMsFor, type LinePoints, minMaxBuckets } from '../stream/buckets.ts'
import type { Range, Span } from './past.ts'
import { runsOf } from './rows.ts'

export interface Line extends LinePoints {
  /** Readings that arrived after a newer one. */
  readonly late: LinePoints
  /** The longest stretch of which only the lowest and highest are drawn; null = every reading is a point. */
  readonly bucketMs: number | null
}

/**
 * The points to draw of a metric: readings that exist, at their places, those just outside of the range included, so that the line runs to
 * its edges. NaN breaks the line wherever one of `breaks` lies between two points.
 */
export function lineOf(
  metric: string,
  range: Range & { readonly pixels: number },
  { spans, breaks }: { readonly spans: readonly Span[]; readonly breaks: readonly Range[] },
): Line {
  const late: LinePoints = { x: [], y: [] }
  const parts: (LinePoints & { readonly bucketMs: number | null })[] = []
  for (const run of runsOf(spans)) {
    if (run.fromMs > range.toMs || run.toMs < range.fromMs) continue
    const from = Math.max(0, run.rowAt(range.fromMs) - 1)
    const to = Math.min(run.length, run.rowAt(range.toMs) + 1)
    const rows = run.read(metric, from, to)
    parts.push(thinned(rows, range, breaks))
    rows.late.forEach((isLate, row) => {
      const value = rows.values[row] ?? Number.NaN
      if (isLate === 0 || Number.isNaN(value)) return
      late.x.push(rows.ts[row] ?? 0)
      late.y.push(value)
    })
  }
  for (const span of spans)
    if (span.kind === 'buckets') parts.push(bucketPoints(metric, span, range))
  const filled = parts.filter(({ x }) => x.length > 0).sort((a, b) => (a.x[0] ?? 0) - (b.x[0] ?? 0))
  const isShown = ({ x }: LinePoints): boolean =>
    x.some((at) => at >= range.fromMs && at <= range.toMs)
  const sizes = filled.filter(isShown).flatMap(({ bucketMs }) => bucketMs ?? [])
  const bucketMs = sizes.length > 0 ? Math.max(...sizes) : null
  return { ...broken(filled, breaks), late, bucketMs }
}

/** The rows that carry the metric; the lowest and highest of each bucket between two breaks, where they are more than two for a pixel. */
function thinned(
  { ts, values }: { readonly ts: Float64Array; readonly values: Float64Array },
  range: Range & { readonly pixels: number },
  breaks: readonly Range[],
): LinePoints & { readonly bucketMs: number | null } {
  if (ts.length <= 2 * range.pixels) {
    const line: LinePoints = { x: [], y: [] }
    ts.forEach((at, row) => {
      const value = values[row] ?? Number.NaN
      if (Number.isNaN(value)) return
      line.x.push(at)
      line.y.push(value)
    })
    return { ...line, bucketMs: null }
  }
  const bucketMs = bucketMsFor(range.toMs - range.fromMs, range.pixels)
  const line: LinePoints = { x: [], y: [] }
  let from = 0
  for (const to of [...cuts(ts, breaks), ts.length]) {
    const part = minMaxBuckets(ts, values, { from, to, bucketMs })
    for (const x of part.x) line.x.push(x)
    for (const y of part.y) line.y.push(y)
    from = to
  }
  return { ...line, bucketMs }
}

/** The rows before which a break lies. */
function cuts(ts: Float64Array, breaks: readonly Range[]): number[] {
  const found: number[] = []
  let next = 0
  let reaches = -Infinity
  for (let row = 1; row < ts.length; row++) {
    const [before, at] = [ts[row - 1] ?? 0, ts[row] ?? 0]
    for (; next < breaks.length && (breaks[next]?.fromMs ?? 0) < at; next++) {
      reaches = Math.max(reaches, breaks[next]?.toMs ?? 0)
    }
    if (reaches > before) found.push(row)
  }
  return found
}

function bucketPoints(
  metric: string,
  { buckets, fromMs, toMs }: Extract<Span, { kind: 'buckets' }>,
  range: Range,
): LinePoints & { readonly bucketMs: number } {
  const line = { x: [] as number[], y: [] as number[], bucketMs: buckets.bucketMs }
  const column = buckets.metrics[metric]
  if (!column) return line
  buckets.ts.forEach((start, i) => {
    const [least, most] = [range.fromMs - buckets.bucketMs, range.toMs + buckets.bucketMs]
    if (start + buckets.bucketMs < least || start > most) return
    const ends = [
      { at: column.minAt[i], value: column.min[i] },
      { at: column.maxAt[i], value: column.max[i] },
    ]
    if ((ends[0]?.at ?? 0) > (ends[1]?.at ?? 0)) ends.reverse()
    const isOne = ends[0]?.at === ends[1]?.at
    for (const { at, value } of isOne ? ends.slice(1) : ends) {
      if (at == null || value == null) continue
      const x = start + at
      if (x < fromMs || x >= toMs) continue
      line.x.push(x)
      line.y.push(value)
    }
  })
  return line
}

/** All parts as one line, broken where a break lies between two points. */
function broken(parts: readonly LinePoints[], breaks: readonly Range[]): LinePoints {
  const line: LinePoints = { x: [], y: [] }
  let next = 0
  let reaches = -Infinity
  let before: number | undefined
  for (const { x, y } of parts) {
    for (let i = 0; i < x.length; i++) {
      const at = x[i] ?? 0
      for (; next < breaks.length && (breaks[next]?.fromMs ?? 0) < at; next++) {
        reaches = Math.max(reaches, breaks[next]?.toMs ?? 0)
      }
      if (before !== undefined && reaches > before) {
        line.x.push((before + at) / 2)
        line.y.push(Number.NaN)
      }
      line.x.push(at)
      line.y.push(y[i] ?? Number.NaN)
      before = at
    }
  }
  return line
}
