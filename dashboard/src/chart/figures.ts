import type { DeviceFeed } from '../stream/device-feed.ts'

/** Figures of the readings in a window. `p95` is NaN where a part of it is only held as min/max buckets. */
export interface WindowFigures {
  readonly count: number
  readonly min: number
  readonly avg: number
  readonly max: number
  readonly p95: number
}

/** Figures of a window, the server's buckets before the first reading included; undefined without any. */
export function windowFigures(
  feed: DeviceFeed,
  metric: string,
  range: { readonly fromMs: number; readonly toMs: number },
): WindowFigures | undefined {
  const { values, length } = feed.series.view(metric)
  const from = feed.series.rowAt(range.fromMs)
  const to = Math.min(length, feed.series.rowAt(range.toMs + 1))
  const kept = values.slice(from, to).filter((value) => !Number.isNaN(value))
  kept.sort()
  const older = coarseFigures(feed, metric, range.fromMs)
  const count = kept.length + older.count
  if (count === 0) return undefined
  let { sum } = older
  for (const value of kept) sum += value
  const p95 = kept[Math.min(kept.length - 1, Math.floor(kept.length * 0.95))]
  return {
    count,
    min: Math.min(older.min, kept[0] ?? Infinity),
    avg: sum / count,
    max: Math.max(older.max, kept[kept.length - 1] ?? -Infinity),
    p95: older.count === 0 && p95 !== undefined ? p95 : Number.NaN,
  }
}

function coarseFigures(
  feed: DeviceFeed,
  metric: string,
  fromMs: number,
): { count: number; sum: number; min: number; max: number } {
  const figures = { count: 0, sum: 0, min: Infinity, max: -Infinity }
  const column = feed.coarse?.metrics[metric]
  if (!feed.coarse || !column) return figures
  const firstRaw = feed.series.firstTs ?? Infinity
  feed.coarse.ts.forEach((at, i) => {
    const count = column.count[i] ?? 0
    if (count === 0 || at < fromMs || at + (feed.coarse?.bucketMs ?? 0) > firstRaw) return
    figures.count += count
    figures.sum += count * (column.avg[i] ?? 0)
    figures.min = Math.min(figures.min, column.min[i] ?? Infinity)
    figures.max = Math.max(figures.max, column.max[i] ?? -Infinity)
  })
  return figures
}
