import { fixed, placeOf, scientific } from './numbers.ts'
import { prefixAt, timesPower } from './units.ts'

/** The labels of one value axis: one a tick, no two alike, none longer than its room. */
export interface AxisLabels {
  readonly labels: readonly string[]
  /** What all of them leave out: a prefix with the unit, a power of ten, an offset; empty = nothing. */
  readonly note: string
}

export interface AxisRoom {
  /** Between two ticks. */
  readonly step: number
  readonly unit: string
  /** Characters. */
  readonly room: number
}

const FIRST_HUGE = 1e15
/** As many labels' digits as can be written after a point. */
const MOST_DIGITS = 20

/**
 * The shortest way to say the ticks of an axis without losing a digit: plainly (`12.5`); in a larger or smaller unit (`kWh`) or power of ten;
 * as steps from an offset (`+2` of 867,700,000), as where neighbours differ late in many digits.
 */
export function axisLabels(ticks: readonly number[], axis: AxisRoom): AxisLabels {
  const ways = [plain, scaled, fromOffset, scaledFromOffset]
  for (const way of ways) {
    const said = way(ticks, axis)
    if (said && isReadable(said.labels, axis.room)) return said
  }
  return { labels: ticks.map((tick) => scientific(tick, axis.room)), note: '' }
}

function isReadable(labels: readonly string[], room: number): boolean {
  return new Set(labels).size === labels.length && labels.every((label) => label.length <= room)
}

function plain(ticks: readonly number[], { step }: AxisRoom): AxisLabels | undefined {
  if (magnitudeOf(ticks) >= FIRST_HUGE) return undefined
  const labels = withDigits(ticks, digitsFor(step))
  return labels && { labels, note: '' }
}

function scaled(ticks: readonly number[], { step, unit }: AxisRoom): AxisLabels | undefined {
  const magnitude = magnitudeOf(ticks)
  const power = Math.floor(placeOf(magnitude) / 3) * 3
  if (power === 0) return undefined
  const prefix = prefixAt(unit, magnitude)
  const labels = inPower(ticks, step, power)
  const note = prefix.power === power ? prefix.symbol + unit : timesPower(power)
  return labels && { labels, note }
}

function fromOffset(ticks: readonly number[], axis: AxisRoom): AxisLabels | undefined {
  const labels = withDigits(stepsOf(ticks, axis.step), digitsFor(axis.step))
  return labels && { labels: labels.map(plus), note: `+ ${offsetText(ticks, axis)}` }
}

function scaledFromOffset(ticks: readonly number[], axis: AxisRoom): AxisLabels | undefined {
  const steps = stepsOf(ticks, axis.step)
  const power = placeOf(axis.step)
  const labels = inPower(steps, axis.step, power)
  const note = `${timesPower(power)} + ${offsetText(ticks, axis)}`
  return labels && { labels: labels.map(plus), note }
}

/** From the first tick on. A tick is a multiple of the step but for its rounding. */
function stepsOf(ticks: readonly number[], step: number): number[] {
  const [first = 0] = ticks
  return ticks.map((tick) => Math.round((tick - first) / step) * step)
}

function offsetText([first = 0]: readonly number[], { step }: AxisRoom): string {
  const digits = digitsFor(step)
  return Math.abs(first) < FIRST_HUGE && digits <= 12 ? fixed(first, digits) : scientific(first)
}

function inPower(ticks: readonly number[], step: number, power: number): string[] | undefined {
  // Dividing twice: ten to a power below −308 is too small for a double.
  const [half, rest] = [10 ** Math.trunc(power / 2), 10 ** (power - Math.trunc(power / 2))]
  const shown = ticks.map((tick) => tick / half / rest)
  return withDigits(shown, digitsFor(step / half / rest))
}

function withDigits(ticks: readonly number[], digits: number): string[] | undefined {
  return digits > MOST_DIGITS ? undefined : ticks.map((tick) => fixed(tick, digits))
}

function plus(label: string): string {
  return `+${label}`
}

/** Digits after the point that tell multiples of the step apart. */
function digitsFor(step: number): number {
  return Math.max(0, Math.ceil(-Math.log10(step) - 1e-9))
}

function magnitudeOf(ticks: readonly number[]): number {
  return Math.max(...ticks.map(Math.abs))
}
