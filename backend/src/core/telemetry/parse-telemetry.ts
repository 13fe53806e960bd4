import { countCharacters, limits } from '../../protocol/index.ts'
import { scanJson } from '../messages/scan-json.ts'
import { jsonBreak } from './json-break.ts'
import type { Reading } from './reading.ts'

/** Why a record was put aside. Written to the Rejects table; docs/facts/payloads.md. */
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

/** Readings of a payload that were understood, and the rest. */
export type Parsed =
  | {
      readonly ok: true
      readonly readings: readonly PlacedReading[]
      /** Whom the readings name as their device, those that do; only the topic counts (PAYLOAD-34). */
      readonly deviceIds: readonly string[]
      /** What is wrong with the others of its list. */
      readonly refused?: Refusal
    }
  | Refusal

/** A reading and its place in its payload's list, from 0. */
export interface PlacedReading extends Reading {
  readonly index: number
}

export interface Refusal {
  readonly ok: false
  readonly reason: RejectReason
  /** Of `PAYLOAD_NOT_JSON`: the first byte with which the payload can no longer become JSON (PAYLOAD-15). */
  readonly byteOffset?: number
  /** The member that breaks the rule, as a path (`metrics.temperature`), at most 80 characters. */
  readonly member?: string
  /** What stands there instead of a number. */
  readonly found?: string
  /** Of a list: the first bad reading's place, from 0, and how many are bad. */
  readonly index?: number
  readonly count?: number
}

type RefusalDetails = Omit<Refusal, 'ok' | 'reason'>

/** A broken rule, on its way to {@link parseTelemetry}. */
class Rejection extends Error {
  readonly refusal: Refusal
  constructor(reason: RejectReason, details: RefusalDetails = {}) {
    super(reason)
    this.refusal = { ok: false, reason, ...details }
  }
}

const MEMBER_CHARACTERS = 80
/** 2000-01-01 and 2100-01-01: outside of this a device clock says nothing. */
const FIRST_MS = 946_684_800_000
const LAST_MS = 4_102_444_800_000
/** Own members that an attacker uses to reach Object.prototype (PAYLOAD-21); such a metric is left out. */
const HARMFUL_NAMES: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** Controls, halves of a surrogate pair, line and paragraph separators, and what turns the direction of text round (PAYLOAD-35). */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u

/**
 * The readings of one payload. Of a list the good ones are kept and the bad ones are told of: each reading is a measurement of its own. What
 * is wrong with the payload as a whole refuses all of it. `brokerMs` is the time of a reading without one. Never throws because of what a
 * payload contains.
 */
export function parseTelemetry(payload: Uint8Array, brokerMs: number): Parsed {
  const parsed = attempt(() => {
    const value = parseJson(decode(payload), payload.length)
    if (!Array.isArray(value)) return { isList: false, items: [value] }
    if (value.length === 0) throw new Rejection('PAYLOAD_NOT_OBJECT')
    if (value.length > limits.readingsPerPayload) throw new Rejection('TOO_MANY_READINGS')
    return { isList: true, items: value as unknown[] }
  })
  if (parsed instanceof Rejection) return parsed.refusal
  return readingsOf(parsed, brokerMs)
}

function readingsOf(
  { isList, items }: { readonly isList: boolean; readonly items: readonly unknown[] },
  brokerMs: number,
): Parsed {
  const readings: PlacedReading[] = []
  const deviceIds: string[] = []
  let first: Refusal | undefined
  items.forEach((item, index) => {
    const reading = attempt(() => readingOf(item, brokerMs))
    if (reading instanceof Rejection) first ??= { ...reading.refusal, ...(isList ? { index } : {}) }
    else {
      readings.push({ ...reading, index })
      deviceIds.push(...deviceIdOf(item))
    }
  })
  const refused = first && {
    ...first,
    ...(isList ? { count: items.length - readings.length } : {}),
  }
  if (refused && readings.length === 0) return refused
  return { ok: true, readings, deviceIds, ...(refused ? { refused } : {}) }
}

function attempt<T>(step: () => T): T | Rejection {
  try {
    return step()
  } catch (error) {
    if (error instanceof Rejection) return error
    throw error
  }
}

function decode(payload: Uint8Array): string {
  if (payload.length === 0) throw new Rejection('PAYLOAD_EMPTY')
  if (payload.length > limits.payloadBytes) throw new Rejection('PAYLOAD_TOO_LARGE')
  try {
    // A byte order mark is stripped (PAYLOAD-17); everything that is not UTF-8 is refused, never replaced (PAYLOAD-18).
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
    throw new Rejection('PAYLOAD_NOT_JSON', {
      byteOffset: payloadBytes - Buffer.byteLength(rest),
    })
  }
  // Two values under one name: nobody can know which one the device meant (PAYLOAD-20).
  if (shape.duplicateKey !== undefined) throw new Rejection('DUPLICATE_KEY')
  return value
}

function readingOf(item: unknown, brokerMs: number): Reading {
  if (!isObject(item)) throw new Rejection('PAYLOAD_NOT_OBJECT', { found: kindOf(item) })
  const { ts, ...members } = withoutDeviceId(item)
  const { boot, n, values, path } = isFlat(members) ? flatMembers(members) : fullMembers(members)
  const time = timeOf(ts, brokerMs)
  return { ...time, boot: bootOf(boot), n: counterOf(n), metrics: metricsOf(values, path) }
}

interface Members {
  readonly boot?: unknown
  readonly n?: unknown
  readonly values: Readonly<Record<string, unknown>>
  /** What stands before a metric's name in the payload. */
  readonly path: string
}

function isFlat(members: Readonly<Record<string, unknown>>): boolean {
  return !Object.hasOwn(members, 'metrics')
}

function fullMembers({ boot, n, metrics }: Readonly<Record<string, unknown>>): Members {
  if (isObject(metrics)) return { boot, n, values: metrics, path: 'metrics.' }
  throw new Rejection('VALUE_NOT_NUMBER', { member: 'metrics', found: kindOf(metrics) })
}

/** `n` of a flat object counts only where `boot` says whose count it is: a soil sensor's nitrogen is a metric like the others. */
function flatMembers(members: Readonly<Record<string, unknown>>): Members {
  if (!Object.hasOwn(members, 'boot')) return { values: members, path: '' }
  const { boot, n, ...values } = members
  return { boot, n, values, path: '' }
}

/** Devices like to say who they are; the topic does, and it alone was checked against their policy (PAYLOAD-34). */
function withoutDeviceId(
  members: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const { deviceId, ...others } = members
  return typeof deviceId === 'string' ? others : members
}

function deviceIdOf(item: unknown): readonly string[] {
  return isObject(item) && typeof item.deviceId === 'string' ? [item.deviceId] : []
}

function metricsOf(
  members: Readonly<Record<string, unknown>>,
  path: string,
): ReadonlyMap<string, number | null> {
  const entries = Object.entries(members)
  if (entries.length > limits.metricsPerReading) throw new Rejection('TOO_MANY_FIELDS')
  const metrics = new Map<string, number | null>()
  for (const [name, value] of entries) {
    if (HARMFUL_NAMES.has(name)) continue
    const member = shortened(path + name)
    if (
      name === '' ||
      countCharacters(name) > limits.metricNameCharacters ||
      UNPRINTABLE.test(name)
    ) {
      throw new Rejection('METRIC_NAME_INVALID', { member })
    }
    metrics.set(name, valueOf(value, member))
  }
  if (metrics.size === 0) throw new Rejection('PAYLOAD_NOT_OBJECT', { found: 'no value' })
  return metrics
}

/** null: the sensor had no reading (PAYLOAD-24). A number too small to hold is 0 (PAYLOAD-25). */
function valueOf(value: unknown, member: string): number | null {
  if (value === null) return null
  if (typeof value !== 'number') {
    throw new Rejection('VALUE_NOT_NUMBER', { member, found: kindOf(value) })
  }
  if (!Number.isFinite(value)) throw new Rejection('VALUE_NOT_FINITE', { member })
  return value
}

/**
 * When the device says that it measured. No time: the broker's. One that is no time of these days (0, -1, seconds since it started, a
 * text): its clock is not set yet, which costs no value (PAYLOAD-28).
 */
function timeOf(ts: unknown, brokerMs: number): Pick<Reading, 'ts' | 'quality'> {
  if (ts === undefined) return { ts: brokerMs, quality: 'broker-time' }
  if (typeof ts === 'object' ? ts !== null : typeof ts === 'boolean') {
    throw new Rejection('TS_INVALID', { member: 'ts', found: kindOf(ts) })
  }
  const ms = typeof ts === 'number' ? epochMs(ts) : undefined
  return ms === undefined ? { ts: brokerMs, quality: 'clock-unset' } : { ts: ms, quality: null }
}

/** Milliseconds. Seconds, micro- and nanoseconds are scaled: between 2000 and 2100 the four ranges do not meet. Else undefined. */
function epochMs(ts: number): number | undefined {
  return [1, 1_000, 1e-3, 1e-6]
    .map((scale) => Math.floor(ts * scale))
    .find((ms) => ms >= FIRST_MS && ms < LAST_MS)
}

function counterOf(n: unknown): number | null {
  if (n === undefined) return null
  if (typeof n === 'number' && Number.isSafeInteger(n) && n >= 0) return n
  throw new Rejection('SEQ_INVALID', { member: 'n', found: kindOf(n) })
}

function bootOf(boot: unknown): string | null {
  if (boot === undefined) return null
  if (typeof boot === 'string' && boot.length >= 1 && boot.length <= 64) return boot
  throw new Rejection('BOOT_INVALID', { member: 'boot', found: kindOf(boot) })
}

/** In a person's words. */
function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'string') return 'a text'
  if (typeof value === 'boolean') return String(value)
  return typeof value === 'number' ? 'a number' : 'an object'
}

/** A name may hold anything: cut, and without what cannot be printed. */
function shortened(member: string): string {
  return member.replaceAll(new RegExp(UNPRINTABLE, 'gu'), '\ufffd').slice(0, MEMBER_CHARACTERS)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
