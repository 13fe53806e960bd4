/** What a rule's SQL computes with: JSON values, `undefined` for Undefined (IOT-35), and whole decimals. */
export type SqlValue =
  | undefined
  | null
  | boolean
  | number
  | string
  | WholeDecimal
  | readonly SqlValue[]
  | { readonly [name: string]: SqlValue }

/** A Decimal without a fraction, such as the `10.0` of a rule: JavaScript would take it for an Int (IOT-39). */
export class WholeDecimal {
  readonly value: number

  constructor(value: number) {
    this.value = value
  }
}

/** A number of the rule language: `isInteger` is its type, not only its value. */
export interface SqlNumber {
  readonly value: number
  readonly isInteger: boolean
}

export function decimal(value: number): SqlValue {
  return Number.isInteger(value) ? new WholeDecimal(value) : value
}

export function isNumber(value: SqlValue): value is number | WholeDecimal {
  return typeof value === 'number' || value instanceof WholeDecimal
}

/** The number that a value is or that its text spells; undefined when it is neither (IOT-37, IOT-39). */
export function toNumber(value: SqlValue): SqlNumber | undefined {
  if (value instanceof WholeDecimal) return { value: value.value, isInteger: false }
  if (typeof value === 'number') return { value, isInteger: Number.isInteger(value) }
  if (typeof value !== 'string' || !/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value.trim())) {
    return undefined
  }
  const parsed = Number(value)
  return { value: parsed, isInteger: Number.isInteger(parsed) && !/[.eE]/.test(value) }
}

/** `true` and `false`, and those words in any case (IOT-38). */
export function toBoolean(value: SqlValue): boolean | undefined {
  if (typeof value === 'boolean') return value
  if (typeof value !== 'string') return undefined
  const lower = value.toLowerCase()
  return lower === 'true' ? true : lower === 'false' ? false : undefined
}

export function isObject(value: SqlValue): value is { readonly [name: string]: SqlValue } {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof WholeDecimal)
  )
}

/** The text of a value as `concat`, `+` and substitution templates write it; Undefined has none. */
export function toText(value: SqlValue): string | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'string') return value
  return JSON.stringify(plain(value))
}

/** The JSON value, without Undefined members (IOT-35). */
export function plain(value: SqlValue): unknown {
  if (value instanceof WholeDecimal) return value.value
  if (Array.isArray(value)) {
    return (value as readonly SqlValue[]).filter((item) => item !== undefined).map(plain)
  }
  if (!isObject(value)) return value
  const object: Record<string, unknown> = {}
  for (const [name, member] of Object.entries(value)) {
    if (member !== undefined) object[name] = plain(member)
  }
  return object
}

/** `=`: Undefined when a side is, false for other types (IOT-36). */
export function equals(left: SqlValue, right: SqlValue): boolean | undefined {
  if (left === undefined || right === undefined) return undefined
  if (isNumber(left) && isNumber(right)) return toNumber(left)?.value === toNumber(right)?.value
  if (typeof left === 'object' && typeof right === 'object') {
    return canonical(plain(left)) === canonical(plain(right))
  }
  return left === right
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  )
}
