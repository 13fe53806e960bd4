import { knownMetrics } from '@gaugeline/backend/protocol'

export interface MetricLook {
  readonly label: string
  readonly unit: string
  readonly digits: number
  /** The smallest span of values worth a scale of its own: below it a line is flat. */
  readonly least: number
  /** 1–6: the line colour, bound to the metric and not to its place. */
  readonly line: number
}

const LINES = 6

/** Chosen so that the metrics of one kind of machine differ. */
const lines: Readonly<Record<string, number>> = {
  temperature: 1,
  humidity: 2,
  pressure: 3,
  flow: 4,
  vibration: 5,
  current: 6,
  speed: 2,
  power: 4,
  energy: 5,
  co2: 5,
  level: 3,
  battery: 6,
}

/** How a metric is shown. An unknown one by its name, without a unit, with a colour of its own. */
export function metricLook(metric: string): MetricLook {
  const known = knownMetrics[metric]
  const line = lines[metric] ?? (hash(metric) % LINES) + 1
  const shown = known ?? { label: metric, unit: '', digits: 2 }
  return { ...shown, line, least: 10 ** -shown.digits * 8 }
}

/** Known metrics in their order, then the others by name. */
export function byMetricOrder(a: string, b: string): number {
  const names = Object.keys(knownMetrics)
  const left = names.indexOf(a)
  const right = names.indexOf(b)
  if (left < 0 && right < 0) return a < b ? -1 : 1
  if (left < 0 || right < 0) return left < 0 ? 1 : -1
  return left - right
}

const formats = new Map<number, Intl.NumberFormat>()
/** From here on a value has more digits than anybody reads, and fewer that are true. */
const HUGE = 1e15
const hugeFormat = new Intl.NumberFormat('en', {
  notation: 'scientific',
  maximumFractionDigits: 2,
})

/** A value with a fixed number of digits, from 10¹⁵ on as `9.01E15` (reliability M26); `–` for none. */
export function formatValue(value: number | undefined, digits: number): string {
  if (value === undefined || Number.isNaN(value)) return '–'
  if (Math.abs(value) >= HUGE) return hugeFormat.format(value).replaceAll('-', '−')
  let format = formats.get(digits)
  if (!format) {
    format = new Intl.NumberFormat('en', {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    })
    formats.set(digits, format)
  }
  // A true minus sign is as wide as a digit in tabular figures.
  return format.format(value).replace('-', '−')
}

/** A label of an axis whose labels are `step` apart: as many digits as tell them apart, three at most. */
export function formatAxisValue(value: number, step: number): string {
  const digits = Math.ceil(-Math.log10(step) - 1e-9)
  return formatValue(value, Math.max(0, Math.min(3, digits)))
}

function hash(text: string): number {
  let sum = 0
  for (const character of text) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) >>> 0
  return sum
}
