import { MathSyntaxError } from './math-syntax.ts'
import type { MathNode } from './math-syntax.ts'

/** A value per period, oldest first; undefined = no data. */
export type Points = readonly (number | undefined)[]

/** What an expression is evaluated over: every series has a point per period of the same length. */
export interface MathInput {
  readonly periodSeconds: number
  readonly length: number
  /** The series of an id; throws when there is none. */
  series(id: string): Points
  /** Ids of the plain metrics, for METRICS(). */
  readonly metricIds: readonly string[]
}

export type MathValue =
  | { readonly kind: 'scalar'; readonly value: number }
  | { readonly kind: 'series'; readonly points: Points }
  | { readonly kind: 'list'; readonly items: readonly Points[] }
  | { readonly kind: 'text'; readonly value: string }

/**
 * Evaluates metric math (CW-27). In arithmetic a series without a point counts as 0 where the other has one; where none has
 * one there is no result; a division by zero gives no point. Throws {@link MathSyntaxError} for a function that is not emulated.
 */
export function evaluateMath(node: MathNode, input: MathInput): MathValue {
  switch (node.kind) {
    case 'number':
      return { kind: 'scalar', value: node.value }
    case 'text':
      return { kind: 'text', value: node.value }
    case 'id':
      return WORDS.has(node.name)
        ? { kind: 'text', value: node.name }
        : { kind: 'series', points: input.series(node.name) }
    case 'list':
      return {
        kind: 'list',
        items: node.items.flatMap((item) => seriesOf(evaluateMath(item, input), input)),
      }
    case 'negate':
      return mapPoints(evaluateMath(node.value, input), (value) => -value)
    case 'binary': {
      const operation = operationOf(node.operator)
      return combine(evaluateMath(node.left, input), evaluateMath(node.right, input), operation)
    }
    case 'call':
      return call(
        node.name,
        node.args.map((arg) => evaluateMath(arg, input)),
        input,
      )
  }
}

/** The one series that an alarm or a graph shows; a scalar is the same value in every period. */
export function asPoints(value: MathValue, input: MathInput): Points {
  const [first] = seriesOf(value, input)
  if (first) return first
  throw new MathSyntaxError('the expression is not a time series')
}

const WORDS = new Set(['REPEAT', 'LINEAR'])

type Operation = (left: number, right: number) => number | undefined

const OPERATIONS: Readonly<Record<string, Operation>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => (b === 0 ? undefined : a / b),
  '^': (a, b) => a ** b,
  '==': (a, b) => Number(a === b),
  '!=': (a, b) => Number(a !== b),
  '<': (a, b) => Number(a < b),
  '>': (a, b) => Number(a > b),
  '<=': (a, b) => Number(a <= b),
  '>=': (a, b) => Number(a >= b),
  AND: (a, b) => Number(a !== 0 && b !== 0),
  OR: (a, b) => Number(a !== 0 || b !== 0),
}

function operationOf(operator: string): Operation {
  const operation = OPERATIONS[operator]
  if (!operation) throw new MathSyntaxError(`there is no operator ${operator}`)
  return operation
}

function combine(left: MathValue, right: MathValue, operation: Operation): MathValue {
  if (left.kind === 'scalar' && right.kind === 'scalar') {
    return { kind: 'scalar', value: operation(left.value, right.value) ?? Number.NaN }
  }
  if (left.kind === 'list' || right.kind === 'list') return combineLists(left, right, operation)
  return { kind: 'series', points: combinePoints(left, right, operation) }
}

function combineLists(left: MathValue, right: MathValue, operation: Operation): MathValue {
  const length =
    left.kind === 'list' ? left.items.length : right.kind === 'list' ? right.items.length : 0
  const at = (value: MathValue, index: number): MathValue =>
    value.kind === 'list' ? { kind: 'series', points: value.items[index] ?? [] } : value
  const items = Array.from({ length }, (_, index) =>
    combinePoints(at(left, index), at(right, index), operation),
  )
  return { kind: 'list', items }
}

function combinePoints(left: MathValue, right: MathValue, operation: Operation): Points {
  const length = Math.max(lengthOf(left), lengthOf(right))
  return Array.from({ length }, (_, index) => {
    const a = pointAt(left, index)
    const b = pointAt(right, index)
    // A constant alone makes no point; a series without one counts as 0 beside a series that has one.
    const hasPoint =
      (left.kind === 'series' && a !== undefined) || (right.kind === 'series' && b !== undefined)
    return hasPoint ? finite(operation(a ?? 0, b ?? 0)) : undefined
  })
}

function lengthOf(value: MathValue): number {
  return value.kind === 'series' ? value.points.length : 0
}

function pointAt(value: MathValue, index: number): number | undefined {
  if (value.kind === 'scalar') return value.value
  if (value.kind === 'series') return value.points[index]
  throw new MathSyntaxError('an operator takes numbers and time series')
}

function finite(value: number | undefined): number | undefined {
  return value !== undefined && Number.isFinite(value) ? value : undefined
}

function seriesOf(value: MathValue, input: MathInput): readonly Points[] {
  switch (value.kind) {
    case 'series':
      return [value.points]
    case 'list':
      return value.items
    case 'scalar':
      return [Array.from({ length: input.length }, () => finite(value.value))]
    case 'text':
      return []
  }
}

function mapPoints(value: MathValue, change: (value: number) => number): MathValue {
  if (value.kind === 'scalar') return { kind: 'scalar', value: change(value.value) }
  const map = (points: Points): Points =>
    points.map((point) => (point === undefined ? undefined : finite(change(point))))
  if (value.kind === 'series') return { kind: 'series', points: map(value.points) }
  if (value.kind === 'list') return { kind: 'list', items: value.items.map(map) }
  throw new MathSyntaxError('a function takes numbers and time series')
}

type MathFunction = (args: readonly MathValue[], input: MathInput) => MathValue

const FUNCTIONS: ReadonlyMap<string, MathFunction> = new Map<string, MathFunction>([
  ['IF', ifFunction],
  ['FILL', fill],
  [
    'RATE',
    (args, input) => ({ kind: 'series', points: rate(argument(args, input), input.periodSeconds) }),
  ],
  ['DIFF', (args, input) => ({ kind: 'series', points: rate(argument(args, input), 1, 1) })],
  ['RUNNING_SUM', (args, input) => ({ kind: 'series', points: runningSum(argument(args, input)) })],
  ['PERIOD', (_, input) => ({ kind: 'scalar', value: input.periodSeconds })],
  [
    'METRICS',
    (_, input) => ({ kind: 'list', items: input.metricIds.map((id) => input.series(id)) }),
  ],
  [
    'METRIC_COUNT',
    (args, input) => ({
      kind: 'scalar',
      value: args.flatMap((arg) => seriesOf(arg, input)).length,
    }),
  ],
  ['SUM', reduce((values) => values.reduce((sum, value) => sum + value, 0))],
  ['AVG', reduce((values) => values.reduce((sum, value) => sum + value, 0) / values.length)],
  ['MIN', reduce((values) => values.reduce((least, value) => Math.min(least, value), Infinity))],
  ['MAX', reduce((values) => values.reduce((most, value) => Math.max(most, value), -Infinity))],
  ['STDDEV', reduce(deviation)],
  ['DATAPOINT_COUNT', reduce((values) => values.length)],
  ['ABS', each(Math.abs)],
  ['CEIL', each(Math.ceil)],
  ['FLOOR', each(Math.floor)],
  ['LOG', each(Math.log)],
  ['LOG10', each(Math.log10)],
])

function call(name: string, args: readonly MathValue[], input: MathInput): MathValue {
  const implementation = FUNCTIONS.get(name)
  if (implementation) return implementation(args, input)
  throw new MathSyntaxError(
    `the function ${name} is not emulated on one machine; emulated: ${[...FUNCTIONS.keys()].sort().join(', ')}`,
  )
}

/** The names of the functions that exist here. */
export function isMathFunction(name: string): boolean {
  return FUNCTIONS.has(name)
}

function argument(args: readonly MathValue[], input: MathInput): Points {
  const [first] = args
  if (!first) throw new MathSyntaxError('a function misses its time series')
  return asPoints(first, input)
}

function each(change: (value: number) => number): MathFunction {
  return ([value]) => {
    if (!value) throw new MathSyntaxError('a function misses its argument')
    return mapPoints(value, change)
  }
}

/** Of a list: point by point. Of one series: a single number over all its points. */
function reduce(combineValues: (values: readonly number[]) => number): MathFunction {
  return (args, input) => {
    const [value] = args
    if (!value) throw new MathSyntaxError('a function misses its argument')
    if (value.kind !== 'list') {
      const values = argument(args, input).filter((point) => point !== undefined)
      return { kind: 'scalar', value: values.length === 0 ? Number.NaN : combineValues(values) }
    }
    const points = Array.from({ length: input.length }, (_, index) => {
      const values = value.items
        .map((series) => series[index])
        .filter((point) => point !== undefined)
      return values.length === 0 ? undefined : combineValues(values)
    })
    return { kind: 'series', points }
  }
}

function deviation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length)
}

/** Without a condition there is a point only where the other branch has one of its own. */
function ifFunction(args: readonly MathValue[], input: MathInput): MathValue {
  const [condition, then, otherwise] = args
  if (!condition || !then) throw new MathSyntaxError('IF takes a condition and a value')
  if (condition.kind === 'scalar')
    return condition.value !== 0 ? then : (otherwise ?? absent(input))
  const points = asPoints(condition, input).map((holds, index) => {
    if (holds === undefined)
      return otherwise?.kind === 'series' ? otherwise.points[index] : undefined
    const branch = holds !== 0 ? then : otherwise
    return branch && finite(pointAt(branch, index))
  })
  return { kind: 'series', points }
}

function absent(input: MathInput): MathValue {
  return { kind: 'series', points: Array.from({ length: input.length }, () => undefined) }
}

function fill([value, filler]: readonly MathValue[], input: MathInput): MathValue {
  if (!value || !filler) throw new MathSyntaxError('FILL takes a metric and a filler')
  const filled = (points: Points): Points =>
    filler.kind === 'text'
      ? filler.value === 'LINEAR'
        ? linear(points)
        : repeated(points)
      : points.map((point, index) => point ?? pointAt(filler, index))
  if (value.kind === 'list') return { kind: 'list', items: value.items.map(filled) }
  return { kind: 'series', points: filled(asPoints(value, input)) }
}

function repeated(points: Points): Points {
  let last: number | undefined
  return points.map((point) => (last = point ?? last))
}

function linear(points: Points): Points {
  return points.map((point, index) => {
    if (point !== undefined) return point
    const before = points.slice(0, index).findLastIndex((other) => other !== undefined)
    const after = points.findIndex((other, at) => at > index && other !== undefined)
    const from = points[before]
    const to = points[after]
    if (from === undefined || to === undefined) return from ?? to
    return from + ((to - from) * (index - before)) / (after - before)
  })
}

/** The change since the last point there is, per second (or per period for DIFF). */
function rate(points: Points, periodSeconds: number, perPoint?: number): Points {
  let last: { readonly value: number; readonly index: number } | undefined
  return points.map((point, index) => {
    if (point === undefined) return undefined
    const previous = last
    last = { value: point, index }
    if (!previous) return undefined
    const seconds = perPoint ?? (index - previous.index) * periodSeconds
    return (point - previous.value) / seconds
  })
}

function runningSum(points: Points): Points {
  let sum = 0
  return points.map((point) => (point === undefined ? undefined : (sum += point)))
}
