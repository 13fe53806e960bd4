import {
  countedBetween,
  findHoles,
  meanOf,
  type BucketColumns,
  type Buckets,
  type DeviceTopic,
  type Hole,
  type MergedHole,
} from '../../protocol/index.ts'
import type { DeviceBlock } from '../blocks/device-block.ts'

/** The last reading before a page of buckets, and the last one that carried each metric: what a hole at the page's beginning follows. */
export interface LastReading {
  /** Epoch ms. */
  readonly ts: number
  readonly boot: string | null
  readonly n: number | null
  /** Metrics that it did not carry, with the epoch ms of the last reading that did. */
  readonly metrics: Readonly<Record<string, number>>
}

export interface BucketOptions {
  readonly bucketMs: number
  /** Only these. */
  readonly metrics?: readonly string[] | undefined
  /** Rows were chosen by their values: then a hole means nothing, and none is named. */
  readonly isFiltered: boolean
}

/** The stretch that a page's buckets cover, epoch ms. */
export interface BucketSpan {
  readonly fromMs: number
  readonly toMs: number
  /** What lies before it; undefined when nobody has looked there. */
  readonly before?: LastReading | undefined
  /** Nothing is known before this, and after that: where a hole at an edge begins and ends. */
  readonly knownFromMs?: number | undefined
  readonly knownToMs?: number | undefined
}

interface Row {
  readonly ts: number
  readonly boot: string | null
  readonly n: number | null
  readonly valueOf: (metric: string) => number | null | undefined
}

/** Readings of one device, added in any order, that become buckets: what each metric did in each, and the holes in and between them. */
export class BucketTable {
  readonly #options: BucketOptions
  readonly #rows: Row[] = []
  readonly #names = new Set<string>()
  #isSorted = true

  constructor(options: BucketOptions) {
    this.#options = options
  }

  add(block: DeviceBlock, row: number): void {
    const ts = block.ts[row] ?? 0
    this.#isSorted &&= ts >= (this.#rows.at(-1)?.ts ?? -Infinity)
    const valueOf = (metric: string): number | null | undefined => block.metrics[metric]?.[row]
    this.#rows.push({ ts, boot: block.boot, n: block.n[row] ?? null, valueOf })
    for (const [name, column] of Object.entries(block.metrics)) {
      const isWanted = this.#options.metrics?.includes(name) ?? true
      if (isWanted && column[row] != null) this.#names.add(name)
    }
  }

  /** The buckets that begin in the span, those with readings only, in order. Rows before the span only tell what a hole follows. */
  columns(topic: DeviceTopic, span: BucketSpan): Buckets {
    const { bucketMs, isFiltered } = this.#options
    const all = this.#sorted().filter(({ ts }) => ts < span.toMs)
    const rows = all.filter(({ ts }) => ts >= span.fromMs)
    const ts = [...new Set(rows.map((row) => floorTo(row.ts, bucketMs)))]
    const places = new Map(ts.map((start, place) => [start, place]))
    const names = new Set([...this.#names, ...Object.keys(span.before?.metrics ?? {})])
    const columns = [...names].map((name): [string, BucketColumns] => {
      const column = emptyColumns(ts.length, bucketMs)
      for (const row of rows) {
        const place = places.get(floorTo(row.ts, bucketMs)) ?? 0
        const value = row.valueOf(name)
        if (value != null) column.add(place, row.ts, value)
      }
      const holes = isFiltered ? [] : merged(holesOf(name, all, span), bucketMs)
      return [name, { ...column.done(), holes }]
    })
    return { topic, bucketMs, ts, metrics: Object.fromEntries(columns) }
  }

  /** The last reading before a time. */
  lastBefore(ms: number, before: LastReading | undefined): LastReading | undefined {
    const rows = this.#sorted().filter(({ ts }) => ts < ms)
    const last = rows.at(-1)
    if (!last) return before
    const metrics: Record<string, number> = {}
    for (const name of new Set([...this.#names, ...Object.keys(before?.metrics ?? {})])) {
      const row = rows.findLast(({ valueOf }) => valueOf(name) != null)
      const ts = row?.ts ?? before?.metrics[name]
      if (ts !== undefined && row !== last) metrics[name] = ts
    }
    return { ts: last.ts, boot: last.boot, n: last.n, metrics }
  }

  #sorted(): readonly Row[] {
    if (!this.#isSorted) this.#rows.sort((a, b) => a.ts - b.ts)
    this.#isSorted = true
    return this.#rows
  }
}

function emptyColumns(length: number, bucketMs: number) {
  const values = Array.from({ length }, (): number[] => [])
  const times = Array.from({ length }, (): number[] => [])
  return {
    add(place: number, ts: number, value: number): void {
      values[place]?.push(value)
      times[place]?.push(ts)
    },
    done(): Omit<BucketColumns, 'holes'> {
      const lows = values.map((list) => placeOf(list, (a, b) => a < b))
      const highs = values.map((list) => placeOf(list, (a, b) => a > b))
      const pick = (from: readonly number[][], at: readonly number[]): (number | null)[] =>
        from.map((list, i) => list[at[i] ?? -1] ?? null)
      const offset = (ms: number | null): number | null => (ms === null ? null : ms % bucketMs)
      return {
        min: pick(values, lows),
        minAt: pick(times, lows).map(offset),
        max: pick(values, highs),
        maxAt: pick(times, highs).map(offset),
        avg: values.map((list) => (list.length > 0 ? rounded(meanOf(list)) : null)),
        count: values.map((list) => list.length),
      }
    },
  }
}

/** Where the first of the extreme values stands; -1 without values. */
function placeOf(list: readonly number[], isBetter: (a: number, b: number) => boolean): number {
  let place = -1
  list.forEach((value, i) => {
    if (place < 0 || isBetter(value, list[place] ?? value)) place = i
  })
  return place
}

function holesOf(metric: string, rows: readonly Row[], span: BucketSpan): readonly Hole[] {
  const seeded = [...seedOf(metric, rows[0]?.ts ?? Infinity, span.before), ...rows]
  const missing = seeded.map((row, i) => {
    const previous = seeded[i - 1]
    return (previous && countedBetween(previous, row)) ?? Number.NaN
  })
  const { knownFromMs, knownToMs } = span
  const found = findHoles({
    ts: seeded.map(({ ts }) => ts),
    values: seeded.map((row) => row.valueOf(metric) ?? Number.NaN),
    missing,
    knownFromMs: span.before ? undefined : knownFromMs,
    knownToMs,
  })
  return found.filter(({ toMs }) => toMs >= span.fromMs)
}

/** The readings before the first row as far as they are remembered. */
function seedOf(metric: string, firstTs: number, before: LastReading | undefined): readonly Row[] {
  if (!before || before.ts >= firstTs) return []
  const { ts, boot, n } = before
  const carriedAt = before.metrics[metric]
  if (carriedAt === undefined) return [{ ts, boot, n, valueOf: () => 1 }]
  const last = { ts, boot, n, valueOf: () => null }
  return [{ ts: carriedAt, boot: null, n: null, valueOf: () => 1 }, last]
}

/** Holes that are less than a bucket apart as one: more cannot be told apart in buckets, and there are at most as many as buckets. */
function merged(holes: readonly Hole[], bucketMs: number): readonly MergedHole[] {
  const found: MergedHole[] = []
  for (const hole of holes) {
    const last = found.at(-1)
    if (!last || hole.fromMs - last.toMs >= bucketMs) found.push({ ...hole, count: 1 })
    else found[found.length - 1] = joined(last, hole)
  }
  return found
}

function joined(a: MergedHole, b: Hole): MergedHole {
  const missing =
    a.missing === 'some' || b.missing === 'some'
      ? 'some'
      : a.missing === null
        ? b.missing
        : a.missing + (b.missing ?? 0)
  return {
    fromMs: a.fromMs,
    toMs: b.toMs,
    missing,
    without: a.without + b.without,
    count: a.count + 1,
  }
}

export function floorTo(ms: number, stepMs: number): number {
  return Math.floor(ms / stepMs) * stepMs
}

/** 12 digits: more than any sensor has, without the noise of binary fractions. */
function rounded(value: number): number {
  return Number(value.toPrecision(12))
}
