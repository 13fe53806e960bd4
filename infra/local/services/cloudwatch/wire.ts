import { gunzipSync } from 'node:zlib'
import { cbor, tag, tagSymbol } from '@smithy/core/cbor'
import { AwsError } from '../../platform/errors.ts'
import { isObject } from '../../platform/fields.ts'
import type { ApiRequest, ApiResponse } from '../../platform/types.ts'

/** A time in an answer: each protocol writes it in its own way. */
export class Timestamp {
  readonly epochMs: number

  constructor(epochMs: number) {
    this.epochMs = epochMs
  }
}

const XML_NAMESPACE = 'http://monitoring.amazonaws.com/doc/2010-08-01/'
const EPOCH_TAG = 1

/** The input of a call as plain JSON values, whatever the protocol; times are epoch seconds or ISO texts. */
export function readInput(request: ApiRequest): unknown {
  if (request.protocol === 'query') return fromForm(request.query)
  // SDKs compress a large PutMetricData.
  const body =
    request.headers['content-encoding'] === 'gzip' ? gunzipSync(request.body) : request.body
  if (body.length === 0) return {}
  try {
    return request.protocol === 'rpc-v2-cbor'
      ? withoutTags(cbor.deserialize(body) as unknown)
      : (JSON.parse(body.toString('utf8')) as unknown)
  } catch (cause) {
    throw new AwsError('SerializationException', 'The request body cannot be read', { cause })
  }
}

/** The answer in the protocol of the call. */
export function writeOutput(request: ApiRequest, output: object): ApiResponse {
  switch (request.protocol) {
    case 'rpc-v2-cbor':
      return {
        status: 200,
        headers: { 'content-type': 'application/cbor', 'smithy-protocol': 'rpc-v2-cbor' },
        body: Buffer.from(cbor.serialize(toCbor(output))),
      }
    case 'query':
      return { status: 200, headers: { 'content-type': 'text/xml' }, body: toXml(request, output) }
    case 'json':
    case 'rest':
      return { status: 200, body: JSON.stringify(toJson(output)) }
  }
}

/** Epoch ms of a time in an input; undefined when there is none. Throws AwsError `InvalidParameterValue`. */
export function timeOf(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined
  const isNumeric =
    typeof value === 'number' || (typeof value === 'string' && /^\d+(\.\d+)?$/.test(value))
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const epochMs = isNumeric ? Number(value) * 1000 : Date.parse(text)
  if (Number.isFinite(epochMs)) return epochMs
  throw new AwsError(
    'InvalidParameterValue',
    `${text} is not a time; give ISO 8601 or epoch seconds.`,
  )
}

/** `MetricData.member.1.Value=2` → `{MetricData: [{Value: "2"}]}`. */
function fromForm(form: URLSearchParams): unknown {
  const root: Record<string, unknown> = {}
  for (const [key, value] of form) {
    if (key === 'Action' || key === 'Version') continue
    const steps = key.split('.').filter((step) => step !== 'member')
    setAt(root, steps, value)
  }
  return withLists(root)
}

function setAt(target: Record<string, unknown>, steps: readonly string[], value: string): void {
  const [step = '', ...rest] = steps
  if (rest.length === 0) target[step] = value
  else {
    const known = Object.hasOwn(target, step) ? target[step] : undefined
    const inner: Record<string, unknown> = isObject(known) ? known : {}
    target[step] = inner
    setAt(inner, rest, value)
  }
}

function withLists(value: unknown): unknown {
  if (!isObject(value)) return value
  const entries = Object.entries(value).map(([key, inner]) => [key, withLists(inner)] as const)
  const isList = entries.length > 0 && entries.every(([key]) => /^\d+$/.test(key))
  return isList
    ? entries.sort(([a], [b]) => Number(a) - Number(b)).map(([, inner]) => inner)
    : Object.fromEntries(entries)
}

function withoutTags(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTags)
  if (typeof value === 'bigint') return Number(value)
  if (!isObject(value)) return value
  if ('tag' in value && 'value' in value && Object.getOwnPropertySymbols(value).length > 0) {
    return Number(value.value)
  }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutTags(inner)]))
}

function toCbor(value: unknown): unknown {
  if (value instanceof Timestamp)
    return tag({ tag: EPOCH_TAG, value: value.epochMs / 1000, [tagSymbol]: true })
  return mapped(value, toCbor)
}

function toJson(value: unknown): unknown {
  return value instanceof Timestamp ? value.epochMs / 1000 : mapped(value, toJson)
}

function mapped(value: unknown, change: (value: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map(change)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .map(([key, inner]) => [key, change(inner)]),
  )
}

function toXml(request: ApiRequest, output: object): string {
  const { operation, requestId } = request
  return (
    `<${operation}Response xmlns="${XML_NAMESPACE}"><${operation}Result>${xmlOf(output)}</${operation}Result>` +
    `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${operation}Response>`
  )
}

function xmlOf(value: unknown): string {
  if (value instanceof Timestamp) return new Date(value.epochMs).toISOString()
  if (Array.isArray(value)) return value.map((item) => `<member>${xmlOf(item)}</member>`).join('')
  if (isObject(value)) {
    return Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .map(([key, inner]) => `<${key}>${xmlOf(inner)}</${key}>`)
      .join('')
  }
  return String(value).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
