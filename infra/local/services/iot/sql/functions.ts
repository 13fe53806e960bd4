import { createHash } from 'node:crypto'
import type { Scope } from './message.ts'
import { formatTime, parseTime } from './time-format.ts'
import { WholeDecimal, decimal, isNumber, isObject, toBoolean, toNumber, toText } from './values.ts'
import type { SqlValue } from './values.ts'

type Args = readonly SqlValue[]

export interface SqlFunction {
  call(scope: Scope, args: Args): SqlValue
}

/** `encode`, whose `*` is the bytes of the payload. */
export interface EncodeFunction extends SqlFunction {
  readonly encodesPayload: true
  bytes(payload: Buffer, encoding: SqlValue): SqlValue
}

/** The function of that name in lower case (IOT-46–IOT-49); invalid arguments give Undefined, never an exception. */
export function functionNamed(name: string): SqlFunction | EncodeFunction | undefined {
  if (name === 'encode') return encode
  const call = FUNCTIONS.get(name)
  return call && { call }
}

/** The conversion of `cast(x AS type)`. */
export function castTo(type: string): ((value: SqlValue) => SqlValue) | undefined {
  return CASTS.get(type)
}

const encode: EncodeFunction = {
  encodesPayload: true,
  bytes: (payload, encoding) => (encoding === 'base64' ? payload.toString('base64') : undefined),
  call: (_, [value, encoding]) => {
    const text = toText(value)
    return text === undefined ? undefined : encode.bytes(Buffer.from(text), encoding)
  },
}

type Call = SqlFunction['call']

const onText =
  (apply: (text: string, args: Args) => SqlValue): Call =>
  (_, [value, ...rest]) => {
    const text = toText(value)
    return text === undefined ? undefined : apply(text, rest)
  }

const onTexts =
  (apply: (text: string, other: string, third: string) => SqlValue): Call =>
  (_, args) => {
    const texts = args.map(toText)
    const [text, other, third = ''] = texts
    return text === undefined || other === undefined || texts.includes(undefined)
      ? undefined
      : apply(text, other, third)
  }

const onNumber =
  (apply: (value: number) => number): Call =>
  (_, [value]) => {
    const number = toNumber(value)
    const result = number && apply(number.value)
    return result === undefined || !Number.isFinite(result) ? undefined : decimal(result)
  }

const toInteger =
  (apply: (value: number) => number): Call =>
  (_, [value]) => {
    const number = toNumber(value)
    return number && apply(number.value)
  }

const onIntegers =
  (apply: (a: number, b: number) => number): Call =>
  (_, [left, right]) => {
    const a = toNumber(left)
    const b = toNumber(right)
    return a?.isInteger && b?.isInteger ? apply(a.value, b.value) : undefined
  }

const hash =
  (algorithm: string): Call =>
  (_, [value]) =>
    typeof value === 'string' ? createHash(algorithm).update(value).digest('hex') : undefined

const matcher = (pattern: string): RegExp | undefined => {
  try {
    return new RegExp(pattern)
  } catch {
    return undefined
  }
}

const FUNCTIONS: ReadonlyMap<string, Call> = new Map<string, Call>([
  ['topic', topic],
  ['timestamp', (scope) => scope.message.timestampMs],
  ['clientid', (scope) => scope.message.clientId ?? 'n/a'],
  ['traceid', (scope) => scope.message.traceId],
  ['principal', (scope) => scope.message.principal],
  ['newuuid', (scope) => scope.environment.newId()],
  ['accountid', (scope) => scope.environment.accountId],
  ['concat', (_, args) => concat(args)],
  ['upper', onText((text) => text.toUpperCase())],
  ['lower', onText((text) => text.toLowerCase())],
  ['trim', onText((text) => text.trim())],
  ['ltrim', onText((text) => text.trimStart())],
  ['rtrim', onText((text) => text.trimEnd())],
  ['length', onText((text) => text.length)],
  ['numbytes', onText((text) => Buffer.byteLength(text))],
  ['substring', onText(substring)],
  ['startswith', onTexts((text, other) => text.startsWith(other))],
  ['endswith', onTexts((text, other) => text.endsWith(other))],
  ['indexof', onTexts((text, other) => text.indexOf(other))],
  ['replace', onTexts((text, other, third) => text.replaceAll(other, third))],
  ['regexp_matches', onTexts((text, other) => matcher(other)?.test(text))],
  ['regexp_substr', onTexts((text, other) => matcher(other)?.exec(text)?.[0])],
  ['regexp_replace', onTexts(regexpReplace)],
  ['lpad', onText((text, [length]) => pad(text, length, 'start'))],
  ['rpad', onText((text, [length]) => pad(text, length, 'end'))],
  ['chr', (_, [code]) => chr(code)],
  ['isnull', (_, [value]) => value === null],
  ['isundefined', (_, [value]) => value === undefined],
  ['nanvl', (_, [value, fallback]) => (toNumber(value) ? value : fallback)],
  ['abs', sameType(Math.abs)],
  ['ceil', toInteger(Math.ceil)],
  ['floor', toInteger(Math.floor)],
  ['round', toInteger(Math.round)],
  ['sign', toInteger(Math.sign)],
  ['trunc', truncate],
  ['sqrt', onNumber(Math.sqrt)],
  ['exp', onNumber(Math.exp)],
  ['ln', onNumber(Math.log)],
  ['log', onNumber(Math.log10)],
  ['sin', onNumber(Math.sin)],
  ['cos', onNumber(Math.cos)],
  ['tan', onNumber(Math.tan)],
  ['power', power],
  ['mod', onIntegers((a, b) => a % b)],
  ['remainder', onIntegers((a, b) => a % b)],
  ['bitand', onIntegers((a, b) => a & b)],
  ['bitor', onIntegers((a, b) => a | b)],
  ['bitxor', onIntegers((a, b) => a ^ b)],
  ['md5', hash('md5')],
  ['sha1', hash('sha1')],
  ['sha224', hash('sha224')],
  ['sha256', hash('sha256')],
  ['sha384', hash('sha384')],
  ['sha512', hash('sha512')],
  ['get', (_, [from, key]) => member(from, key)],
  ['get_or_default', (_, [value, fallback]) => value ?? fallback],
  ['decode', (_, [value, encoding]) => decode(value, encoding)],
  ['parse_time', parseTimeCall],
  ['time_to_epoch', timeToEpoch],
])

const CASTS: ReadonlyMap<string, (value: SqlValue) => SqlValue> = new Map([
  ['int', castInt],
  ['decimal', (value) => onCast(value, decimal)],
  ['string', (value) => toText(value)],
  ['bool', castBoolean],
  ['boolean', castBoolean],
])

/** IOT-46: the whole topic, or its n-th level counted from 1; out of range is Undefined. */
function topic(scope: Scope, [position]: Args): SqlValue {
  if (position === undefined) return scope.message.topic
  const number = toNumber(position)
  return number?.isInteger ? scope.topicLevel(number.value) : undefined
}

function concat(args: Args): SqlValue {
  if (args.some((value) => Array.isArray(value))) return args.flat().filter((v) => v !== undefined)
  const texts = args.map(toText)
  return texts.includes(undefined) ? undefined : texts.join('')
}

function substring(text: string, [from, to]: Args): SqlValue {
  const start = toNumber(from)
  if (!start?.isInteger) return undefined
  const end = to === undefined ? undefined : toNumber(to)?.value
  return text.slice(Math.max(0, start.value), end)
}

function regexpReplace(text: string, pattern: string, replacement: string): SqlValue {
  const expression = matcher(pattern)
  return expression && text.replaceAll(new RegExp(expression, 'g'), replacement)
}

function pad(text: string, length: SqlValue, side: 'start' | 'end'): SqlValue {
  const count = toNumber(length)
  if (!count?.isInteger || count.value < 0 || count.value > 1000) return undefined
  const spaces = ' '.repeat(count.value)
  return side === 'start' ? spaces + text : text + spaces
}

function chr(code: SqlValue): SqlValue {
  const number = toNumber(code)
  return number?.isInteger && number.value >= 0 && number.value <= 0x10ffff
    ? String.fromCodePoint(number.value)
    : undefined
}

function sameType(apply: (value: number) => number): Call {
  return (_, [value]) => {
    const number = toNumber(value)
    return number && (number.isInteger ? apply(number.value) : decimal(apply(number.value)))
  }
}

function truncate(_: Scope, [value, places]: Args): SqlValue {
  const number = toNumber(value)
  const digits = toNumber(places ?? 0)
  if (!number || !digits?.isInteger || digits.value < 0 || digits.value > 34) return undefined
  const factor = 10 ** digits.value
  return Math.trunc(number.value * factor) / factor
}

function power(_: Scope, [base, exponent]: Args): SqlValue {
  const a = toNumber(base)
  const b = toNumber(exponent)
  const result = a && b && a.value ** b.value
  return result === undefined || !Number.isFinite(result) ? undefined : decimal(result)
}

function member(from: SqlValue, key: SqlValue): SqlValue {
  if (Array.isArray(from) && isNumber(key)) {
    return (from as readonly SqlValue[])[toNumber(key)?.value ?? -1]
  }
  if (typeof from === 'string' && isNumber(key)) return from[toNumber(key)?.value ?? -1]
  return isObject(from) && typeof key === 'string' && Object.hasOwn(from, key)
    ? from[key]
    : undefined
}

function decode(value: SqlValue, encoding: SqlValue): SqlValue {
  if (typeof value !== 'string' || encoding !== 'base64') return undefined
  const text = Buffer.from(value, 'base64').toString('utf8')
  try {
    return JSON.parse(text) as SqlValue
  } catch {
    return text
  }
}

function parseTimeCall(_: Scope, [pattern, time, zone]: Args): SqlValue {
  const number = toNumber(time)
  if (typeof pattern !== 'string' || !number) return undefined
  return formatTime(pattern, number.value, typeof zone === 'string' ? zone : 'UTC')
}

function timeToEpoch(_: Scope, [text, pattern]: Args): SqlValue {
  return typeof text === 'string' && typeof pattern === 'string'
    ? parseTime(text, pattern)
    : undefined
}

function onCast(value: SqlValue, make: (value: number) => SqlValue): SqlValue {
  if (typeof value === 'boolean') return make(value ? 1 : 0)
  const number = toNumber(value)
  return number && make(number.value)
}

function castInt(value: SqlValue): SqlValue {
  return onCast(value, (number) => Math.round(number))
}

function castBoolean(value: SqlValue): SqlValue {
  if (value instanceof WholeDecimal || typeof value === 'number')
    return toNumber(value)?.value !== 0
  return toBoolean(value)
}
