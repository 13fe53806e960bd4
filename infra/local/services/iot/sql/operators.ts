import type { Evaluate } from './message.ts'
import type { BinaryOperator } from './syntax.ts'
import { decimal, equals, isNumber, toBoolean, toNumber, toText } from './values.ts'
import type { SqlNumber, SqlValue } from './values.ts'

/** The evaluation of `left operator right` (IOT-36–IOT-39). */
export function binaryOperation(
  operator: BinaryOperator,
  left: Evaluate,
  right: Evaluate,
): Evaluate {
  if (operator === 'AND')
    return (scope) => and(toBoolean(left(scope)), () => toBoolean(right(scope)))
  if (operator === 'OR') return (scope) => or(toBoolean(left(scope)), () => toBoolean(right(scope)))
  const operation = OPERATIONS[operator]
  return (scope) => operation(left(scope), right(scope))
}

export function not(value: SqlValue): SqlValue {
  const flag = toBoolean(value)
  return flag === undefined ? undefined : !flag
}

export function negate(value: SqlValue): SqlValue {
  const number = toNumber(value)
  return number && result(-number.value, number.isInteger)
}

type Operation = (left: SqlValue, right: SqlValue) => SqlValue

const OPERATIONS: Readonly<Record<Exclude<BinaryOperator, 'AND' | 'OR'>, Operation>> = {
  '=': equals,
  '<>': notEquals,
  '<': (a, b) => compare(a, b, (x, y) => x < y),
  '<=': (a, b) => compare(a, b, (x, y) => x <= y),
  '>': (a, b) => compare(a, b, (x, y) => x > y),
  '>=': (a, b) => compare(a, b, (x, y) => x >= y),
  '+': add,
  '-': (a, b) => arithmetic(a, b, (x, y) => x - y),
  '*': (a, b) => arithmetic(a, b, (x, y) => x * y),
  '/': divide,
  '%': (a, b) => arithmetic(a, b, (x, y) => (y === 0 ? Number.NaN : x % y)),
  IN: isIn,
}

function and(left: boolean | undefined, right: () => boolean | undefined): SqlValue {
  if (left === undefined) return undefined
  const other = right()
  return other === undefined ? undefined : left && other
}

function or(left: boolean | undefined, right: () => boolean | undefined): SqlValue {
  if (left === undefined) return undefined
  const other = right()
  return other === undefined ? undefined : left || other
}

/** IOT-36: mismatched types differ, Undefined gives Undefined, two nulls do not differ. */
function notEquals(left: SqlValue, right: SqlValue): SqlValue {
  const same = equals(left, right)
  return same === undefined ? undefined : !same
}

/** IOT-37: numbers or text that spells one; anything else is Undefined, and text is never compared by its letters. */
function compare(
  left: SqlValue,
  right: SqlValue,
  holds: (a: number, b: number) => boolean,
): SqlValue {
  const a = toNumber(left)
  const b = toNumber(right)
  return a && b ? holds(a.value, b.value) : undefined
}

/** IOT-39: concatenates when a side is text, otherwise adds. */
function add(left: SqlValue, right: SqlValue): SqlValue {
  if (left === undefined || right === undefined) return undefined
  if (typeof left === 'string' || typeof right === 'string') {
    return `${toText(left) ?? ''}${toText(right) ?? ''}`
  }
  return isNumber(left) && isNumber(right) ? arithmetic(left, right, (a, b) => a + b) : undefined
}

function arithmetic(
  left: SqlValue,
  right: SqlValue,
  apply: (a: number, b: number) => number,
): SqlValue {
  const a = toNumber(left)
  const b = toNumber(right)
  return a && b ? result(apply(a.value, b.value), bothIntegers(a, b)) : undefined
}

/** IOT-39, IOT-40: Int by Int stays Int: the fraction is cut off. */
function divide(left: SqlValue, right: SqlValue): SqlValue {
  const a = toNumber(left)
  const b = toNumber(right)
  if (!a || !b || b.value === 0) return undefined
  const integers = bothIntegers(a, b)
  return result(integers ? Math.trunc(a.value / b.value) : a.value / b.value, integers)
}

function isIn(left: SqlValue, right: SqlValue): SqlValue {
  if (left === undefined || !Array.isArray(right)) return undefined
  return (right as readonly SqlValue[]).some((item) => equals(left, item) === true)
}

function bothIntegers(a: SqlNumber, b: SqlNumber): boolean {
  return a.isInteger && b.isInteger
}

function result(value: number, isInteger: boolean): SqlValue {
  if (!Number.isFinite(value)) return undefined
  return isInteger ? value : decimal(value)
}
