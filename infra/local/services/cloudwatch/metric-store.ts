import type { Clock, MetricDatum } from '../../platform/types.ts'
import { emptyDistribution, merge, record } from './distribution.ts'
import type { Distribution } from './distribution.ts'

export interface MetricId {
  readonly namespace: string
  readonly name: string
  readonly dimensions: Readonly<Record<string, string>>
}

export interface MetricStore {
  put(datum: MetricDatum): void
  /** Everything of exactly this metric in `[fromS, toS)`, epoch seconds; `unit` when only that unit counts (CW-29, EMF-13). */
  read(
    metric: MetricId,
    span: { readonly fromS: number; readonly toS: number; readonly unit?: string },
  ): Distribution
  /** Metrics seen in the last two weeks, in no order. */
  list(): readonly MetricId[]
  /** Removes what is past its retention (CW-36). */
  expire(): void
}

const SECOND_RETENTION_S = 3 * 3600
const RETENTION_S: readonly (readonly [resolutionS: number, retentionS: number])[] = [
  [60, 15 * 86_400],
  [300, 63 * 86_400],
  [3600, 455 * 86_400],
]
const LISTED_S = 14 * 86_400
/** A runaway dimension must not fill the memory. */
const MAX_SERIES = 20_000

type Buckets = Map<number, Distribution>

interface Series {
  readonly id: MetricId
  /** By unit: resolution in seconds → start of the bucket in epoch seconds → what was seen. */
  readonly units: Map<string, Map<number, Buckets>>
  lastS: number
}

/** Metric data in memory: 1 s for high resolution, 60 s otherwise, coarser with age. */
export function metricStore(clock: Clock): MetricStore {
  const series = new Map<string, Series>()

  return {
    put(datum) {
      const key = keyOf(datum)
      let found = series.get(key)
      if (!found) {
        if (series.size >= MAX_SERIES) return
        const { namespace, name, dimensions } = datum
        found = { id: { namespace, name, dimensions }, units: new Map(), lastS: 0 }
        series.set(key, found)
      }
      const atS = Math.floor(datum.timestampMs / 1000)
      found.lastS = Math.max(found.lastS, atS)
      const resolutions = child(found.units, datum.unit ?? 'None', () => new Map<number, Buckets>())
      const count = datum.count ?? 1
      record(bucketOf(resolutions, 60, atS), datum.value, count)
      if (datum.storageResolution === 1) record(bucketOf(resolutions, 1, atS), datum.value, count)
    },
    read(metric, { fromS, toS, unit }) {
      const total = emptyDistribution()
      const found = series.get(keyOf(metric))
      if (!found) return total
      const units = unit === undefined ? [...found.units.values()] : [found.units.get(unit)]
      for (const resolutions of units) if (resolutions) readInto(total, resolutions, fromS, toS)
      return total
    },
    list() {
      const oldest = clock.now() / 1000 - LISTED_S
      return [...series.values()].filter(({ lastS }) => lastS >= oldest).map(({ id }) => id)
    },
    expire() {
      const nowS = Math.floor(clock.now() / 1000)
      for (const [key, { units }] of series) {
        for (const [unit, resolutions] of units) {
          expireResolutions(resolutions, nowS)
          if (resolutions.size === 0) units.delete(unit)
        }
        if (units.size === 0) series.delete(key)
      }
    },
  }
}

/** EMF-13: the exact set of dimensions is the metric's identity. */
function keyOf({ namespace, name, dimensions }: MetricId): string {
  const names = Object.keys(dimensions)
  if (names.length > 1) names.sort()
  let key = `${namespace}\u0000${name}`
  for (const dimension of names) key += `\u0000${dimension}\u0001${dimensions[dimension] ?? ''}`
  return key
}

function bucketOf(
  resolutions: Map<number, Buckets>,
  resolutionS: number,
  atS: number,
): Distribution {
  const buckets = child(resolutions, resolutionS, () => new Map<number, Distribution>())
  return child(buckets, atS - (atS % resolutionS), emptyDistribution)
}

function child<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) map.set(key, (value = make()))
  return value
}

/** A span in whole minutes is read from the minutes and what is coarser; a finer one from the seconds. */
function readInto(
  total: Distribution,
  resolutions: Map<number, Buckets>,
  fromS: number,
  toS: number,
): void {
  const wholeMinutes = fromS % 60 === 0 && toS % 60 === 0
  for (const [resolutionS, buckets] of resolutions) {
    if (wholeMinutes === (resolutionS === 1)) continue
    // Walks whichever is shorter: the span or what there is.
    if ((toS - fromS) / resolutionS > buckets.size) {
      for (const [startS, bucket] of buckets) {
        if (startS >= fromS && startS < toS) merge(total, bucket)
      }
      continue
    }
    for (
      let startS = Math.ceil(fromS / resolutionS) * resolutionS;
      startS < toS;
      startS += resolutionS
    ) {
      const bucket = buckets.get(startS)
      if (bucket) merge(total, bucket)
    }
  }
}

/** CW-36: each resolution has its age; what is too old for it moves on to the next coarser one. */
function expireResolutions(resolutions: Map<number, Buckets>, nowS: number): void {
  const seconds = resolutions.get(1)
  if (seconds) {
    for (const startS of seconds.keys())
      if (startS < nowS - SECOND_RETENTION_S) seconds.delete(startS)
    if (seconds.size === 0) resolutions.delete(1)
  }
  for (const [index, [resolutionS, retentionS]] of RETENTION_S.entries()) {
    const buckets = resolutions.get(resolutionS)
    if (!buckets) continue
    const coarser = RETENTION_S[index + 1]?.[0]
    for (const [startS, bucket] of buckets) {
      if (startS >= nowS - retentionS) continue
      buckets.delete(startS)
      if (coarser !== undefined) merge(bucketOf(resolutions, coarser, startS), bucket)
    }
    if (buckets.size === 0) resolutions.delete(resolutionS)
  }
}
