import { isObject } from './fields.ts'

/** A content filter of EventBridge rules and event source mappings, checked by {@link eventPattern}. */
export type EventPattern = (event: unknown) => boolean

type Test = (value: unknown) => boolean

/**
 * Compiles an event pattern. Throws TypeError naming the field for what EventBridge would refuse or what is not emulated. Source: EventBridge User Guide,
 * "Comparison operators": exact values, `prefix`, `suffix`, `anything-but`, `exists`, `numeric`, `equals-ignore-case`, `wildcard`, `$or`.
 */
export function eventPattern(pattern: unknown): EventPattern {
  if (!isObject(pattern) || Object.keys(pattern).length === 0) {
    throw new TypeError('An event pattern must be an object with at least one field')
  }
  return compileObject(pattern, '')
}

function compileObject(pattern: Readonly<Record<string, unknown>>, path: string): EventPattern {
  const tests = Object.entries(pattern).map(([name, rule]) =>
    name === '$or' ? compileOr(rule, path) : compileField(name, rule, `${path}${name}`),
  )
  return (event) => tests.every((test) => test(event))
}

function compileOr(rule: unknown, path: string): EventPattern {
  if (!Array.isArray(rule)) throw new TypeError(`${path}$or must be a list of patterns`)
  const branches = rule.map((branch: unknown) => {
    if (!isObject(branch)) throw new TypeError(`${path}$or must be a list of patterns`)
    return compileObject(branch, path)
  })
  return (event) => branches.some((branch) => branch(event))
}

function compileField(name: string, rule: unknown, path: string): EventPattern {
  if (isObject(rule)) {
    const nested = compileObject(rule, `${path}.`)
    return (event) => {
      const value = isObject(event) ? event[name] : undefined
      return Array.isArray(value) ? value.some(nested) : nested(value)
    }
  }
  if (!Array.isArray(rule) || rule.length === 0) {
    throw new TypeError(`${path} must be a list of values or an object`)
  }
  const tests = rule.map((one: unknown) => compileValue(one, path))
  return (event) => {
    const value = isObject(event) ? event[name] : undefined
    return tests.some((test) => test(value))
  }
}

function compileValue(rule: unknown, path: string): Test {
  if (!isObject(rule)) return anyOf((value) => value === rule)
  const [operator, operand, ...rest] = Object.entries(rule).flat()
  if (typeof operator !== 'string' || rest.length > 0) {
    throw new TypeError(`${path} must have one comparison operator in each object`)
  }
  if (operator === 'exists') {
    return (value) => (value !== undefined && !isObject(value)) === operand
  }
  if (operator === 'anything-but') return compileAnythingBut(operand, path)
  return anyOf(compileText(operator, operand, path))
}

/** A list in the event matches when one of its members does. */
function anyOf(test: Test): Test {
  return (value) => (Array.isArray(value) ? value.some(test) : value !== undefined && test(value))
}

function compileText(operator: string, operand: unknown, path: string): Test {
  if (operator === 'numeric') return compileNumeric(operand, path)
  if (typeof operand !== 'string') throw new TypeError(`${path} ${operator} needs a string`)
  const text = (test: (value: string) => boolean): Test => {
    return (value) => typeof value === 'string' && test(value)
  }
  switch (operator) {
    case 'prefix':
      return text((value) => value.startsWith(operand))
    case 'suffix':
      return text((value) => value.endsWith(operand))
    case 'equals-ignore-case':
      return text((value) => value.toLowerCase() === operand.toLowerCase())
    case 'wildcard': {
      const parts = operand.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
      const expression = new RegExp(`^${parts.join('.*')}$`, 's')
      return text((value) => expression.test(value))
    }
    default:
      throw new TypeError(`${path} uses the operator ${operator}, which is not emulated`)
  }
}

function compileAnythingBut(operand: unknown, path: string): Test {
  if (isObject(operand)) {
    const [operator, inner] = Object.entries(operand)[0] ?? ['', undefined]
    const inners: readonly unknown[] = Array.isArray(inner) ? inner : [inner]
    const tests = inners.map((one) => compileText(operator, one, path))
    return (value) => value !== undefined && !tests.some((test) => anyOf(test)(value))
  }
  const excluded: readonly unknown[] = Array.isArray(operand) ? operand : [operand]
  return anyOf((value) => !excluded.includes(value))
}

const COMPARISONS: Readonly<Record<string, (value: number, bound: number) => boolean>> = {
  '=': (value, bound) => value === bound,
  '<': (value, bound) => value < bound,
  '<=': (value, bound) => value <= bound,
  '>': (value, bound) => value > bound,
  '>=': (value, bound) => value >= bound,
}

/** `["<", 5]` or a range `[">", 0, "<=", 5]`. */
function compileNumeric(operand: unknown, path: string): Test {
  const parts: readonly unknown[] = Array.isArray(operand) ? operand : []
  const tests: ((value: number) => boolean)[] = []
  for (let index = 0; index < parts.length; index += 2) {
    const compare = COMPARISONS[String(parts[index])]
    const bound = parts[index + 1]
    if (!compare || typeof bound !== 'number') {
      throw new TypeError(`${path} numeric needs pairs of comparison and number`)
    }
    tests.push((value) => compare(value, bound))
  }
  if (tests.length === 0)
    throw new TypeError(`${path} numeric needs pairs of comparison and number`)
  return (value) => typeof value === 'number' && tests.every((test) => test(value))
}
