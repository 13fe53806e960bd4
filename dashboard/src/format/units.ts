/** Units that SI prefixes are set before, as the field writes them. A unit with a prefix already (kWh, ms) takes no other. */
const takesPrefix: ReadonlySet<string> = new Set([
  ...['A', 'V', 'W', 'Wh', 'VA', 'VAh', 'var', 'varh', 'J', 'eV', 'Hz', 'Pa', 'N', 'Ω', 'S', 'F'],
  ...['H', 'T', 'm', 'B', 'bit', 'B/s', 'bit/s', 'Bq', 'Sv', 'lx'],
])

const symbols: Readonly<Record<number, string>> = {
  ...{ [-15]: 'f', [-12]: 'p', [-9]: 'n', [-6]: 'µ', [-3]: 'm' },
  ...{ 0: '', 3: 'k', 6: 'M', 9: 'G', 12: 'T', 15: 'P', 18: 'E' },
}
const LEAST_POWER = -15
const MOST_POWER = 18

/** From and below which numbers are long enough for a prefix. */
const LARGE = 1e6
const SMALL = 1e-3

export interface Prefix {
  /** Of ten, a multiple of three. */
  readonly power: number
  readonly symbol: string
}

const none: Prefix = { power: 0, symbol: '' }

/** The SI prefix for numbers up to this magnitude in this unit; none where the unit takes none or the numbers are short without. */
export function prefixOf(unit: string, magnitude: number): Prefix {
  const isShort = magnitude < LARGE && magnitude >= SMALL
  return isShort || magnitude === 0 ? none : prefixAt(unit, magnitude)
}

/** The SI prefix of this magnitude, however short its numbers are without. */
export function prefixAt(unit: string, magnitude: number): Prefix {
  if (!takesPrefix.has(unit)) return none
  // 1e-3 has a logarithm a little below −3.
  const power = Math.floor(Math.log10(magnitude) / 3 + 1e-9) * 3
  if (power < LEAST_POWER || power > MOST_POWER) return none
  return { power, symbol: symbols[power] ?? '' }
}

const raised: Readonly<Record<string, string>> = {
  ...{ '-': '⁻', '0': '⁰', '1': '¹', '2': '²', '3': '³', '4': '⁴' },
  ...{ '5': '⁵', '6': '⁶', '7': '⁷', '8': '⁸', '9': '⁹' },
}

/** `×10⁻⁶`. */
export function timesPower(power: number): string {
  return `×10${String(power).replaceAll(/./g, (sign) => raised[sign] ?? '')}`
}
