import { findHoles, type MergedHole } from '@gaugeline/backend/protocol'
import type { DeviceFeed, Gap } from '../stream/device-feed.ts'
import type { Range, Span } from './past.ts'
import { type Run, runsOf } from './rows.ts'

/** A stretch without readings of a metric, and whose doing it is. */
export interface ShownHole extends MergedHole {
  readonly kind:
    | /** The device counted readings that are not there. */ 'missing'
    /** The same, but so lately that they may still come. */
    | 'awaited'
    /** By its own counter the device sent nothing. */
    | 'silent'
    /** No readings, and nobody can know whether the device sent any. */
    | 'none'
    /** Readings came without the metric. */
    | 'without'
    /** After the newest reading. */
    | 'waiting'
    /** Older than what is kept. */
    | 'expired'
    /** Between the server and here. */
    | 'link'
  /** Of a hole of the kind `link`. */
  readonly gap?: Gap
}

/** Readings may overtake each other on the way: this long nobody calls those that are missing lost. */
const LATE_GRACE_MS = 10_000

interface Around {
  readonly feed: DeviceFeed
  readonly spans: readonly Span[]
  readonly nowMs: number
}

/** The holes of a metric that reach into a range, in order, none inside of another. */
export function holesIn(metric: string, range: Range, around: Around): readonly ShownHole[] {
  const { feed, spans, nowMs } = around
  const links = feed.gaps
    .filter((gap) => gap.state !== 'repaired' && isIn(gap, range))
    .map((gap) => linkHole(gap, nowMs))
  const found = [
    ...runsOf(spans).flatMap((run) =>
      isIn(run, range) ? runHoles(metric, run, range, around) : [],
    ),
    ...spans.flatMap((span) => (isIn(span, range) ? spanHoles(metric, span) : [])),
  ].filter((hole) => isIn(hole, range) && !links.some((link) => covers(link, hole)))
  const edges = new Set(spans.flatMap((span) => [span.fromMs, span.toMs]))
  return united([...found, ...links], edges)
}

function linkHole(gap: Gap, nowMs: number): ShownHole {
  const toMs = Math.min(gap.toMs, Math.max(nowMs, gap.fromMs))
  return { fromMs: gap.fromMs, toMs, kind: 'link', gap, missing: null, without: 0, count: 1 }
}

function runHoles(metric: string, run: Run, range: Range, around: Around): ShownHole[] {
  const rows = run.around(metric, range)
  const { nowMs, feed } = around
  const holes = findHoles({
    ...rows,
    knownFromMs: rows.from === 0 && Number.isFinite(run.fromMs) ? run.fromMs : undefined,
    knownToMs: rows.to === run.length ? Math.min(run.toMs, nowMs) : undefined,
  })
  return holes.map((hole) => ({ ...hole, count: 1, kind: kindOf(hole, { nowMs, feed }) }))
}

function kindOf(
  { toMs, missing, without }: Omit<MergedHole, 'count'>,
  { nowMs, feed }: { readonly nowMs: number; readonly feed: DeviceFeed },
): ShownHole['kind'] {
  if (missing !== null && missing !== 0) {
    return feed.isLoading || nowMs - toMs < LATE_GRACE_MS ? 'awaited' : 'missing'
  }
  if (without > 0) return 'without'
  if (toMs >= nowMs) return 'waiting'
  return missing === 0 ? 'silent' : 'none'
}

/** Of spans that are no single readings. */
function spanHoles(metric: string, span: Span): ShownHole[] {
  const { fromMs, toMs } = span
  const whole = { fromMs, toMs, missing: null, without: 0, count: 1 } as const
  if (span.kind === 'expired') return [{ ...whole, kind: 'expired' }]
  if (span.kind !== 'buckets') return []
  const column = span.buckets.metrics[metric]
  if (!column) {
    const hasReadings = span.buckets.ts.length > 0
    return [{ ...whole, kind: hasReadings ? 'without' : 'none' }]
  }
  return column.holes
    .filter((hole) => isIn(hole, span))
    .map((hole) => ({ ...hole, kind: bucketKind(hole) }))
}

function bucketKind({ missing, without }: MergedHole): ShownHole['kind'] {
  if (missing !== null && missing !== 0) return 'missing'
  if (without > 0) return 'without'
  return missing === 0 ? 'silent' : 'none'
}

/**
 * One hole that two parts of the timeline know of, or that meets itself where one of them ends, as one; the part that knows more of it
 * names it.
 */
function united(holes: readonly ShownHole[], edges: ReadonlySet<number>): readonly ShownHole[] {
  const sorted = [...holes].sort((a, b) => a.fromMs - b.fromMs || b.toMs - a.toMs)
  const found: ShownHole[] = []
  for (const hole of sorted) {
    const last = found.at(-1)
    const isOne = hole.fromMs === last?.toMs && edges.has(hole.fromMs)
    const overlaps = last && (hole.fromMs < last.toMs || isOne)
    if (!overlaps || last.kind === 'link' || hole.kind === 'link') found.push(hole)
    else if (hole.toMs > last.toMs) {
      const better = weight(hole) > weight(last) ? hole : last
      found[found.length - 1] = { ...better, fromMs: last.fromMs, toMs: hole.toMs }
    } else if (weight(hole) > weight(last)) {
      found[found.length - 1] = { ...hole, fromMs: last.fromMs, toMs: last.toMs }
    }
  }
  return found
}

function weight({ kind }: ShownHole): number {
  return ['none', 'waiting', 'silent', 'without', 'awaited', 'missing'].indexOf(kind)
}

/** True when two ranges share more than an end; of one without length, when it lies in the other. */
export function isIn(part: Range, whole: Range): boolean {
  return part.fromMs < whole.toMs && part.toMs > whole.fromMs
}

function covers(outer: Range, inner: Range): boolean {
  return outer.fromMs <= inner.fromMs && outer.toMs >= inner.toMs
}
