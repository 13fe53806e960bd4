import type { ShownHole } from './holes.ts'
import type { Range, Span } from './past.ts'
import { runsOf } from './rows.ts'

/** One row of a table or a file. Epoch ms; `values` in the order of the metrics that were asked for, NaN = none. */
export type Entry =
  | { readonly kind: 'reading'; readonly at: number; readonly values: readonly number[] }
  | {
      readonly kind: 'average'
      readonly at: number
      readonly values: readonly number[]
      readonly overMs: number
    }
  /** A hole of some of the metrics. */
  | {
      readonly kind: 'hole'
      readonly at: number
      readonly toMs: number
      readonly metrics: readonly string[]
      readonly hole: ShownHole
    }
  | {
      readonly kind: 'unknown'
      readonly at: number
      readonly toMs: number
      readonly why: 'loading' | 'failed'
    }

/** In the order of time; what has the same time as it is listed above. */
export function entriesOf(
  metrics: readonly string[],
  range: Range,
  known: {
    readonly spans: readonly Span[]
    readonly holes: readonly { readonly metric: string; readonly holes: readonly ShownHole[] }[]
  },
): Entry[] {
  const entries: Entry[] = [...readings(metrics, range, known.spans), ...holeEntries(known.holes)]
  for (const span of known.spans) {
    if (span.kind === 'buckets') entries.push(...averages(metrics, range, span))
    if (span.kind !== 'unknown' || span.fromMs >= range.toMs || span.toMs <= range.fromMs) continue
    const at = Math.max(range.fromMs, span.fromMs)
    const toMs = Math.min(range.toMs, span.toMs)
    entries.push({ kind: 'unknown', at, toMs, why: span.why })
  }
  return entries.sort((a, b) => a.at - b.at)
}

function readings(metrics: readonly string[], range: Range, spans: readonly Span[]): Entry[] {
  return runsOf(spans).flatMap((run) => {
    const [from, to] = [run.rowAt(range.fromMs), run.rowAt(range.toMs + 1)]
    const columns = metrics.map((metric) => run.read(metric, from, to))
    const { ts } = columns[0] ?? { ts: new Float64Array(0) }
    return Array.from(ts, (at, row): Entry => {
      const values = columns.map((column) => column.values[row] ?? Number.NaN)
      return { kind: 'reading', at, values }
    })
  })
}

/** Buckets whose middle lies in the range, as in the figures. */
function averages(
  metrics: readonly string[],
  range: Range,
  { buckets, fromMs, toMs }: Extract<Span, { kind: 'buckets' }>,
): Entry[] {
  const { bucketMs } = buckets
  return buckets.ts.flatMap((at, i): Entry[] => {
    const middle = at + bucketMs / 2
    const isIn = middle >= Math.max(range.fromMs, fromMs) && middle <= Math.min(range.toMs, toMs)
    const values = metrics.map((metric) => buckets.metrics[metric]?.avg[i] ?? Number.NaN)
    if (!isIn || values.every((value) => Number.isNaN(value))) return []
    return [{ kind: 'average', at, values, overMs: bucketMs }]
  })
}

/** Holes of the same ends and kind as one, with all the metrics that have it. */
function holeEntries(
  lists: readonly { readonly metric: string; readonly holes: readonly ShownHole[] }[],
): Entry[] {
  const found = new Map<string, Extract<Entry, { kind: 'hole' }>>()
  for (const { metric, holes } of lists) {
    for (const hole of holes) {
      const key = `${hole.fromMs} ${hole.toMs} ${hole.kind}`
      const { fromMs: at, toMs } = hole
      const metrics = [...(found.get(key)?.metrics ?? []), metric]
      found.set(key, { kind: 'hole', at, toMs, metrics, hole })
    }
  }
  return [...found.values()]
}
