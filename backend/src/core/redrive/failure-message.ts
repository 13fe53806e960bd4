import { recordKinds, type StreamRecord } from '../../contract.ts'
import type { OutgoingRecord, StreamRange } from './ports.ts'

/** A message of one of the two failure queues. */
export interface FailureMessage {
  readonly messageId: string
  readonly body: string
  /** Epoch ms at which it was queued: about when the failure happened. */
  readonly sentMs: number
}

/** Why a rule's action failed, in IoT Core's words. */
export interface RuleFailure {
  readonly topic: string
  readonly action: string
  readonly resource: string
  readonly error: string
}

export type Failure =
  /** A topic rule could not put this on the stream. */
  | { readonly kind: 'rule'; readonly record: OutgoingRecord; readonly reason: RuleFailure }
  /** `deliver` gave up on these. `count`: how many there were. */
  | { readonly kind: 'delivery'; readonly range: StreamRange; readonly count: number }
  | { readonly kind: 'unknown' }

/** Understands a message of IoT Core's error action (IOT-61) or of the mapping's on-failure destination (KINESIS-28). */
export function readFailure(message: FailureMessage): Failure {
  const body = parseObject(message.body)
  const range = body && rangeOf(body)
  if (range) return { kind: 'delivery', ...range }
  const record = body && ruleRecord(body, message.sentMs)
  return record ? { kind: 'rule', record, reason: reasonOf(body) } : { kind: 'unknown' }
}

/** Of the first of the failures that the error action names; empty words where it names none. */
function reasonOf(body: Readonly<Record<string, unknown>>): RuleFailure {
  const failures: unknown = body['failures']
  const first: unknown = Array.isArray(failures) ? failures[0] : undefined
  const of = (first ?? {}) as Readonly<Record<string, unknown>>
  const text = (value: unknown): string => (typeof value === 'string' ? value : '')
  return {
    topic: text(body['topic']),
    action: text(of['failedAction']),
    resource: text(of['failedResource']),
    error: text(of['errorMessage']),
  }
}

function rangeOf(
  body: Readonly<Record<string, unknown>>,
): { readonly range: StreamRange; readonly count: number } | undefined {
  const info = body['KinesisBatchInfo'] as Partial<Record<string, unknown>> | null | undefined
  const { shardId, startSequenceNumber, endSequenceNumber, batchSize } = info ?? {}
  if (typeof shardId !== 'string' || !isDecimal(startSequenceNumber)) return undefined
  if (!isDecimal(endSequenceNumber)) return undefined
  return {
    range: { shardId, startSequenceNumber, endSequenceNumber },
    count: typeof batchSize === 'number' ? batchSize : 1,
  }
}

/** What the rule would have written (infra/cloud/ingest.ts), under the same partition key; its time is the message's. */
function ruleRecord(
  body: Readonly<Record<string, unknown>>,
  sentMs: number,
): OutgoingRecord | undefined {
  const { topic: named, clientId, base64OriginalPayload: data } = body
  if (typeof named !== 'string' || typeof data !== 'string') return undefined
  // Basic Ingest: the rule's part is none of topic() (IOT-64).
  const topic = named.replace(/^\$aws\/rules\/[^/]+\//, '')
  const place = placeOf(topic)
  if (!place) return undefined
  const record: StreamRecord = {
    kind: place.kind,
    topic,
    clientId: typeof clientId === 'string' ? clientId : '',
    ts: sentMs,
    data,
  }
  return { partitionKey: place.partitionKey, data: Buffer.from(JSON.stringify(record)) }
}

/** By the rules' FROM clauses. */
function placeOf(
  topic: string,
): { readonly kind: StreamRecord['kind']; readonly partitionKey: string } | undefined {
  const [root, second = '', third = '', , fifth = ''] = topic.split('/')
  const device = `${second}/${third}`
  if (root === 'dt') return { kind: recordKinds.telemetry, partitionKey: device }
  if (root === 'cmd') return { kind: recordKinds.result, partitionKey: device }
  if (root !== '$aws' || third !== 'presence' || fifth === '') return undefined
  return { kind: recordKinds.presence, partitionKey: fifth }
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

function isDecimal(value: unknown): value is string {
  return typeof value === 'string' && /^\d{1,128}$/.test(value)
}
