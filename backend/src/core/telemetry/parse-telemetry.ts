import { countCharacters, limits, type ReadingQuality } from '../../protocol/index.ts'
import { scanJson } from '../messages/scan-json.ts'
import { jsonBreak } from './json-break.ts'
import type { Reading } from './reading.ts'

/** Why a record was put aside. Written to the Rejects table; reliability (c) rows M. */
export type RejectReason =
  | 'RECORD_INVALID'
  /** `deliver` gave up on it twice, or only the word of its failure is left. */
  | 'UNDELIVERABLE'
  | 'TOPIC_INVALID'
  | 'PAYLOAD_EMPTY'
  | 'PAYLOAD_TOO_LARGE'
  | 'PAYLOAD_NOT_UTF8'
  | 'PAYLOAD_NOT_JSON'
  | 'PAYLOAD_NOT_OBJECT'
  | 'PAYLOAD_TOO_DEEP'
  | 'DUPLICATE_KEY'
  | 'TOO_MANY_READINGS'
  | 'TOO_MANY_FIELDS'
  | 'METRIC_NAME_INVALID'
  | 'VALUE_NOT_NUMBER'
  | 'VALUE_NOT_FINITE'
  | 'TS_INVALID'
  | 'SEQ_INVALID'
  | 'BOOT_INVALID'

export type Parsed =
  | {
      readonly ok: true
      readonly readings: readonly Reading[]
      /** Whom the readings name as their device, those that do; only the topic counts (M34). */
      readonly deviceIds: readonly string[]
    }
  | Refusal

export interface Refusal {
  readonly ok: false
  readonly reason: RejectReason
  /** Of `PAYLOAD_NOT_JSON`: the first byte with which the payload can no longer become JSON (M15). */
  readonly byteOffset?: number
}

/** A broken rule, on its way to {@link parseTelemetry}. */
class Rejection extends Error {
  readonly refusal: Refusal
  constructor(reason: RejectReason, byteOffset?: number) {
    super(reason)
    this.refusal = { ok: false, reason, ...(byteOffset === undefined ? {} : { byteOffset }) }
  }
}

const SKEW_AHEAD_MS = 5 * 60_000
const SKEW_BEHIND_MS = 24 * 3_600_000
/** 2000-01-01 and 2100-01-01: outside of this a device clock says nothing. */
const FIRST_MS = 946_684_800_000
const LAST_MS = 4_102_444_800_000
/** Own members that an attacker uses to reach Object.prototype (M21); such a metric is left out. */
const HARMFUL_NAMES: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** Controls, halves of a surrogate pair, line and paragraph separators, and what turns the direction of text round (M35). */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u

/**
 * The readings of one payload, all or none: one bad reading rejects the payload, so that what was put aside is what was sent.
 * `brokerMs` is the time of a reading without its own. Never throws because of what a payload contains.
 */
export function parseTelemetry(payload: Uint8Array, brokerMs: number): Parsed {
  try {
    const value = parseJson(decode(payload), payload.length)
    const items = Array.isArray(value) ? (value as unknown[]) : [value]
    if (items.length === 0) throw new Rejection('PAYLOAD_NOT_OBJECT')
    if (items.length > limits.readingsPerPayload) throw new Rejection('TOO_MANY_READINGS')
    const readings = items.map((item) => readingOf(item, brokerMs))
    return { ok: true, readings, deviceIds: items.flatMap(deviceIdOf) }
  } catch (error) {
    if (error instanceof Rejection) return error.refusal
    throw error
  }
}

function decode(payload: Uint8Array): string {
  if (payload.length === 0) throw new Rejection('PAYLOAD_EMPTY')
  if (payload.length > limits.payloadBytes) throw new Rejection('PAYLOAD_TOO_LARGE')
  try {
    // A byte order mark is stripped (M17); everything that is not UTF-8 is refused, never replaced (M18).
    return new TextDecoder('utf-8', { fatal: true }).decode(payload)
  } catch {
    throw new Rejection('PAYLOAD_NOT_UTF8')
  }
}

function parseJson(text: string, payloadBytes: number): unknown {
  const shape = scanJson(text, limits.payloadDepth)
  if (shape.depth > limits.payloadDepth) throw new Rejection('PAYLOAD_TOO_DEEP')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // Counted from the end, so that a byte order mark is among what stands before.
    const rest = text.slice(jsonBreak(text) ?? text.length)
    throw new Rejection('PAYLOAD_NOT_JSON', payloadBytes - Buffer.byteLength(rest))
  }
  // Two values under one name: nobody can know which one the device meant (M20).
  if (shape.duplicateKey !== undefined) throw new Rejection('DUPLICATE_KEY')
  return value
}

function readingOf(item: unknown, brokerMs: number): Reading {
  if (!isObject(item)) throw new Rejection('PAYLOAD_NOT_OBJECT')
  const { ts, boot, n, ...members } = item
  const rest = withoutDeviceId(members)
  const hasMetrics = Object.hasOwn(rest, 'metrics')
  if (hasMetrics && !isObject(rest.metrics)) throw new Rejection('VALUE_NOT_NUMBER')
  const metrics = metricsOf(hasMetrics ? (rest.metrics as Record<string, unknown>) : rest)
  const deviceMs = ts === undefined ? undefined : epochMs(ts)
  return {
    ts: deviceMs ?? brokerMs,
    boot: bootOf(boot),
    n: counterOf(n),
    metrics,
    quality: qualityOf(deviceMs, brokerMs),
  }
}

/** Devices like to say who they are; the topic does, and it alone was checked against their policy (M34). */
function withoutDeviceId(
  members: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const { deviceId, ...others } = members
  return typeof deviceId === 'string' ? others : members
}

function deviceIdOf(item: unknown): string | [] {
  return isObject(item) && typeof item.deviceId === 'string' ? item.deviceId : []
}

function metricsOf(members: Readonly<Record<string, unknown>>): ReadonlyMap<string, number | null> {
  const entries = Object.entries(members)
  if (entries.length > limits.metricsPerReading) throw new Rejection('TOO_MANY_FIELDS')
  const metrics = new Map<string, number | null>()
  for (const [name, value] of entries) {
    if (HARMFUL_NAMES.has(name)) continue
    if (
      name === '' ||
      countCharacters(name) > limits.metricNameCharacters ||
      UNPRINTABLE.test(name)
    ) {
      throw new Rejection('METRIC_NAME_INVALID')
    }
    // null: the sensor had no reading (M24). A number too small to hold is 0 (M25).
    if (value !== null && typeof value !== 'number') throw new Rejection('VALUE_NOT_NUMBER')
    if (value !== null && !Number.isFinite(value)) throw new Rejection('VALUE_NOT_FINITE')
    metrics.set(name, value)
  }
  if (metrics.size === 0) throw new Rejection('PAYLOAD_NOT_OBJECT')
  return metrics
}

/**
 * Milliseconds. Seconds and microseconds are scaled: between 2000 and 2100 the three ranges do not meet. Anything else is no time
 * (M28).
 */
function epochMs(ts: unknown): number {
  if (typeof ts !== 'number') throw new Rejection('TS_INVALID')
  for (const scale of [1, 1_000, 0.001]) {
    const ms = Math.floor(ts * scale)
    if (ms >= FIRST_MS && ms < LAST_MS) return ms
  }
  throw new Rejection('TS_INVALID')
}

function counterOf(n: unknown): number | null {
  if (n === undefined) return null
  if (typeof n === 'number' && Number.isSafeInteger(n) && n >= 0) return n
  throw new Rejection('SEQ_INVALID')
}

function bootOf(boot: unknown): string | null {
  if (boot === undefined) return null
  if (typeof boot === 'string' && boot.length >= 1 && boot.length <= 64) return boot
  throw new Rejection('BOOT_INVALID')
}

function qualityOf(deviceMs: number | undefined, brokerMs: number): ReadingQuality | null {
  if (deviceMs === undefined) return 'broker-time'
  const isSkewed = deviceMs > brokerMs + SKEW_AHEAD_MS || deviceMs < brokerMs - SKEW_BEHIND_MS
  return isSkewed ? 'skew' : null
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
