import { comparePositions, limits, notBefore, type Position } from '../../protocol/index.ts'
import type { StreamReading } from '../telemetry/reading.ts'

/** What is known of a device without reading its history: where its stream stands, its last values, its presence. */
export interface DeviceHead {
  /** Of the last reading kept; null while only its presence is known. */
  readonly position: Position | null
  /** Epoch ms of the newest reading by the device's time. */
  readonly ts: number
  /** The newest value of each metric. */
  readonly metrics: Readonly<Record<string, number>>
  readonly boot: string | null
  /** The largest counter of this boot, and which of the 64 counters up to it have been seen (bit 0 = the largest), in hex. */
  readonly counter: number | null
  readonly seen: string
  /** MQTT client that published for the device; its presence is the device's. */
  readonly clientId: string
  readonly online?: boolean
  /** Epoch ms of the broker's event, and the session's version in it. */
  readonly onlineAt?: number
  readonly session?: number
}

const WINDOW = 64n
const WINDOW_MASK = (1n << WINDOW) - 1n

/** What a batch brings for one device. */
export interface Admitted {
  /** In stream order, each exactly once. */
  readonly fresh: readonly StreamReading[]
  /** The stream gave these before (redelivered or bisected batch): they are in the history. */
  readonly covered: readonly StreamReading[]
  /** The device published these before (same boot and counter): dropped, the first one holds (reliability F02, M32). */
  readonly duplicates: number
  readonly head: DeviceHead
}

/**
 * Splits a device's readings by what its head already covers, and moves the head. A duplicate is told by boot and counter together
 * within the last 64 counters; a reading without `boot` is never taken for one (M31).
 */
export function admitReadings(
  head: DeviceHead | undefined,
  readings: readonly StreamReading[],
): Admitted {
  const fresh: StreamReading[] = []
  const covered: StreamReading[] = []
  let duplicates = 0
  let next = head
  for (const reading of readings) {
    const position = next?.position ?? null
    if (position !== null && comparePositions(reading.position, position) <= 0) {
      covered.push(reading)
    } else if (next && isDuplicate(next, reading)) {
      duplicates++
    } else {
      const placed = position === null ? reading.position : notBefore(reading.position, position)
      const kept = placed === reading.position ? reading : { ...reading, position: placed }
      fresh.push(kept)
      next = advance(next, kept)
    }
  }
  return { fresh, covered, duplicates, head: next ?? unknownHead('') }
}

/** A head before the device's first reading. */
export function unknownHead(clientId: string): DeviceHead {
  return { position: null, ts: 0, metrics: {}, boot: null, counter: null, seen: '0', clientId }
}

/** Of two heads of one device (an old shard's and its child's, or presence that came through another shard), what is newest in each. */
export function mergeHeads(a: DeviceHead, b: DeviceHead): DeviceHead {
  const [older, newer] = isAhead(a, b) ? [b, a] : [a, b]
  const presence = (a.onlineAt ?? -1) > (b.onlineAt ?? -1) ? a : b
  return { ...older, ...newer, ...presenceOf(presence) }
}

/** Applies a presence event; undefined when the head already knows better (a late `disconnected` of an earlier session). */
export function applyPresence(
  head: DeviceHead,
  event: { readonly online: boolean; readonly atMs: number; readonly version: number },
): DeviceHead | undefined {
  const knownAt = head.onlineAt ?? -1
  if (event.atMs < knownAt) return undefined
  if (event.atMs === knownAt && event.online === head.online) return undefined
  if (!event.online && event.version < (head.session ?? 0)) return undefined
  return { ...head, online: event.online, onlineAt: event.atMs, session: event.version }
}

function presenceOf(head: DeviceHead): Partial<DeviceHead> {
  const { online, onlineAt, session } = head
  if (online === undefined || onlineAt === undefined) return {}
  return { online, onlineAt, ...(session === undefined ? {} : { session }) }
}

function isAhead(a: DeviceHead, b: DeviceHead): boolean {
  if (b.position === null) return true
  return a.position !== null && comparePositions(a.position, b.position) > 0
}

function isDuplicate(head: DeviceHead, { boot, n }: StreamReading): boolean {
  if (boot === null || n === null || head.boot !== boot || head.counter === null) return false
  const age = BigInt(head.counter) - BigInt(n)
  return age >= 0n && age < WINDOW && ((BigInt(`0x${head.seen}`) >> age) & 1n) === 1n
}

function advance(head: DeviceHead | undefined, reading: StreamReading): DeviceHead {
  const before = head ?? unknownHead(reading.clientId)
  const isNewest = reading.ts >= before.ts
  const values = [...reading.metrics].filter(
    (entry): entry is [string, number] => entry[1] !== null,
  )
  const fresh = isNewest ? values : values.filter(([name]) => !Object.hasOwn(before.metrics, name))
  return {
    ...before,
    ...countersAfter(before, reading),
    position: reading.position,
    ts: Math.max(before.ts, reading.ts),
    metrics: bounded(before.metrics, Object.fromEntries(fresh)),
    clientId: reading.clientId,
  }
}

/** A device that sends ever new names must not grow its head without end: the names of its last readings stay. */
function bounded(
  before: DeviceHead['metrics'],
  fresh: DeviceHead['metrics'],
): DeviceHead['metrics'] {
  const all = { ...before, ...fresh }
  const names = Object.keys(all)
  if (names.length <= limits.metricsPerReading) return all
  const old = names.filter((name) => !Object.hasOwn(fresh, name))
  const room = limits.metricsPerReading - Object.keys(fresh).length
  const kept = [...(room > 0 ? old.slice(-room) : []), ...Object.keys(fresh)]
  return Object.fromEntries(kept.map((name) => [name, all[name] ?? 0]))
}

function countersAfter(
  head: DeviceHead,
  { boot, n }: StreamReading,
): Pick<DeviceHead, 'boot' | 'counter' | 'seen'> {
  if (n === null) return { boot, counter: null, seen: '0' }
  if (head.boot !== boot || head.counter === null) return { boot, counter: n, seen: '1' }
  const seen = BigInt(`0x${head.seen}`)
  const step = BigInt(n) - BigInt(head.counter)
  if (step > 0n) {
    const shifted = step >= WINDOW ? 0n : (seen << step) & WINDOW_MASK
    return { boot, counter: n, seen: (shifted | 1n).toString(16) }
  }
  const marked = -step < WINDOW ? seen | (1n << -step) : seen
  return { boot, counter: head.counter, seen: marked.toString(16) }
}
