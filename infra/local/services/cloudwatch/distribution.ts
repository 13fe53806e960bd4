/** What was seen in one span of time: enough for every statistic of CloudWatch. */
export interface Distribution {
  count: number
  sum: number
  minimum: number
  maximum: number
  /** Value → how often; absent while all values are the same. */
  values?: Map<number, number>
  /** True once the values are grouped. */
  isGrouped?: boolean
}

/** Above so many different values they are grouped by 1 % of their size, as CloudWatch groups its own. */
const MAX_EXACT_VALUES = 512
const BIN = Math.log(1.01)

export function emptyDistribution(): Distribution {
  return { count: 0, sum: 0, minimum: Number.POSITIVE_INFINITY, maximum: Number.NEGATIVE_INFINITY }
}

/** Adds `value`, seen `count` times. */
export function record(distribution: Distribution, value: number, count: number): void {
  const first = distribution.minimum
  const isUniform = distribution.count === 0 || (!distribution.values && first === value)
  if (!isUniform) {
    distribution.values ??= new Map([[first, distribution.count]])
    const key = distribution.isGrouped === true ? binOf(value) : value
    distribution.values.set(key, (distribution.values.get(key) ?? 0) + count)
    if (distribution.isGrouped !== true && distribution.values.size > MAX_EXACT_VALUES)
      group(distribution)
  }
  distribution.count += count
  distribution.sum += value * count
  distribution.minimum = Math.min(distribution.minimum, value)
  distribution.maximum = Math.max(distribution.maximum, value)
}

/** Adds all of `other`. */
export function merge(into: Distribution, other: Distribution): void {
  if (other.count === 0) return
  const values = other.values ?? new Map([[other.minimum, other.count]])
  const sum = into.sum + other.sum
  for (const [value, count] of values) record(into, value, count)
  // Grouped values are rounded; the sums are not.
  into.sum = sum
  into.minimum = Math.min(into.minimum, other.minimum)
  into.maximum = Math.max(into.maximum, other.maximum)
}

/** Values in rising order, each with its count. */
function sorted(distribution: Distribution): readonly (readonly [number, number])[] {
  const { values, minimum, count } = distribution
  return values ? [...values].sort(([a], [b]) => a - b) : [[minimum, count]]
}

function group(distribution: Distribution): void {
  const bins = new Map<number, number>()
  for (const [value, count] of distribution.values ?? []) {
    const bin = binOf(value)
    bins.set(bin, (bins.get(bin) ?? 0) + count)
  }
  distribution.values = bins
  distribution.isGrouped = true
}

function binOf(value: number): number {
  if (value === 0) return 0
  return Math.sign(value) * Math.exp(Math.round(Math.log(Math.abs(value)) / BIN) * BIN)
}

/** Names that `Statistic` takes (CW-25). */
export const basicStatistics = ['SampleCount', 'Average', 'Sum', 'Minimum', 'Maximum'] as const

const EXTENDED = /^(p|tm|wm|tc|ts)(\d{1,2}(?:\.\d{1,10})?|100)$/i
const RANGE = /^(TM|WM|TC|TS|PR)\((.*):(.*)\)$/i

export function isStatistic(name: string): boolean {
  return (basicStatistics as readonly string[]).includes(name) || isExtendedStatistic(name)
}

/** `p99`, `tm90`, `wm(10%:90%)`, `PR(:300)`, `IQM` … (CW-25). */
export function isExtendedStatistic(name: string): boolean {
  return name === 'IQM' || EXTENDED.test(name) || RANGE.test(name)
}

/**
 * The value of a statistic; undefined without samples. Percentiles and their family are undefined for negative values (CW-38).
 */
export function statisticOf(distribution: Distribution, name: string): number | undefined {
  const { count, sum, minimum, maximum } = distribution
  if (count === 0) return undefined
  switch (name) {
    case 'SampleCount':
      return count
    case 'Sum':
      return sum
    case 'Average':
      return sum / count
    case 'Minimum':
      return minimum
    case 'Maximum':
      return maximum
    default:
      return minimum < 0 ? undefined : extended(distribution, name)
  }
}

function extended(distribution: Distribution, name: string): number | undefined {
  if (name === 'IQM') return between(distribution, 'TM', { low: 0.25, high: 0.75 })
  const [, kind, share] = EXTENDED.exec(name) ?? []
  if (kind !== undefined) {
    const high = Number(share) / 100
    if (kind.toLowerCase() === 'p') return percentile(distribution, high)
    return between(distribution, kind.toUpperCase(), { low: 0, high })
  }
  const [, range, low = '', high = ''] = RANGE.exec(name) ?? []
  if (range === undefined) return undefined
  const bounds = { low: boundOf(distribution, low, 0), high: boundOf(distribution, high, 1) }
  return between(distribution, range.toUpperCase(), bounds)
}

/** The smallest value that at least this share of the samples does not exceed. */
function percentile(distribution: Distribution, share: number): number {
  const rank = Math.max(1, Math.ceil(distribution.count * share))
  let seen = 0
  for (const [value, count] of sorted(distribution)) {
    seen += count
    if (seen >= rank) return Math.min(distribution.maximum, Math.max(distribution.minimum, value))
  }
  return distribution.maximum
}

interface Bounds {
  readonly low: number
  readonly high: number
}

/** `90%` is a share; `300` is a value, turned into the share of the samples below or at it. */
function boundOf(distribution: Distribution, text: string, absent: number): number {
  if (text === '') return absent
  if (text.endsWith('%')) return Number(text.slice(0, -1)) / 100
  const limit = Number(text)
  let within = 0
  for (const [value, count] of sorted(distribution)) if (value <= limit) within += count
  return within / distribution.count
}

/** Trimmed mean, winsorized mean, trimmed count, trimmed sum, percentile rank between two shares of the samples. */
function between(
  distribution: Distribution,
  kind: string,
  { low, high }: Bounds,
): number | undefined {
  const from = distribution.count * low
  const to = distribution.count * high
  let seen = 0
  let count = 0
  let sum = 0
  for (const [value, times] of sorted(distribution)) {
    const inside = Math.max(0, Math.min(seen + times, to) - Math.max(seen, from))
    count += inside
    sum += inside * value
    seen += times
  }
  if (kind === 'TC') return count
  if (kind === 'TS') return sum
  if (kind === 'PR') return (100 * count) / distribution.count
  if (kind === 'TM') return count === 0 ? undefined : sum / count
  const cut = distribution.count
  return (
    (sum + from * percentile(distribution, low) + (cut - to) * percentile(distribution, high)) / cut
  )
}
