/** A context value that cannot be deployed: names the value, the rule and the way out. */
export class ConfigError extends Error {
  readonly code = 'CONFIG_INVALID'
  constructor(message: string) {
    super(message)
    this.name = 'ConfigError'
  }
}

/** Reads one CDK context value; undefined when it is not set. */
export type Context = (name: string) => unknown

interface Range {
  readonly default: number
  readonly min: number
  readonly max: number
}

/** A whole number in a range; text of digits counts. Throws {@link ConfigError}. */
export function integer(context: Context, name: string, range: Range): number {
  const raw = context(name)
  if (raw === undefined) return range.default
  const value =
    typeof raw === 'number'
      ? raw
      : typeof raw === 'string' && /^-?\d+$/.test(raw)
        ? Number(raw)
        : NaN
  if (Number.isSafeInteger(value) && value >= range.min && value <= range.max) return value
  throw new ConfigError(
    `${name} ${show(raw)} is out of range: a whole number from ${range.min} to ${range.max}.`,
  )
}

/** `true` or `false`, as text too. Throws {@link ConfigError}. */
export function boolean(context: Context, name: string, fallback: boolean): boolean {
  const raw = context(name)
  if (raw === undefined) return fallback
  if (raw === true || raw === 'true') return true
  if (raw === false || raw === 'false') return false
  throw new ConfigError(`${name} ${show(raw)} is neither true nor false.`)
}

/** A value as it stands in a sentence. */
export function show(value: unknown): string {
  return JSON.stringify(value)
}
