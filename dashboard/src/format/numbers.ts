import { prefixOf } from './units.ts'

/** How the numbers of one metric are shown: the same for all of them, so that they can be compared at a glance. */
export interface NumberStyle {
  /** The last place shown is ten to this power: −2 = hundredths; never above 0. */
  readonly exponent: number
  /** Shown in ten to this power of the unit: a multiple of three, other than 0 only with a prefix on the unit. */
  readonly power: number
  /** As declared, without a prefix; empty = none. */
  readonly unit: string
}

/** A device that sends more digits than these computes them: then as many are shown as say something. */
const MOST_PLACES = 9
const SIGNIFICANT = 4
const SIGNIFICANT_OF_SPREAD = 2
/** Outside of this range a number is written with a power of ten. */
const LEAST_PLAIN = 1e-6
const FIRST_HUGE = 1e15
/** Digits of a double that a decimal number survives (IEEE 754, DBL_DIG), and those of a single. */
const DOUBLE_DIGITS = 15
const SINGLE_DIGITS = 6
/** With as many every double is itself. */
const WHOLE_DIGITS = 17
const FAST_PLACES = 6
/** Of Intl.NumberFormat (ECMA-402, of older engines). */
const MOST_FRACTION_DIGITS = 20
/** Smallest last place: ten to a lower power is no number any more. */
const LOWEST_PLACE = -322

/**
 * The style that fits these values (NaN counts for nothing): as many places as the device sends (its observed resolution), or, where it sends
 * all digits of a computed double, four significant ones of the magnitude and two of the spread. A unit that takes SI prefixes has one from a
 * million on and below a thousandth.
 */
export function styleOf(values: Iterable<number>, unit = ''): NumberStyle {
  let [place, low, high] = [0, Infinity, -Infinity]
  for (const value of values) {
    if (!Number.isFinite(value)) continue
    place = Math.min(place, lastPlace(value))
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  const magnitude = Math.max(Math.abs(low), Math.abs(high))
  if (!Number.isFinite(magnitude) || magnitude === 0) return { exponent: place, power: 0, unit }
  const first = placeOf(magnitude)
  if (first - place >= MOST_PLACES) {
    const ofSpread = high > low ? placeOf(high / 2 - low / 2) - SIGNIFICANT_OF_SPREAD + 1 : Infinity
    place = Math.max(place, Math.min(0, first - SIGNIFICANT + 1, ofSpread))
  }
  return { exponent: Math.max(LOWEST_PLACE, place), power: prefixOf(unit, magnitude).power, unit }
}

export function isSameStyle(a: NumberStyle, b: NumberStyle): boolean {
  return a.exponent === b.exponent && a.power === b.power && a.unit === b.unit
}

/** The unit with its prefix, as it stands beside a number of this style. */
export function unitText({ unit, power }: NumberStyle): string {
  return prefixOf(unit, 10 ** power).symbol + unit
}

/**
 * A number in its style, in at most `room` characters: digits after the point give way first, then it is written with a power of ten
 * (`1.2346E9`), in as many digits as there is room for. `–` for none. What rounds to zero has no sign. Without `room` all that is known of it.
 */
export function formatNumber(
  value: number | undefined,
  style: NumberStyle,
  room = Infinity,
): string {
  if (value === undefined || Number.isNaN(value)) return '–'
  if (!Number.isFinite(value)) return value < 0 ? '−∞' : '∞'
  const shown = style.power < 0 ? value * 10 ** -style.power : value / 10 ** style.power
  const wanted = Math.max(0, style.power - style.exponent)
  const places = shown === 0 && wanted > MOST_FRACTION_DIGITS ? 0 : wanted
  if (isPlain(shown, places)) {
    for (let digits = places; digits >= leastPlaces(shown, places); digits--) {
      const text = fixed(shown, digits)
      if (text.length <= room) return text
    }
  }
  return scientific(shown, room)
}

/** The value as its own digits say it, as a number that a person would type: for a field that starts from it. */
export function ownDigits(value: number, style: NumberStyle): number {
  if (placeOf(value) - lastPlace(value) < MOST_PLACES) return Number(shortest(value))
  return Number(value.toFixed(Math.min(100, Math.max(0, -style.exponent))))
}

/** The smallest span of values worth a scale of its own: below it a line is flat. */
export function leastSpan({ exponent }: NumberStyle): number {
  return Math.max(8 * 10 ** exponent, 1e-300)
}

/** What the last digits of {@link formatNumber} may be away from the value. */
export function resolutionOf({ exponent }: NumberStyle): number {
  return 10 ** exponent
}

const formats = new Map<number, Intl.NumberFormat>()

/** With so many digits after the point, grouped. A true minus sign is as wide as a digit in tabular figures. */
export function fixed(value: number, digits: number): string {
  let format = formats.get(digits)
  if (!format) {
    const options = { minimumFractionDigits: digits, maximumFractionDigits: digits }
    formats.set(digits, (format = new Intl.NumberFormat('en', options)))
  }
  const text = format.format(value).replace('-', '−')
  return /[1-9]/.test(text) ? text : text.replace('−', '')
}

/** `1.2346E−9`, in at most `room` characters, but one digit at least. */
export function scientific(value: number, room = Infinity): string {
  const exact = withPower(Number(shortest(value)).toExponential())
  if (exact.length <= room) return exact
  for (let digits = DOUBLE_DIGITS - 1; digits > 0; digits--) {
    const text = withPower(trimmed(value.toExponential(digits)))
    if (text.length <= room) return text
  }
  return withPower(value.toExponential(0))
}

/** The power of ten of the first digit. */
export function placeOf(value: number): number {
  return value === 0 ? 0 : Number(value.toExponential().split('e')[1])
}

/** The power of ten of the last digit that the value was meant to have; at most 0. */
function lastPlace(value: number): number {
  // Nearly every reading ends here, without a text.
  for (let places = 0, unit = 1; places <= FAST_PLACES; places++, unit *= 10) {
    if (Math.round(value * unit) / unit === value) return -places
  }
  const [mantissa = '', power = '0'] = Number(shortest(value)).toExponential().split('e')
  return Math.min(0, Number(power) - (mantissa.split('.')[1]?.length ?? 0))
}

/** `21.4` for 21.400000000000002, and for 21.399999618530273, which is what a single-precision 21.4 becomes. */
function shortest(value: number): string {
  if (Number.isInteger(value)) return value.toPrecision(WHOLE_DIGITS)
  if (Math.fround(value) !== value) return value.toPrecision(DOUBLE_DIGITS)
  for (let digits = SINGLE_DIGITS; digits < DOUBLE_DIGITS; digits++) {
    const text = value.toPrecision(digits)
    if (Math.fround(Number(text)) === value) return text
  }
  return value.toPrecision(DOUBLE_DIGITS)
}

function isPlain(value: number, places: number): boolean {
  const size = Math.abs(value)
  if (size === 0) return true
  if (places > MOST_FRACTION_DIGITS || size >= FIRST_HUGE || size < LEAST_PLAIN) return false
  // What has few digits of its own is not rounded away; what was computed is.
  return size >= 0.5 * 10 ** -places || placeOf(value) - lastPlace(value) >= SIGNIFICANT
}

/** Digits after the point down to which they may give way to room: four significant ones stay. */
function leastPlaces(value: number, places: number): number {
  return Math.min(places, Math.max(0, SIGNIFICANT - 1 - placeOf(value)))
}

function trimmed(text: string): string {
  return text.replace(/\.?0+e/, 'e')
}

function withPower(text: string): string {
  return text.replace('e+', 'E').replace('e', 'E').replaceAll('-', '−')
}
