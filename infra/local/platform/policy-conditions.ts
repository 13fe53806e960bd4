import { StartError } from './errors.ts'
import { compilePattern } from './policy-patterns.ts'

/** Condition keys of a request, lower case: `dynamodb:leadingkeys` → values. */
export type ConditionContext = Readonly<Record<string, string | readonly string[]>>

type Compare = (expected: string) => (actual: string) => boolean

const equals: Compare = (expected) => (actual) => actual === expected
const like: Compare = (expected) => compilePattern(expected)
const not =
  (compare: Compare): Compare =>
  (expected) => {
    const matches = compare(expected)
    return (actual) => !matches(actual)
  }
const numeric =
  (test: (actual: number, expected: number) => boolean): Compare =>
  (expected) =>
  (actual) =>
    test(Number(actual), Number(expected))

/** Operators and whether they are negated: a negated one must hold against every value, and holds when the key is absent. */
const operators: Readonly<
  Record<string, { readonly compare: Compare; readonly negated?: boolean }>
> = {
  StringEquals: { compare: equals },
  StringNotEquals: { compare: not(equals), negated: true },
  StringEqualsIgnoreCase: {
    compare: (expected) => (actual) => actual.toLowerCase() === expected.toLowerCase(),
  },
  StringLike: { compare: like },
  StringNotLike: { compare: not(like), negated: true },
  ArnEquals: { compare: like },
  ArnLike: { compare: like },
  ArnNotEquals: { compare: not(like), negated: true },
  ArnNotLike: { compare: not(like), negated: true },
  Bool: { compare: (expected) => (actual) => actual.toLowerCase() === expected.toLowerCase() },
  NumericEquals: { compare: numeric((a, b) => a === b) },
  NumericLessThan: { compare: numeric((a, b) => a < b) },
  NumericLessThanEquals: { compare: numeric((a, b) => a <= b) },
  NumericGreaterThan: { compare: numeric((a, b) => a > b) },
  NumericGreaterThanEquals: { compare: numeric((a, b) => a >= b) },
}

type Condition = (context: ConditionContext) => boolean

const asList = (value: unknown): readonly string[] =>
  (Array.isArray(value) ? value : [value]).map(String)

function compileOne(operatorName: string, key: string, value: unknown): Condition | undefined {
  const colon = operatorName.indexOf(':')
  const quantifier = operatorName.slice(0, Math.max(colon, 0))
  const bare = operatorName.slice(colon + 1)
  const ifExists = bare.endsWith('IfExists')
  const base = ifExists ? bare.slice(0, -'IfExists'.length) : bare
  const name = key.toLowerCase()
  if (base === 'Null') {
    return (context) => (context[name] === undefined) === (asList(value)[0] === 'true')
  }
  const operator = operators[base]
  if (!operator) return undefined
  const tests = asList(value).map(operator.compare)
  const holds = (actual: string): boolean =>
    operator.negated ? tests.every((test) => test(actual)) : tests.some((test) => test(actual))
  return (context) => {
    const present = context[name]
    if (present === undefined) {
      return ifExists || quantifier === 'ForAllValues' || operator.negated === true
    }
    const actual = asList(present)
    return quantifier === 'ForAnyValue' ? actual.some(holds) : actual.every(holds)
  }
}

/**
 * A statement's `Condition` block: all operators and all keys must hold. Undefined when there is none.
 * Throws StartError `POLICY_INVALID` for an operator that is not known here, instead of guessing what it would allow.
 */
export function compileConditions(block: unknown, policyName: string): Condition | undefined {
  if (typeof block !== 'object' || block === null) return undefined
  const conditions = Object.entries(block as Record<string, Record<string, unknown>>).flatMap(
    ([operatorName, keys]) =>
      Object.entries(keys).map(([key, value]) => {
        const condition = compileOne(operatorName, key, value)
        if (condition) return condition
        throw new StartError(
          'POLICY_INVALID',
          `policy ${policyName}: the condition operator ${operatorName} is not supported by infra/local`,
        )
      }),
  )
  return (context) => conditions.every((condition) => condition(context))
}
