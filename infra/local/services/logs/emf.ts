import type { MetricDatum } from '../../platform/types.ts'
import { isObject } from '../../platform/fields.ts'

/** What an embedded metric format document says (EMF-1–EMF-14). */
export interface EmfResult {
  readonly data: readonly MetricDatum[]
  /** Documents that are no JSON although they look like one (0 or 1). */
  readonly parsingErrors: number
  /** Metrics, dimension sets and directives that break a rule; the rest of the document counts. */
  readonly validationErrors: number
}

const NOTHING: EmfResult = { data: [], parsingErrors: 0, validationErrors: 0 }
/** EMF-11. */
const MAX_EVENT_BYTES = 1_048_576
const MAX_METRICS = 100
const MAX_DIMENSIONS = 30
const MAX_DIMENSION_CHARACTERS = 1024
const MAX_VALUES = 100
const OLDEST_MS = 14 * 86_400_000
const NEWEST_MS = 2 * 3_600_000
/** EMF-3: `console.log` in text format puts time, request id and level before the document. */
const PREFIX = /^\d{4}-\d\d-\d\dT[^\t]*\t[^\t]*\t[A-Z]+\t(?=\{)/

/** Reads the metrics of one log message; most messages are none and cost one search. */
export function extractEmf(message: string, nowMs: number): EmfResult {
  if (!message.includes('"_aws"')) return NOTHING
  const text = message.startsWith('{') ? message : message.replace(PREFIX, '')
  if (!text.startsWith('{') || Buffer.byteLength(message) > MAX_EVENT_BYTES) return NOTHING
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    return { ...NOTHING, parsingErrors: 1 }
  }
  return isObject(document) && isObject(document._aws)
    ? fromDocument(document, document._aws, nowMs)
    : NOTHING
}

type Document = Readonly<Record<string, unknown>>

function fromDocument(document: Document, directive: Document, nowMs: number): EmfResult {
  const { Timestamp: timestampMs, CloudWatchMetrics: blocks } = directive
  if (typeof timestampMs !== 'number' || !Array.isArray(blocks))
    return { ...NOTHING, validationErrors: 1 }
  // EMF-14: two weeks back, two hours ahead.
  if (timestampMs < nowMs - OLDEST_MS || timestampMs > nowMs + NEWEST_MS) {
    return { ...NOTHING, validationErrors: 1 }
  }
  const data: MetricDatum[] = []
  let validationErrors = 0
  for (const block of blocks) {
    const result = isObject(block) ? fromBlock(document, block, timestampMs) : undefined
    data.push(...(result?.data ?? []))
    validationErrors += result?.errors ?? 1
  }
  return { data, parsingErrors: 0, validationErrors }
}

function fromBlock(
  document: Document,
  block: Document,
  timestampMs: number,
): { readonly data: readonly MetricDatum[]; readonly errors: number } {
  const { Namespace: namespace, Metrics: definitions, Dimensions: sets = [[]] } = block
  if (typeof namespace !== 'string' || !Array.isArray(definitions) || !Array.isArray(sets)) {
    return { data: [], errors: 1 }
  }
  if (definitions.length > MAX_METRICS) return { data: [], errors: 1 }
  const dimensionSets = sets.map((set) => dimensionsOf(document, set))
  const valid = dimensionSets.filter((set) => set !== undefined)
  const data: MetricDatum[] = []
  let errors = dimensionSets.length - valid.length
  for (const definition of definitions as readonly unknown[]) {
    const metric = metricOf(document, definition)
    if (!metric) errors += 1
    else {
      // EMF-8: one series per dimension set.
      for (const dimensions of valid) {
        for (const value of metric.values) {
          data.push({ namespace, dimensions, timestampMs, value, ...metric.common })
        }
      }
    }
  }
  return { data, errors }
}

/** EMF-6: the values are texts at the root of the document. */
function dimensionsOf(
  document: Document,
  names: unknown,
): Readonly<Record<string, string>> | undefined {
  if (!Array.isArray(names) || names.length > MAX_DIMENSIONS) return undefined
  const dimensions: Record<string, string> = {}
  for (const name of names as readonly unknown[]) {
    const value = typeof name === 'string' ? document[name] : undefined
    if (typeof value !== 'string' || value.length > MAX_DIMENSION_CHARACTERS) return undefined
    dimensions[name as string] = value
  }
  return dimensions
}

/** EMF-7, EMF-9: a number or up to 100 of them at the root; unit None and a resolution of 60 s unless said. */
function metricOf(
  document: Document,
  definition: unknown,
):
  | {
      readonly values: readonly number[]
      readonly common: Pick<MetricDatum, 'name' | 'unit' | 'storageResolution'>
    }
  | undefined {
  if (!isObject(definition) || typeof definition.Name !== 'string') return undefined
  const found = document[definition.Name]
  const values: readonly unknown[] = Array.isArray(found) ? found : [found]
  if (values.length > MAX_VALUES || !values.every((value) => Number.isFinite(value)))
    return undefined
  return {
    values: values as readonly number[],
    common: {
      name: definition.Name,
      unit: typeof definition.Unit === 'string' ? definition.Unit : 'None',
      storageResolution: definition.StorageResolution === 1 ? 1 : 60,
    },
  }
}
