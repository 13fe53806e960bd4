/**
 * What a hole in a metric's readings is: one rule for the server, which names the holes of its buckets, and for the dashboard, which finds
 * them in single readings. Imports nothing.
 */

/** A stretch of the time axis without readings of a metric, between two that carry it or up to an edge of what is known. Epoch ms. */
export interface Hole {
  readonly fromMs: number
  readonly toMs: number
  /** Readings that the device counted meanwhile and that are not held; `some`: nobody knows how many; null: nor whether any. */
  readonly missing: number | 'some' | null
  /** Readings of the device that came meanwhile and did not carry the metric. */
  readonly without: number
}

/** Holes that are too close to be told apart, as one. */
export interface MergedHole extends Hole {
  /** How many they are. */
  readonly count: number
}

/** Readings of one device sorted by their place in time, as columns of one length. */
interface HoleColumns {
  readonly ts: ArrayLike<number>
  /** Of one metric; NaN = not carried. */
  readonly values: ArrayLike<number>
  /** What {@link countedBetween} says of each row and the one before it, NaN for undefined. */
  readonly missing: ArrayLike<number>
  /** Everything from here on is in the rows, so that a long stretch before the first of them is a hole; undefined: earlier rows are left out. */
  readonly knownFromMs?: number | undefined
  /** Everything up to here is in the rows; undefined: later rows are left out. */
  readonly knownToMs?: number | undefined
}

/** A shorter step is no hole unless the device's counter says so: networks and clocks are not so even. */
const LEAST_HOLE_MS = 5_000
/** Steps on each side of one that tell what is usual for the device there. */
const HOLE_NEIGHBOURS = 40
/** So many steps that are about as long make a step usual. */
const USUAL_STEPS = 3
/** A step is about as long as another one when it is at least this share of it. */
const SHARE = 3

/** Where a reading stands in its device's own count. */
interface Counted {
  readonly boot: string | number | null
  /** NaN or null: the device does not count. */
  readonly n: number | null
}

/**
 * How many readings the device counted between two that follow each other in time. Undefined where nobody can know. `Infinity` after a
 * restart whose count does not begin at 0 or 1: some, nobody knows how many.
 */
export function countedBetween(before: Counted, after: Counted): number | undefined {
  const from = before.n ?? Number.NaN
  const to = after.n ?? Number.NaN
  if (Number.isNaN(to)) return undefined
  if (before.boot === after.boot) return Number.isNaN(from) ? undefined : Math.max(0, to - from - 1)
  // Some devices carry their counter over a restart.
  return to <= 1 || to === from + 1 ? undefined : Infinity
}

/**
 * The holes of one metric, in order. Between two readings that carry it there is one when the device counted readings meanwhile that are not
 * here; when the step is longer than 5 s and not usual there; or when readings came without the metric, and that is not usual there. A
 * step is usual when at least three of its 40 neighbours on each side (half of them, where there are fewer) are a third as long: so a
 * device is judged by its own rhythm, whether it sends ten times a second, hourly, or in bursts.
 */
export function findHoles(columns: HoleColumns): Hole[] {
  const carried = carriedRows(columns)
  const { ts, missing, without } = carried
  const holes: Hole[] = []
  const { knownFromMs, knownToMs } = columns
  const [first, last] = [ts[0], ts[ts.length - 1]]
  if (first === undefined || last === undefined) {
    if (knownFromMs === undefined || knownToMs === undefined) return []
    const isShort = knownToMs - knownFromMs <= LEAST_HOLE_MS
    const empty = { fromMs: knownFromMs, toMs: knownToMs, missing: null }
    return isShort ? [] : [{ ...empty, without: columns.ts.length }]
  }
  if (knownFromMs !== undefined && isHole(carried, 0, first - knownFromMs)) {
    holes.push({ fromMs: knownFromMs, toMs: first, missing: null, without: without[0] ?? 0 })
  }
  for (let i = 1; i < ts.length; i++) {
    const [fromMs, toMs] = [ts[i - 1] ?? 0, ts[i] ?? 0]
    const counted = missing[i] ?? Number.NaN
    const skipped = without[i] ?? 0
    const isSkip = skipped > 0 && isUnusual(without, missing, i, skipped)
    if (!(counted > 0) && !isSkip && !isHole(carried, i, toMs - fromMs)) continue
    holes.push({ fromMs, toMs, missing: missingOf(counted), without: skipped })
  }
  if (knownToMs !== undefined && isHole(carried, ts.length, knownToMs - last)) {
    holes.push({ fromMs: last, toMs: knownToMs, missing: null, without: carried.after })
  }
  return holes
}

function missingOf(counted: number): Hole['missing'] {
  if (Number.isNaN(counted)) return null
  return counted === Infinity ? 'some' : counted
}

/** The rows that carry the metric: their times, and what lies between each and the one before it. */
interface Carried {
  readonly ts: number[]
  readonly missing: number[]
  readonly without: number[]
  /** Readings that came after the last of them. */
  readonly after: number
}

function carriedRows({ ts, values, missing }: HoleColumns): Carried {
  const found = { ts: [] as number[], missing: [] as number[], without: [] as number[] }
  let counted = 0
  let isCounted = true
  let skipped = 0
  for (let row = 0; row < ts.length; row++) {
    const step = missing[row] ?? Number.NaN
    if (Number.isNaN(step)) isCounted = false
    else counted += step
    if (Number.isNaN(values[row] ?? Number.NaN)) {
      skipped++
      continue
    }
    found.ts.push(ts[row] ?? 0)
    // A known loss is a loss, whatever nobody can know beside it.
    found.missing.push(counted > 0 || isCounted ? counted : Number.NaN)
    found.without.push(skipped)
    counted = skipped = 0
    isCounted = true
  }
  return { ...found, after: skipped }
}

function isHole({ ts, missing }: Carried, i: number, stepMs: number): boolean {
  if (stepMs <= LEAST_HOLE_MS) return false
  const steps = (j: number): number => (ts[j] ?? 0) - (ts[j - 1] ?? 0)
  return isUnusualAmong(steps, { missing, length: ts.length }, i, stepMs)
}

function isUnusual(
  sizes: readonly number[],
  missing: readonly number[],
  i: number,
  size: number,
): boolean {
  return isUnusualAmong((j) => sizes[j] ?? 0, { missing, length: sizes.length }, i, size)
}

/** `i` is the place of the step that ends with row i; 0 and `length` are the edges. Steps in which something was lost tell of no rhythm. */
function isUnusualAmong(
  sizeOf: (j: number) => number,
  rows: { readonly missing: readonly number[]; readonly length: number },
  i: number,
  size: number,
): boolean {
  let neighbours = 0
  let alike = 0
  const end = Math.min(rows.length - 1, i + HOLE_NEIGHBOURS)
  for (let j = Math.max(1, i - HOLE_NEIGHBOURS); j <= end; j++) {
    if (j === i || (rows.missing[j] ?? 0) > 0) continue
    neighbours++
    if (sizeOf(j) * SHARE >= size) alike++
  }
  return alike < Math.min(USUAL_STEPS, Math.max(1, Math.ceil(neighbours / 2)))
}
