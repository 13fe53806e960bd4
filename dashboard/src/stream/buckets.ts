const STEPS_MS = [
  50, 100, 200, 250, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000,
  600_000, 900_000, 1_800_000, 3_600_000,
]

/** The smallest round bucket that cuts `spanMs` into at most `count` pieces, milliseconds. */
export function bucketMsFor(spanMs: number, count: number): number {
  const least = spanMs / Math.max(1, count)
  return STEPS_MS.find((step) => step >= least) ?? Math.ceil(least)
}

/** The points of a line, in the order of x; NaN breaks the line. */
export interface LinePoints {
  readonly x: number[]
  readonly y: number[]
}

/**
 * Thins rows [from, to) of a sorted column to the lowest and highest of each bucket, in the order they came. Buckets are aligned to the
 * epoch, never to the window: the line stays where it is while the window moves (Home Assistant #25991). NaN values are no points.
 */
export function minMaxBuckets(
  ts: Float64Array,
  values: Float64Array,
  range: { readonly from: number; readonly to: number; readonly bucketMs: number },
): LinePoints {
  const x: number[] = []
  const y: number[] = []
  let row = range.from
  while (row < range.to) {
    const bucket = Math.floor((ts[row] ?? 0) / range.bucketMs)
    let low = -1
    let high = -1
    for (; row < range.to && Math.floor((ts[row] ?? 0) / range.bucketMs) === bucket; row++) {
      const value = values[row] ?? Number.NaN
      if (Number.isNaN(value)) continue
      if (low < 0 || value < (values[low] ?? 0)) low = row
      if (high < 0 || value > (values[high] ?? 0)) high = row
    }
    if (low < 0) continue
    const first = Math.min(low, high)
    const second = Math.max(low, high)
    x.push(ts[first] ?? 0)
    y.push(values[first] ?? 0)
    if (second !== first) {
      x.push(ts[second] ?? 0)
      y.push(values[second] ?? 0)
    }
  }
  return { x, y }
}
