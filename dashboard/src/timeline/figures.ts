import { meanOf, percentileOf } from '@gaugeline/backend/protocol'
import { isIn, type ShownHole } from './holes.ts'
import type { Range, Span } from './past.ts'
import { runsOf } from './rows.ts'

/** Figures of the readings in a window, its edges included. */
export interface Figures {
  readonly count: number
  /** These are NaN without readings; finite otherwise. */
  readonly min: number
  readonly avg: number
  readonly max: number
  /** 95 of 100 readings are not above it, by nearest rank; NaN also where a part is only known in buckets. */
  readonly p95: number
  /** Holes in the window. */
  readonly gaps: number
  /** Where a part is only known in buckets: their length. Count and average then go by whole buckets. */
  readonly bucketMs: number | null
  /** False while a part of the window is not known. */
  readonly isComplete: boolean
}

export function figuresOf(
  metric: string,
  range: Range,
  { spans, holes }: { readonly spans: readonly Span[]; readonly holes: readonly ShownHole[] },
): Figures {
  const values: number[] = []
  for (const run of runsOf(spans)) {
    const rows = run.read(metric, run.rowAt(range.fromMs), run.rowAt(range.toMs + 1))
    for (const value of rows.values) if (!Number.isNaN(value)) values.push(value)
  }
  const older = spans.flatMap((span) =>
    span.kind === 'buckets' && isIn(span, range) ? [bucketSums(metric, range, span)] : [],
  )
  const isExact = older.every(({ count, ends }) => count === 0 && ends.length === 0)
  const ends = [values, ...older.map((part) => part.ends)]
  const averages = [...values, ...older.flatMap((part) => part.averages)]
  const counts = [...values.map(() => 1), ...older.flatMap((part) => part.counts)]
  const sorted = Float64Array.from(values).sort()
  return {
    count: counts.reduce((sum, count) => sum + count, 0),
    min: extreme(ends, Math.min),
    avg: meanOf(averages, counts),
    max: extreme(ends, Math.max),
    p95: isExact ? (percentileOf(sorted, 95) ?? Number.NaN) : Number.NaN,
    gaps: holes.reduce((sum, { count }) => sum + count, 0),
    bucketMs: isExact ? null : Math.max(...older.map(({ bucketMs }) => bucketMs)),
    isComplete: spans.every(
      (span) => span.kind !== 'unknown' || span.toMs <= range.fromMs || span.fromMs >= range.toMs,
    ),
  }
}

/** Least and greatest are those of readings in the range; averages and counts those of buckets whose middle is. */
function bucketSums(
  metric: string,
  range: Range,
  { buckets, fromMs, toMs }: Extract<Span, { kind: 'buckets' }>,
) {
  const sums = { ends: [] as number[], averages: [] as number[], counts: [] as number[] }
  const column = buckets.metrics[metric]
  const [from, to] = [Math.max(range.fromMs, fromMs), Math.min(range.toMs, toMs)]
  const isIn = (at: number): boolean => at >= from && at <= to
  buckets.ts.forEach((start, i) => {
    for (const [at, value] of [
      [column?.minAt[i], column?.min[i]],
      [column?.maxAt[i], column?.max[i]],
    ]) {
      if (at != null && value != null && isIn(start + at)) sums.ends.push(value)
    }
    const [avg, count] = [column?.avg[i], column?.count[i] ?? 0]
    if (avg == null || !isIn(start + buckets.bucketMs / 2)) return
    sums.averages.push(avg)
    sums.counts.push(count)
  })
  return { ...sums, count: sums.counts.length, bucketMs: buckets.bucketMs }
}

function extreme(
  lists: readonly (readonly number[])[],
  better: (a: number, b: number) => number,
): number {
  let found = Number.NaN
  for (const list of lists) {
    for (const value of list) found = Number.isNaN(found) ? value : better(found, value)
  }
  return found
}
