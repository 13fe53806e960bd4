import { bucketMsFor } from '../stream/buckets.ts'
import type { DeviceFeed } from '../stream/device-feed.ts'
import type { Past, Question, Range, Span } from './past.ts'

/** Buckets over the whole of a window: about as many as a wide chart has pixels for. */
const BUCKETS = 600
/** So many readings are asked for one by one: then figures are exact, and a zoom finds them there. */
const FEW_READINGS = 3_000
/** For a file that is to hold every reading. */
const MANY_READINGS = 60_000
const LEAST_BUCKET_MS = 1_000
/** Buckets may be this much longer than the best ones. */
const COARSER = 1.5

export interface Wish {
  readonly nowMs: number
  /** Single readings, also where buckets would do for a chart. */
  readonly wantsReadings?: boolean
}

/** The next question whose answer a window lacks; undefined when everything is there, being asked for, or out of reach for now. */
export function questionFor(
  parts: { readonly feed: DeviceFeed; readonly past: Past; readonly spans: readonly Span[] },
  range: Range,
  wish: Wish,
): Question | undefined {
  const { feed, past, spans } = parts
  if (past.isLoading || past.isPaused(wish.nowMs) || !Number.isFinite(feed.knownFromMs)) {
    return undefined
  }
  const shown = spans.flatMap((span) => clipped(span, range))
  const bestMs = Math.max(LEAST_BUCKET_MS, bucketMsFor(range.toMs - range.fromMs, BUCKETS))
  const few = wish.wantsReadings === true ? MANY_READINGS : FEW_READINGS
  const isOutdated = past.isOutdated(range)
  const lacking = shown.filter((span) => isUnknown(span, feed) || span.kind === 'buckets')
  const whole = envelope(isOutdated ? shown : lacking)
  if (!whole) return undefined
  const count = lacking.reduce((sum, span) => sum + readingsIn(span, feed), 0)
  const asksReadings = count <= few && !past.isDense(whole)
  const isGood = (span: Span): boolean =>
    span.kind === 'buckets' && !asksReadings && span.buckets.bucketMs <= bestMs * COARSER
  const asked = envelope(isOutdated ? shown : lacking.filter((span) => !isGood(span)))
  if (!asked) return undefined
  const bucketMs = asksReadings ? undefined : bestMs
  return { ...askable(asked, feed), bucketMs }
}

/** With whole milliseconds, and up to the first live reading: what lies before it is judged together with it. */
function askable({ fromMs, toMs }: Range, feed: DeviceFeed): Range {
  const first = feed.series.firstTs ?? toMs
  const reachesLive = toMs === feed.knownFromMs
  const end = reachesLive && first >= toMs ? first + 1 : toMs
  return { fromMs: Math.max(0, Math.floor(fromMs)), toMs: Math.ceil(end) }
}

/** While the live readings are still coming nobody needs to ask for them. */
function isUnknown(span: Span, feed: DeviceFeed): boolean {
  return span.kind === 'unknown' && span.fromMs < feed.knownFromMs
}

function clipped(span: Span, { fromMs, toMs }: Range): Span[] {
  const clip = { fromMs: Math.max(span.fromMs, fromMs), toMs: Math.min(span.toMs, toMs) }
  return clip.fromMs < clip.toMs ? [{ ...span, ...clip }] : []
}

function envelope(ranges: readonly Range[]): Range | undefined {
  if (ranges.length === 0) return undefined
  return {
    fromMs: Math.min(...ranges.map(({ fromMs }) => fromMs)),
    toMs: Math.max(...ranges.map(({ toMs }) => toMs)),
  }
}

/** About how many readings a span has; Infinity when nobody can know. */
function readingsIn(span: Span, feed: DeviceFeed): number {
  if (span.kind === 'buckets') {
    const { ts, bucketMs, metrics } = span.buckets
    return ts.reduce((sum, at, i) => {
      if (at + bucketMs <= span.fromMs || at >= span.toMs) return sum
      return sum + Math.max(0, ...Object.values(metrics).map(({ count }) => count[i] ?? 0))
    }, 0)
  }
  const { intervalMs } = feed.series
  return intervalMs ? (span.toMs - span.fromMs) / intervalMs : Infinity
}
