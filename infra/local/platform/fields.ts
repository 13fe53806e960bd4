import { StartError } from './errors.ts'
import type { ResolvedResource } from './types.ts'

/**
 * Reading unknown JSON (API input, resolved template properties) by field. `fail` makes the caller's own error from a message that
 * names the field and the rule.
 */
export interface Fields {
  has(name: string): boolean
  /** The raw value; undefined when absent or null. */
  value(name: string): unknown
  text(name: string): string
  optionalText(name: string): string | undefined
  /** Accepts a numeric string too: CloudFormation allows it. */
  optionalInteger(name: string): number | undefined
  integer(name: string): number
  /** Accepts `"true"` and `"false"` too. */
  optionalBoolean(name: string): boolean | undefined
  /** Empty when absent. */
  list(name: string): readonly unknown[]
  /** Empty when absent. */
  texts(name: string): readonly string[]
  /** The nested object; undefined when absent. */
  nested(name: string): Fields | undefined
  /** The nested objects of a list; empty when absent. */
  nestedList(name: string): readonly Fields[]
  names(): readonly string[]
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Throws what `fail` makes when `source` is not an object, and from each reader when a value has the wrong type. */
export function fields(source: unknown, fail: (message: string) => Error): Fields {
  if (!isObject(source)) throw fail('an object was expected')
  const value = (name: string): unknown => source[name] ?? undefined
  const required = <T>(name: string, found: T | undefined): T => {
    if (found === undefined) throw fail(`${name} is missing`)
    return found
  }
  const list = (name: string): readonly unknown[] => {
    const found = value(name) ?? []
    if (!Array.isArray(found)) throw fail(`${name} must be a list`)
    return found
  }
  const optionalText = (name: string): string | undefined => {
    const found = value(name)
    if (found === undefined || typeof found === 'string') return found
    throw fail(`${name} must be a string`)
  }
  const optionalInteger = (name: string): number | undefined => {
    const found = value(name)
    if (found === undefined) return undefined
    const number = typeof found === 'string' && found !== '' ? Number(found) : found
    if (typeof number === 'number' && Number.isInteger(number)) return number
    throw fail(`${name} must be a whole number`)
  }
  return {
    value,
    list,
    optionalText,
    optionalInteger,
    has: (name) => value(name) !== undefined,
    names: () => Object.keys(source),
    text: (name) => required(name, optionalText(name)),
    integer: (name) => required(name, optionalInteger(name)),
    optionalBoolean(name) {
      const found = value(name)
      if (found === undefined || typeof found === 'boolean') return found
      if (found === 'true' || found === 'false') return found === 'true'
      throw fail(`${name} must be true or false`)
    },
    texts: (name) =>
      list(name).map((item) => {
        if (typeof item === 'string') return item
        throw fail(`${name} must be a list of strings`)
      }),
    nested(name) {
      const found = value(name)
      return found === undefined
        ? undefined
        : fields(found, (message) => fail(`${name}: ${message}`))
    },
    nestedList: (name) =>
      list(name).map((item, index) =>
        fields(item, (message) => fail(`${name}[${index}]: ${message}`)),
      ),
  }
}

/** {@link fields} over a resource's properties: a wrong one is a StartError that names the logical id. */
export function propertiesOf(resource: ResolvedResource): Fields {
  return fields(
    resource.properties,
    (message) =>
      new StartError(
        'TEMPLATE_PROPERTY',
        `${resource.logicalId} (${resource.type}): ${message}. Correct the template, then start again.`,
      ),
  )
}
