import type { TrueHole, Truth } from './ledger.ts'

/** What one chart shows, as it was given to the drawing engine. Epoch ms. */
export interface Picture {
  readonly fromMs: number
  readonly toMs: number
  /** The points of the line in the order in which they are joined; null breaks it. */
  readonly points: readonly { readonly x: number; readonly y: number | null }[]
  readonly bands: readonly {
    readonly fromMs: number
    readonly toMs: number
    /** `hatch`: nothing is there. `veil`: not known yet. `tick`: was missing, has come. */
    readonly form: 'hatch' | 'veil' | 'tick'
    readonly tone: string
  }[]
  /** Where the line shows only the lowest and highest of such stretches. */
  readonly bucketMs: number | null
}

/** The numbers that stand at a chart, and of which part of the time. */
export interface ShownFigures {
  readonly fromMs: number
  readonly toMs: number
  readonly count: number
  readonly min: number
  readonly avg: number
  readonly max: number
  readonly p95: number
  readonly gaps: number
  readonly bucketMs: number | null
  readonly isComplete: boolean
}

export type Untruth =
  | 'missing'
  | 'doubled'
  | 'disordered'
  | 'bridged'
  | 'phantom'
  | 'unmarked hole'
  | 'phantom hole'
  | 'not loaded'
  | 'wrong figure'

export interface Finding {
  readonly what: Untruth
  readonly text: string
}

export interface Shown {
  readonly picture: Picture
  readonly figures: ShownFigures
}

export interface CheckOptions {
  readonly nowMs: number
  /** All has been loaded: nothing may be said to be unknown any more. */
  readonly isSettled: boolean
}

/** After the newest reading nobody can tell a pause from a silence for so long. */
const UNDECIDED_MS = 15_000
/** Nor before the first one of what is known. */
const LEAST_EDGE_MS = 6_000

/** Everything that a chart shows and that is not true. */
export function untruths(
  { picture, figures }: Shown,
  truth: Truth,
  options: CheckOptions,
): Finding[] {
  const findings: Finding[] = []
  const found = (what: Untruth, text: string): void => {
    findings.push({ what, text })
  }
  checkPoints(picture, truth, found)
  checkMissing(picture, truth, found)
  checkBridges(picture, truth, found)
  checkHoles(picture, truth, { ...options, found })
  if (options.isSettled) {
    for (const band of picture.bands) {
      if (band.form === 'veil') found('not loaded', `${at(band.fromMs)} to ${at(band.toMs)}`)
    }
    checkFigures(figures, truth, { ...options, found })
  }
  return findings
}

type Found = (what: Untruth, text: string) => void

function checkPoints({ points }: Picture, { readings }: Truth, found: Found): void {
  const left = new Map<string, number>()
  for (const { ts, value } of readings) {
    const key = `${ts} ${value}`
    left.set(key, (left.get(key) ?? 0) + 1)
  }
  const known = new Set(left.keys())
  let before = -Infinity
  for (const { x, y } of points) {
    if (y === null) continue
    const key = `${x} ${y}`
    if (x < before) found('disordered', at(x))
    before = x
    const count = left.get(key)
    if (count === undefined) found('phantom', `${at(x)}: ${y} was never published`)
    else if (count === 0 && known.has(key)) found('doubled', at(x))
    else left.set(key, count - 1)
  }
}

/** Every reading of the window is a point, or lies between the lowest and highest points of its stretch, or in what is not known yet. */
function checkMissing(picture: Picture, { readings }: Truth, found: Found): void {
  const { fromMs, toMs, bands, bucketMs } = picture
  const drawn = new Set(picture.points.map(({ x }) => x))
  const excused = bands.filter(({ form, tone }) => form === 'veil' || tone === 'open')
  for (const { ts, value } of readings) {
    if (ts < fromMs || ts > toMs || drawn.has(ts)) continue
    if (excused.some((band) => band.fromMs <= ts && ts <= band.toMs)) continue
    if (bucketMs !== null && isWithinExtremes(picture, { ts, value, bucketMs })) continue
    found('missing', `${at(ts)}: ${value}`)
  }
}

function isWithinExtremes(
  { points }: Picture,
  { ts, value, bucketMs }: { ts: number; value: number; bucketMs: number },
): boolean {
  const near = points.flatMap(({ x, y }) => (y !== null && Math.abs(x - ts) < bucketMs ? [y] : []))
  return Math.min(...near) <= value && value <= Math.max(...near)
}

function checkBridges({ points }: Picture, { holes }: Truth, found: Found): void {
  points.forEach(({ x, y }, i) => {
    const next = points[i + 1]
    if (!next || y === null || next.y === null) return
    const hole = holes.find(({ fromMs, toMs }) => fromMs < next.x && toMs > x)
    if (hole) found('bridged', `${at(x)} to ${at(next.x)}`)
  })
}

interface HoleCheck extends CheckOptions {
  readonly found: Found
}

function checkHoles(picture: Picture, truth: Truth, { nowMs, found }: HoleCheck): void {
  const { fromMs, bands, bucketMs } = picture
  const toMs = Math.min(picture.toMs, nowMs)
  for (const hole of truth.holes) {
    const seen = { fromMs: Math.max(hole.fromMs, fromMs), toMs: Math.min(hole.toMs, toMs) }
    if (seen.fromMs >= seen.toMs || isUndecided(hole, seen, nowMs)) continue
    if (
      !isCovered(
        seen,
        bands.filter(({ form }) => form !== 'tick'),
      )
    ) {
      found('unmarked hole', `${at(seen.fromMs)} to ${at(seen.toMs)}`)
    }
  }
  for (const band of bands) {
    if (band.form !== 'hatch') continue
    const isTrue = truth.holes.some((hole) => hole.fromMs < band.toMs && hole.toMs > band.fromMs)
    // In stretches holes that are close stand as one.
    const inside = truth.readings.filter(({ ts }) => ts > band.fromMs && ts < band.toMs)
    if (!isTrue || (bucketMs === null && inside.length > 0 && band.tone !== 'open')) {
      found(
        'phantom hole',
        `${at(band.fromMs)} to ${at(band.toMs)}, ${inside.length} readings in it`,
      )
    }
  }
}

function isUndecided(hole: TrueHole, seen: TrueHole, nowMs: number): boolean {
  if (hole.toMs === Infinity) return nowMs - hole.fromMs < UNDECIDED_MS
  return hole.fromMs === -Infinity && seen.toMs - seen.fromMs < LEAST_EDGE_MS
}

function isCovered(hole: TrueHole, bands: readonly TrueHole[]): boolean {
  let reached = hole.fromMs
  for (const { fromMs, toMs } of [...bands].sort((a, b) => a.fromMs - b.fromMs)) {
    if (fromMs <= reached) reached = Math.max(reached, toMs)
  }
  return reached >= hole.toMs
}

function checkFigures(figures: ShownFigures, truth: Truth, { nowMs, found }: HoleCheck): void {
  const { fromMs, bucketMs } = figures
  const toMs = Math.min(figures.toMs, nowMs)
  const values = truth.readings.flatMap(({ ts, value }) =>
    ts >= fromMs && ts <= figures.toMs ? [value] : [],
  )
  const compare = (name: string, shown: number, expected: number, tolerance: number): void => {
    const isBoth = Number.isNaN(shown) && Number.isNaN(expected)
    if (!isBoth && !(Math.abs(shown - expected) <= tolerance)) {
      found('wrong figure', `${name} ${shown} instead of ${expected}`)
    }
  }
  const sorted = [...values].sort((a, b) => a - b)
  compare('min', figures.min, sorted[0] ?? Number.NaN, 0)
  compare('max', figures.max, sorted.at(-1) ?? Number.NaN, 0)
  const least = truth.holes.filter((hole) => {
    const seen = { fromMs: Math.max(hole.fromMs, fromMs), toMs: Math.min(hole.toMs, toMs) }
    return seen.fromMs < seen.toMs && !isUndecided(hole, seen, nowMs)
  }).length
  const margin = bucketMs ?? 0
  const most = truth.holes.filter(
    (hole) => hole.fromMs - margin < toMs && hole.toMs + margin > fromMs,
  ).length
  if (figures.gaps < least || figures.gaps > most) {
    found('wrong figure', `gaps ${figures.gaps} instead of ${least} to ${most}`)
  }
  if (!figures.isComplete) found('wrong figure', 'said not to be complete')
  if (bucketMs === null) {
    compare('count', figures.count, values.length, 0)
    const mean = values.reduce((sum, value) => sum + value / values.length, 0)
    compare('avg', figures.avg, values.length > 0 ? mean : Number.NaN, 1e-9 * scaleOf(sorted))
    const rank = Math.max(1, Math.ceil((values.length * 95) / 100))
    compare('p95', figures.p95, sorted[rank - 1] ?? Number.NaN, 0)
    return
  }
  // Whole buckets: those at the edges, and where single readings begin, count once or not at all.
  const { readings } = truth
  const steps = readings.slice(1).map(({ ts }, i) => ts - (readings[i]?.ts ?? 0))
  const perBucket = bucketMs / Math.max(1, Math.min(...steps))
  compare('count', figures.count, values.length, Math.min(4 * perBucket, values.length * 0.5) + 2)
  if (!(figures.avg >= (sorted[0] ?? 0) && figures.avg <= (sorted.at(-1) ?? 0))) {
    found('wrong figure', `avg ${figures.avg} is not among the values`)
  }
  if (!Number.isNaN(figures.p95)) found('wrong figure', `p95 ${figures.p95} of buckets`)
}

function scaleOf(sorted: readonly number[]): number {
  return Math.max(1, Math.abs(sorted[0] ?? 0), Math.abs(sorted.at(-1) ?? 0))
}

function at(ms: number): string {
  return Number.isFinite(ms) ? new Date(ms).toISOString().slice(11) : String(ms)
}
