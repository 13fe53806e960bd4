import { StartError } from '../platform/errors.ts'
import type { Template } from './template.ts'
import { isRecord } from './template.ts'

/** The answers an expression may need. `ref` and `attribute` throw when the thing is unknown. */
export interface Scope {
  ref(name: string): unknown
  attribute(logicalId: string, name: string): unknown
  condition(name: string): boolean
  readonly mappings: NonNullable<Template['Mappings']>
  readonly region: string
}

/** What `Ref: AWS::NoValue` gives: the property or list element is left out. */
export const NO_VALUE = Symbol('AWS::NoValue')

/** The function's name and argument when `value` is an intrinsic: an object with the one key `Ref` or `Fn::…`. */
export function intrinsicOf(
  value: unknown,
): { readonly name: string; readonly argument: unknown } | undefined {
  if (!isRecord(value)) return undefined
  const keys = Object.keys(value)
  const name = keys[0]
  if (keys.length !== 1 || name === undefined) return undefined
  if (name !== 'Ref' && !name.startsWith('Fn::')) return undefined
  return { name, argument: value[name] }
}

const invalid = (message: string): StartError => new StartError('TEMPLATE_INVALID', message)

/** Every intrinsic in `value` replaced by what it stands for, objects and lists copied. Throws StartError `TEMPLATE_INVALID`. */
export function resolve(value: unknown, scope: Scope): unknown {
  if (Array.isArray(value)) {
    return value.map((entry) => resolve(entry, scope)).filter((entry) => entry !== NO_VALUE)
  }
  if (!isRecord(value)) return value
  const intrinsic = intrinsicOf(value)
  if (intrinsic) {
    const evaluate = functions[intrinsic.name]
    if (!evaluate) throw invalid(`${intrinsic.name} is not supported by infra/local`)
    return evaluate(intrinsic.argument, scope)
  }
  const result: Record<string, unknown> = {}
  for (const [key, entry] of Object.entries(value)) {
    const resolved = resolve(entry, scope)
    if (resolved !== NO_VALUE) result[key] = resolved
  }
  return result
}

function text(value: unknown, where: string): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw invalid(`${where} needs a string, got ${JSON.stringify(value)}`)
}

function list(value: unknown, where: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw invalid(`${where} needs a list, got ${JSON.stringify(value)}`)
}

/** `{"Fn::GetAtt": ["A", "Arn"]}` and `{"Fn::GetAtt": "A.Arn"}`; nested attribute names keep their dots. */
export function getAttTarget(argument: unknown): readonly [string, unknown] {
  if (typeof argument === 'string') {
    const dot = argument.indexOf('.')
    if (dot > 0) return [argument.slice(0, dot), argument.slice(dot + 1)]
  } else if (Array.isArray(argument) && typeof argument[0] === 'string' && argument.length >= 2) {
    return argument.length === 2
      ? [argument[0], argument[1]]
      : [argument[0], argument.slice(1).join('.')]
  }
  throw invalid(`Fn::GetAtt needs a logical id and an attribute, got ${JSON.stringify(argument)}`)
}

/** The parts of an `Fn::Sub` text: literals and names. `${!x}` is the literal `${x}` (CFN-15). */
export function subParts(
  template: string,
): readonly ({ readonly literal: string } | { readonly name: string })[] {
  const parts: ({ literal: string } | { name: string })[] = []
  let end = 0
  for (const match of template.matchAll(/\$\{(!?)([^{}]*)\}/g)) {
    parts.push({ literal: template.slice(end, match.index) })
    const [whole, escape, name = ''] = match
    parts.push(escape ? { literal: `\${${name}}` } : { name: name.trim() })
    end = match.index + whole.length
  }
  parts.push({ literal: template.slice(end) })
  return parts
}

/** An `Fn::Sub` argument's text and its own variables. */
export function subArgument(argument: unknown): {
  readonly template: string
  readonly variables: Readonly<Record<string, unknown>>
} {
  if (typeof argument === 'string') return { template: argument, variables: {} }
  const [template, variables] = list(argument, 'Fn::Sub')
  return {
    template: text(template, 'Fn::Sub'),
    variables: isRecord(variables) ? variables : {},
  }
}

function substitute(argument: unknown, scope: Scope): string {
  const { template, variables } = subArgument(argument)
  const valueOf = (name: string): unknown => {
    if (Object.hasOwn(variables, name)) return resolve(variables[name], scope)
    const dot = name.indexOf('.')
    return dot < 0 ? scope.ref(name) : scope.attribute(name.slice(0, dot), name.slice(dot + 1))
  }
  return subParts(template)
    .map((part) => ('literal' in part ? part.literal : text(valueOf(part.name), 'Fn::Sub')))
    .join('')
}

function findInMap(argument: unknown, scope: Scope): unknown {
  const [map, first, second, options] = list(argument, 'Fn::FindInMap').map((entry) =>
    resolve(entry, scope),
  )
  const keys = [map, first, second].map((key) => text(key, 'Fn::FindInMap'))
  const [mapName = '', firstKey = '', secondKey = ''] = keys
  const found = scope.mappings[mapName]?.[firstKey]?.[secondKey]
  if (found !== undefined) return found
  if (isRecord(options) && 'DefaultValue' in options) return options['DefaultValue']
  throw invalid(`Fn::FindInMap: there is no ${keys.join('.')} in Mappings`)
}

function select(argument: unknown, scope: Scope): unknown {
  const [index, from] = list(argument, 'Fn::Select')
  const entries = list(resolve(from, scope), 'Fn::Select')
  const position = Number(resolve(index, scope))
  if (!Number.isInteger(position) || position < 0 || position >= entries.length) {
    throw invalid(`Fn::Select: index ${position} of a list of ${entries.length}`)
  }
  return entries[position]
}

function pick(argument: unknown, scope: Scope): unknown {
  const [name, whenTrue, whenFalse] = list(argument, 'Fn::If')
  return resolve(scope.condition(text(name, 'Fn::If')) ? whenTrue : whenFalse, scope)
}

/** Condition functions and names; `{"Condition": "Name"}` is a condition only here. */
export function evaluateCondition(value: unknown, scope: Scope): boolean {
  if (isRecord(value) && typeof value['Condition'] === 'string') {
    return scope.condition(value['Condition'])
  }
  const resolved = resolve(value, scope)
  if (resolved === true || resolved === 'true') return true
  if (resolved === false || resolved === 'false') return false
  throw invalid(`a condition must be true or false, got ${JSON.stringify(resolved)}`)
}

const each = (argument: unknown, where: string, scope: Scope): readonly boolean[] =>
  list(argument, where).map((entry) => evaluateCondition(entry, scope))

const functions: Readonly<Record<string, (argument: unknown, scope: Scope) => unknown>> = {
  Ref: (argument, scope) => scope.ref(text(argument, 'Ref')),
  'Fn::GetAtt': (argument, scope) => {
    const [logicalId, name] = getAttTarget(argument)
    return scope.attribute(logicalId, text(resolve(name, scope), 'Fn::GetAtt'))
  },
  'Fn::Join': (argument, scope) => {
    const [separator, entries] = list(argument, 'Fn::Join')
    return list(resolve(entries, scope), 'Fn::Join')
      .map((entry) => text(entry, 'Fn::Join'))
      .join(text(separator, 'Fn::Join'))
  },
  'Fn::Sub': substitute,
  'Fn::Select': select,
  'Fn::Split': (argument, scope) => {
    const [separator, source] = list(argument, 'Fn::Split')
    return text(resolve(source, scope), 'Fn::Split').split(text(separator, 'Fn::Split'))
  },
  'Fn::If': pick,
  'Fn::Equals': (argument, scope) => {
    const [left, right] = list(argument, 'Fn::Equals').map((entry) => resolve(entry, scope))
    return JSON.stringify(left) === JSON.stringify(right)
  },
  'Fn::And': (argument, scope) => each(argument, 'Fn::And', scope).every(Boolean),
  'Fn::Or': (argument, scope) => each(argument, 'Fn::Or', scope).some(Boolean),
  'Fn::Not': (argument, scope) => !each(argument, 'Fn::Not', scope)[0],
  'Fn::FindInMap': findInMap,
  'Fn::GetAZs': (argument, scope) => {
    const region = text(resolve(argument, scope), 'Fn::GetAZs') || scope.region
    return ['a', 'b', 'c'].map((zone) => `${region}${zone}`)
  },
  'Fn::Base64': (argument, scope) =>
    Buffer.from(text(resolve(argument, scope), 'Fn::Base64')).toString('base64'),
  'Fn::ImportValue': (argument) => {
    throw invalid(
      `Fn::ImportValue ${JSON.stringify(argument)}: another stack's export does not exist on one machine; pass the value as a parameter`,
    )
  },
}
