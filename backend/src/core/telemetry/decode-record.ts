import type { StreamRecord } from '../../contract.ts'
import {
  encodePosition,
  isDeviceTopic,
  type DeviceTopic,
  type Position,
} from '../../protocol/index.ts'
import { parseTelemetry, type Refusal, type RejectReason } from './parse-telemetry.ts'
import type { Reading, StreamReading } from './reading.ts'

const NAME_CHARACTERS = 512
/** Twice what a device can send (IOT-2), and less than an item may have (DDB-5). */
const ORIGINAL_BYTES = 262_144

/** A record as the stream gives it. */
export interface StreamItem {
  readonly shardId: string
  readonly sequenceNumber: string
  /** Epoch ms. */
  readonly arrivalMs: number
  readonly data: Uint8Array
}

/** A record that cannot be used, with everything needed to look at it later. */
export interface Reject {
  readonly reason: RejectReason
  readonly arrivalMs: number
  readonly sequenceNumber: string
  readonly topic: string
  readonly clientId: string
  /** The device's bytes, or the record's when it is not one of ours. */
  readonly original: Uint8Array
  /** Of a payload that is not JSON: the byte of `original` at which it stops being JSON. */
  readonly byteOffset?: number
  /** The member that breaks the rule, and what stands there. */
  readonly member?: string
  readonly found?: string
  /** Of a list: the place of the first bad reading, from 0, and how many are bad. The others are kept. */
  readonly index?: number
  readonly count?: number
}

/** The life of a device's MQTT session (`$aws/events/presence/…`). */
export interface PresenceEvent {
  readonly clientId: string
  readonly online: boolean
  /** Epoch ms. */
  readonly atMs: number
  /** Of the client's session: a late `disconnected` of an earlier session has a smaller one. */
  readonly version: number
  readonly reason?: string
  readonly position: Position
}

/** What a device answered to a command. */
export interface ResultEvent {
  readonly topic: DeviceTopic
  readonly commandId: string
  readonly clientId: string
  readonly atMs: number
  readonly payload: Uint8Array
}

export type Decoded =
  | {
      readonly kind: 'telemetry'
      readonly readings: readonly StreamReading[]
      /** How many of them name another device than their topic does (PAYLOAD-34). */
      readonly misnamed: number
      /** Readings of the same list that could not be used. */
      readonly reject?: Reject
    }
  | { readonly kind: 'presence'; readonly event: PresenceEvent }
  | { readonly kind: 'result'; readonly event: ResultEvent }
  | { readonly kind: 'reject'; readonly reject: Reject }

/** What a topic rule wrote, understood. Never throws because of what a record contains. */
export function decodeRecord(item: StreamItem): Decoded {
  const record = openRecord(item.data)
  if (!record) return rejected('RECORD_INVALID', item)
  switch (record.kind) {
    case 'telemetry':
      return decodeTelemetry(record, item)
    case 'presence':
      return decodePresence(record, item)
    case 'result':
      return decodeResult(record, item)
    default:
      return rejected('RECORD_INVALID', item)
  }
}

function decodeTelemetry(record: StreamRecord, item: StreamItem): Decoded {
  const topic = deviceTopicOf(record.topic, 'dt', 'telemetry')
  if (topic === undefined) return rejected('TOPIC_INVALID', item, record)
  const parsed = parseTelemetry(bytesOf(record), record.ts)
  if (!parsed.ok) return { kind: 'reject', reject: rejectOf(parsed, item, record) }
  const timing = timingOf(parsed.readings)
  const names: readonly string[] = [topic, topic.slice(topic.indexOf('/') + 1)]
  return {
    kind: 'telemetry',
    readings: parsed.readings.map(({ index, ...reading }) => ({
      ...reading,
      topic,
      clientId: record.clientId,
      position: encodePosition(item.arrivalMs, item.sequenceNumber, index),
      ...originOf(record, index),
      brokerMs: record.ts,
      ...timing,
    })),
    misnamed: parsed.deviceIds.filter((deviceId) => !names.includes(deviceId)).length,
    ...(parsed.refused ? { reject: rejectOf(parsed.refused, item, record) } : {}),
  }
}

/** Where the reading stood before `redrive` put its record back. */
function originOf({ origin }: StreamRecord, index: number): { readonly origin?: Position } {
  if (!origin) return {}
  return { origin: encodePosition(origin.arrivalMs, origin.sequenceNumber, index) }
}

/** What the readings of one message tell of their device's clock and rhythm. */
function timingOf(readings: readonly Reading[]): Pick<StreamReading, 'sentTs' | 'stepMs'> {
  const times = readings.flatMap(({ ts, quality }) => (quality === null ? [ts] : []))
  if (times.length === 0) return { sentTs: null, stepMs: null }
  const sentTs = Math.max(...times)
  const spanMs = sentTs - Math.min(...times)
  return { sentTs, stepMs: spanMs === 0 ? null : Math.round(spanMs / (times.length - 1)) }
}

function decodePresence(record: StreamRecord, item: StreamItem): Decoded {
  const [, , , eventType, clientId] = record.topic.split('/')
  const isKnown = eventType === 'connected' || eventType === 'disconnected'
  if (!isKnown || clientId === undefined) return rejected('TOPIC_INVALID', item, record)
  const details = parseObject(bytesOf(record))
  if (!details) return rejected('PAYLOAD_NOT_JSON', item, record)
  const { timestamp, versionNumber, disconnectReason } = details
  return {
    kind: 'presence',
    event: {
      clientId,
      online: eventType === 'connected',
      atMs: typeof timestamp === 'number' ? timestamp : record.ts,
      version: typeof versionNumber === 'number' ? versionNumber : 0,
      ...(typeof disconnectReason === 'string' ? { reason: disconnectReason.slice(0, 64) } : {}),
      position: encodePosition(item.arrivalMs, item.sequenceNumber),
    },
  }
}

function decodeResult(record: StreamRecord, item: StreamItem): Decoded {
  const [root, site, device, commandId, last] = record.topic.split('/')
  const topic = `${site ?? ''}/${device ?? ''}`
  const isResult = root === 'cmd' && last === 'result' && commandId !== undefined
  if (!isResult || !isDeviceTopic(topic)) return rejected('TOPIC_INVALID', item, record)
  return {
    kind: 'result',
    event: {
      topic,
      commandId: commandId.slice(0, 128),
      clientId: record.clientId,
      atMs: record.ts,
      payload: bytesOf(record),
    },
  }
}

function rejected(reason: RejectReason, item: StreamItem, record?: StreamRecord): Decoded {
  return { kind: 'reject', reject: rejectOf({ ok: false, reason }, item, record) }
}

function rejectOf(refusal: Refusal, item: StreamItem, record?: StreamRecord): Reject {
  const { ok: _ok, ...why } = refusal
  return {
    ...why,
    arrivalMs: item.arrivalMs,
    sequenceNumber: item.sequenceNumber,
    // Bounded: a reject that could not be written would hold up its shard.
    topic: (record?.topic ?? '').slice(0, NAME_CHARACTERS),
    clientId: (record?.clientId ?? '').slice(0, NAME_CHARACTERS),
    original: (record ? bytesOf(record) : item.data).subarray(0, ORIGINAL_BYTES),
  }
}

function openRecord(data: Uint8Array): StreamRecord | undefined {
  const value = parseObject(data)
  if (!value || typeof value.topic !== 'string' || typeof value.data !== 'string') return undefined
  if (typeof value.ts !== 'number') return undefined
  return {
    kind: value.kind as StreamRecord['kind'],
    topic: value.topic,
    // A rule has no client id for what the broker itself or the HTTP data plane published.
    clientId: typeof value.clientId === 'string' ? value.clientId : '',
    ts: value.ts,
    data: value.data,
    ...(isOrigin(value.origin) ? { origin: value.origin } : {}),
  }
}

function isOrigin(value: unknown): value is NonNullable<StreamRecord['origin']> {
  const { arrivalMs, sequenceNumber } = (value ?? {}) as Record<string, unknown>
  const isNumber = typeof sequenceNumber === 'string' && /^\d{1,56}$/.test(sequenceNumber)
  return isNumber && typeof arrivalMs === 'number' && Number.isSafeInteger(arrivalMs)
}

function parseObject(data: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data))
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function bytesOf(record: StreamRecord): Uint8Array {
  return Buffer.from(record.data, 'base64')
}

/** The device topic in `dt/{site}/{device}/telemetry`. */
function deviceTopicOf(topic: string, root: string, last: string): DeviceTopic | undefined {
  const parts = topic.split('/')
  const device = `${parts[1] ?? ''}/${parts[2] ?? ''}`
  const isOurs = parts.length === 4 && parts[0] === root && parts[3] === last
  return isOurs && isDeviceTopic(device) ? device : undefined
}
