import { elementScope } from './message.ts'
import type { Evaluate, Scope } from './message.ts'
import { binaryOperation, negate, not } from './operators.ts'
import { castTo, functionNamed } from './functions.ts'
import { SqlSyntaxError } from './syntax.ts'
import type { Expression, Query, SelectItem } from './syntax.ts'
import { WholeDecimal, equals, isObject, toNumber } from './values.ts'
import type { SqlValue } from './values.ts'

/** Compiles an expression. Throws {@link SqlSyntaxError} for a function that does not exist or is not available here. */
export function compileExpression(expression: Expression): Evaluate {
  switch (expression.kind) {
    case 'literal':
      return literal(expression.value, expression.isDecimal ?? false)
    case 'payload':
      return (scope) => scope.root()
    case 'name':
      return property((scope) => scope.root(), expression.name)
    case 'member':
      return property(compileExpression(expression.of), expression.name)
    case 'element':
      return element(compileExpression(expression.of), compileExpression(expression.index))
    case 'call':
      return call(expression.name, expression.args)
    case 'cast':
      return cast(compileExpression(expression.value), expression.type)
    case 'not':
      return mapped(expression.value, not)
    case 'negate':
      return mapped(expression.value, negate)
    case 'exists':
      return mapped(expression.value, (value) => Array.isArray(value) && value.length > 0)
    case 'binary': {
      const left = compileExpression(expression.left)
      const right = compileExpression(expression.right)
      return binaryOperation(expression.operator, left, right)
    }
    case 'case':
      return caseOf(expression)
    case 'object':
      return objectOf(expression.members)
    case 'array':
      return arrayOf(expression.items)
    case 'query':
      return nestedQuery(expression.query)
  }
}

/** Compiles the items of a SELECT into one object (IOT-30, IOT-31: a later item overrides one from `*`). */
export function compileItems(items: readonly SelectItem[]): Evaluate {
  const parts = items.map((item) => ({
    name: item.name,
    evaluate: item.expression && compileExpression(item.expression),
  }))
  const [only] = parts
  if (parts.length === 1 && only && !only.evaluate) return (scope) => scope.root()
  return (scope) => {
    const object: Record<string, SqlValue> = {}
    for (const { name, evaluate } of parts) {
      if (!evaluate) Object.assign(object, membersOf(scope.root()))
      else {
        const value = evaluate(scope)
        if (value !== undefined) object[name] = value
      }
    }
    return object
  }
}

function membersOf(value: SqlValue): object {
  return isObject(value) ? value : {}
}

function literal(value: string | number | boolean | null, isDecimal: boolean): Evaluate {
  const constant =
    isDecimal && typeof value === 'number' && Number.isInteger(value)
      ? new WholeDecimal(value)
      : value
  return () => constant
}

function mapped(expression: Expression, change: (value: SqlValue) => SqlValue): Evaluate {
  const value = compileExpression(expression)
  return (scope) => change(value(scope))
}

function property(of: Evaluate, name: string): Evaluate {
  return (scope) => {
    const value = of(scope)
    return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
  }
}

function element(of: Evaluate, index: Evaluate): Evaluate {
  return (scope) => {
    const value = of(scope)
    const position = toNumber(index(scope))
    return Array.isArray(value) && position?.isInteger
      ? (value as readonly SqlValue[])[position.value]
      : undefined
  }
}

function call(name: string, args: readonly Expression[]): Evaluate {
  const implementation = functionNamed(name)
  if (!implementation) throw new SqlSyntaxError(`there is no function ${name}() here`, 0)
  if ('encodesPayload' in implementation) {
    const [subject, ...rest] = args
    const others = rest.map(compileExpression)
    // IOT-51: `encode(*, 'base64')` takes the bytes as they came, JSON or not.
    if (subject?.kind === 'payload') {
      return (scope) => implementation.bytes(scope.message.payload, others[0]?.(scope))
    }
  }
  const values = args.map(compileExpression)
  return (scope) =>
    implementation.call(
      scope,
      values.map((value) => value(scope)),
    )
}

function cast(value: Evaluate, type: string): Evaluate {
  const convert = castTo(type)
  if (!convert) throw new SqlSyntaxError(`cast() knows no type ${type}`, 0)
  return (scope) => convert(value(scope))
}

function caseOf(expression: Extract<Expression, { kind: 'case' }>): Evaluate {
  const subject = compileExpression(expression.subject)
  const branches = expression.branches.map((branch) => ({
    when: compileExpression(branch.when),
    then: compileExpression(branch.then),
  }))
  const otherwise = expression.otherwise && compileExpression(expression.otherwise)
  return (scope) => {
    const value = subject(scope)
    // IOT-43: an Undefined subject makes the whole CASE Undefined, ELSE or not.
    if (value === undefined) return undefined
    for (const branch of branches) {
      if (equals(value, branch.when(scope)) === true) return branch.then(scope)
    }
    return otherwise?.(scope)
  }
}

function objectOf(members: readonly (readonly [string, Expression])[]): Evaluate {
  const parts = members.map(([name, value]) => [name, compileExpression(value)] as const)
  return (scope) => Object.fromEntries(parts.map(([name, value]) => [name, value(scope)]))
}

function arrayOf(items: readonly Expression[]): Evaluate {
  const parts = items.map(compileExpression)
  return (scope) => parts.map((part) => part(scope)).filter((value) => value !== undefined)
}

function nestedQuery(query: Query): Evaluate {
  const from = query.from ? compileExpression(query.from) : (scope: Scope) => scope.root()
  const where = query.where && compileExpression(query.where)
  const select = query.value ? compileExpression(query.value) : compileItems(query.items)
  return (scope) => {
    const source = from(scope)
    if (source === undefined) return undefined
    const elements = (Array.isArray(source) ? source : [source]) as readonly SqlValue[]
    return elements
      .map((item) => elementScope(scope, item))
      .filter((inner) => !where || where(inner) === true)
      .map((inner) => select(inner))
      .filter((value) => value !== undefined)
  }
}
