import {
  arrivalOf,
  comparePositions,
  limits,
  notBefore,
  type Position,
} from '../../protocol/index.ts'
import type { StreamReading } from '../telemetry/reading.ts'
import { countersAfter, recall, type CounterWindow } from './counter-window.ts'

/** What is known of a device without reading its history: where its stream stands, its last values, its presence. */
export interface DeviceHead extends CounterWindow {
  /** Of the last reading kept; null while only its presence is known. */
  readonly position: Position | null
  /** Epoch ms of the newest reading by the device's time. */
  readonly ts: number
  /** The newest value of each metric. */
  readonly metrics: Readonly<Record<string, number>>
  /** MQTT client that published for the device; its presence is the device's. */
  readonly clientId: string
  /** Day (since the epoch) on which that was last written down where presence looks for it. */
  readonly linkedDay?: number
  readonly online?: boolean
  /** Epoch ms of the broker's event, and the session's version in it. */
  readonly onlineAt?: number
  readonly session?: number
}

/** What a batch brings for one device. */
export interface Admitted {
  /** In stream order, each exactly once. */
  readonly fresh: readonly StreamReading[]
  /** The stream gave these before (redelivered or bisected batch): they are in the history. */
  readonly covered: readonly StreamReading[]
  /** The device published these before (same boot and counter): dropped (reliability F02). */
  readonly duplicates: number
  /** It published others under their boot and counter: dropped too, the first one holds (M32). */
  readonly conflicts: number
  readonly head: DeviceHead
}

/** Splits a device's readings by what its head already covers, and moves the head. */
export function admitReadings(
  head: DeviceHead | undefined,
  readings: readonly StreamReading[],
): Admitted {
  const fresh: StreamReading[] = []
  const covered: StreamReading[] = []
  const dropped = { duplicate: 0, conflict: 0 }
  let next = head
  for (const reading of readings) {
    const position = next?.position ?? null
    if (position !== null && comparePositions(reading.position, position) <= 0) {
      covered.push(reading)
      continue
    }
    const known = next ? recall(next, reading) : 'new'
    if (known === 'new') {
      const placed = position === null ? reading.position : notBefore(reading.position, position)
      const kept = placed === reading.position ? reading : { ...reading, position: placed }
      fresh.push(kept)
      next = advance(next, kept)
    } else dropped[known]++
  }
  const { duplicate: duplicates, conflict: conflicts } = dropped
  return { fresh, covered, duplicates, conflicts, head: next ?? unknownHead('') }
}

/** So often the client of a device that never reconnects is written down again, well before it would be forgotten. */
const LINK_RENEWED_DAYS = 7

/** Whether the link from client to device has to be written: the client is another one, or the link has grown old. */
export function renewLink(
  before: DeviceHead | undefined,
  head: DeviceHead,
): { readonly head: DeviceHead; readonly needsLink: boolean } {
  if (head.clientId === '' || head.position === null) return { head, needsLink: false }
  const day = Math.floor(arrivalOf(head.position) / 86_400_000)
  const isSame = head.clientId === before?.clientId
  if (isSame && day - (head.linkedDay ?? -Infinity) < LINK_RENEWED_DAYS) {
    return { head, needsLink: false }
  }
  return { head: { ...head, linkedDay: day }, needsLink: true }
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

/**
 * Applies a presence event; undefined when the head already knows better (a late `disconnected` of an earlier session). An event that was
 * applied before gives the same head: a batch that comes again tells it again, since it may have failed before anybody was told.
 */
export function applyPresence(
  head: DeviceHead,
  event: { readonly online: boolean; readonly atMs: number; readonly version: number },
): DeviceHead | undefined {
  const knownAt = head.onlineAt ?? -1
  if (event.atMs < knownAt) return undefined
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
