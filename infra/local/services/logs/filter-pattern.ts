import { AwsError } from '../../platform/errors.ts'
import { isObject } from '../../platform/fields.ts'

/** A filter pattern made ready; `''` matches everything. */
export interface FilterPattern {
  matches(message: string): boolean
}

/**
 * Reads a CloudWatch Logs filter pattern: terms (`ERROR "exact phrase" -without ?or ?or`), `%regular expression%`, or a JSON condition such as
 * `{ $.level = "ERROR" && $.ms > 100 }` with `=`, `!=`, `<`, `<=`, `>`, `>=`, `IS NULL`, `NOT EXISTS`, `&&`, `||` and parentheses.
 * Throws AwsError `InvalidParameterException` otherwise.
 */
export function readFilterPattern(source: string): FilterPattern {
  const text = source.trim()
  if (text === '') return { matches: () => true }
  if (text.startsWith('{')) return jsonPattern(text)
  if (text.startsWith('[')) {
    throw invalid(
      source,
      'space-delimited patterns [ … ] are not emulated on one machine; use terms or a JSON condition',
    )
  }
  return termPattern(source, text)
}

function termPattern(source: string, text: string): FilterPattern {
  const required: ((message: string) => boolean)[] = []
  const optional: ((message: string) => boolean)[] = []
  for (const [token, sign, phrase, expression, word] of text.matchAll(
    /([-?]?)(?:"((?:[^"\\]|\\.)*)"|%([^%]+)%|([^\s"]+))/g,
  )) {
    const test =
      expression === undefined ? contains(phrase ?? word ?? token) : regular(source, expression)
    if (sign === '?') optional.push(test)
    else if (sign === '-') required.push((message) => !test(message))
    else required.push(test)
  }
  return {
    matches: (message) =>
      required.every((test) => test(message)) &&
      (optional.length === 0 || required.length > 0 || optional.some((test) => test(message))),
  }
}

function contains(phrase: string): (message: string) => boolean {
  const wanted = phrase.replaceAll(/\\(.)/g, '$1')
  return (message) => message.includes(wanted)
}

function regular(source: string, expression: string): (message: string) => boolean {
  try {
    const pattern = new RegExp(expression)
    return (message) => pattern.test(message)
  } catch {
    throw invalid(source, `%${expression}% is not a regular expression`)
  }
}

type Test = (document: unknown) => boolean

function jsonPattern(text: string): FilterPattern {
  const tokens = tokenize(text)
  const test = condition(tokens)
  if (tokens.shift() !== '}' || tokens.length > 0)
    throw invalid(text, 'a JSON condition is one { … }')
  return {
    matches(message) {
      const start = message.indexOf('{')
      if (start < 0) return false
      try {
        return test(JSON.parse(message.slice(start)))
      } catch {
        return false
      }
    },
  }
}

function tokenize(text: string): string[] {
  const found =
    text.match(
      /"(?:[^"\\]|\\.)*"|&&|\|\||!=|<=|>=|[{}()=<>]|\$[^\s=!<>&|(){}]*|[^\s=!<>&|(){}"]+/g,
    ) ?? []
  if (found.shift() !== '{') throw invalid(text, 'a JSON condition starts with {')
  return found
}

function condition(tokens: string[]): Test {
  const tests = [conjunction(tokens)]
  while (tokens[0] === '||') {
    tokens.shift()
    tests.push(conjunction(tokens))
  }
  return (document) => tests.some((test) => test(document))
}

function conjunction(tokens: string[]): Test {
  const tests = [comparison(tokens)]
  while (tokens[0] === '&&') {
    tokens.shift()
    tests.push(comparison(tokens))
  }
  return (document) => tests.every((test) => test(document))
}

function comparison(tokens: string[]): Test {
  if (tokens[0] === '(') {
    tokens.shift()
    const inner = condition(tokens)
    if (tokens.shift() !== ')') throw invalid('', 'a parenthesis is not closed')
    return inner
  }
  const selector = tokens.shift() ?? ''
  if (!selector.startsWith('$')) throw invalid(selector, 'a property selector starts with $.')
  const read = selectorOf(selector)
  const operator = (tokens.shift() ?? '').toUpperCase()
  const operand = tokens.shift() ?? ''
  if (operator === 'NOT' && operand.toUpperCase() === 'EXISTS')
    return (document) => read(document) === undefined
  if (operator === 'IS') return wordTest(read, operand.toUpperCase())
  const test = Object.hasOwn(COMPARISONS, operator) ? COMPARISONS[operator] : undefined
  if (!test || operand === '')
    throw invalid(`${selector} ${operator}`, 'an operator and a value follow a property')
  const expected = valueOf(operand)
  return (document) => test(read(document), expected)
}

function wordTest(read: (document: unknown) => unknown, word: string): Test {
  const expected: Readonly<Record<string, unknown>> = { NULL: null, TRUE: true, FALSE: false }
  if (!Object.hasOwn(expected, word)) throw invalid(word, 'IS takes NULL, TRUE or FALSE')
  return (document) => read(document) === expected[word]
}

function selectorOf(selector: string): (document: unknown) => unknown {
  const steps = [...selector.matchAll(/\.([^.[\]]+)|\[(\d+|"[^"]*")\]/g)].map(
    ([, name, index]) => name ?? (index ?? '').replaceAll('"', ''),
  )
  return (document) => steps.reduce<unknown>((value, step) => memberOf(value, step), document)
}

function memberOf(value: unknown, step: string): unknown {
  if (Array.isArray(value)) return (value as readonly unknown[])[Number(step)]
  return isObject(value) && Object.hasOwn(value, step) ? value[step] : undefined
}

const COMPARISONS: Readonly<
  Record<string, (actual: unknown, expected: string | number) => boolean>
> = {
  '=': isEqual,
  '!=': (actual, expected) => actual !== undefined && !isEqual(actual, expected),
  '<': (actual, expected) => typeof actual === 'number' && actual < Number(expected),
  '<=': (actual, expected) => typeof actual === 'number' && actual <= Number(expected),
  '>': (actual, expected) => typeof actual === 'number' && actual > Number(expected),
  '>=': (actual, expected) => typeof actual === 'number' && actual >= Number(expected),
}

function isEqual(actual: unknown, expected: string | number): boolean {
  if (typeof expected === 'number') return actual === expected
  if (typeof actual !== 'string') return String(actual) === expected && typeof actual === 'boolean'
  if (!expected.includes('*')) return actual === expected
  const source = expected.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')
  return new RegExp(`^${source}$`, 's').test(actual)
}

function valueOf(operand: string): string | number {
  if (operand.startsWith('"')) return operand.slice(1, -1).replaceAll(/\\(.)/g, '$1')
  const number = Number(operand)
  return Number.isFinite(number) ? number : operand
}

function invalid(source: string, reason: string): AwsError {
  return new AwsError('InvalidParameterException', `Invalid filter pattern ${source}: ${reason}.`)
}
