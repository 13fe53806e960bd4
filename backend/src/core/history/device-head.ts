import {
  arrivalOf,
  comparePositions,
  countersAfter,
  firstRhythm,
  limits,
  noCounters,
  notBefore,
  recall,
  rhythmAfter,
  type CounterWindow,
  type Position,
  type Rhythm,
} from '../../protocol/index.ts'
import { clockAfter, placeInTime, type DeviceClock } from '../telemetry/device-clock.ts'
import type { StreamReading } from '../telemetry/reading.ts'
import { heard, mergePublishers, type Publishers } from './publishers.ts'
import type { RefusalRecord } from './refusals.ts'

/** What is known of a device without reading its history: where its stream stands, its last values, who publishes for it. */
export interface DeviceHead extends CounterWindow {
  /** Of the last reading kept; null while none is. */
  readonly position: Position | null
  /** Epoch ms: where that reading stands in time. */
  readonly ts: number
  /** The value of each metric that came last. */
  readonly metrics: Readonly<Record<string, number>>
  readonly publishers: Publishers
  /** Absent while it has been heard once. */
  readonly rhythm?: Rhythm
  /** Absent while its clock is right. */
  readonly clock?: DeviceClock
  /** Absent while nothing was refused. */
  readonly refused?: RefusalRecord
}

/** What a batch brings for one device. */
export interface Admitted {
  /** In stream order, each exactly once. */
  readonly fresh: readonly StreamReading[]
  /** The stream gave these before (redelivered or bisected batch): they are in the history. */
  readonly covered: readonly StreamReading[]
  /** The device published these before (same boot and counter): dropped (FAULT-2). */
  readonly duplicates: number
  /** It published others under their boot and counter: dropped too, the first one holds (PAYLOAD-32). */
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
      const { reading: kept, head: moved } = keep(next, reading)
      fresh.push(kept)
      next = moved
    } else dropped[known]++
  }
  const { duplicate: duplicates, conflict: conflicts } = dropped
  return { fresh, covered, duplicates, conflicts, head: next ?? unknownHead() }
}

/** A head before the device's first reading. */
export function unknownHead(): DeviceHead {
  return { position: null, ts: 0, metrics: {}, publishers: {}, ...noCounters }
}

/** Of two heads of one device (an old shard's and its child's, or presence that came through another shard), what is newest in each. */
export function mergeHeads(a: DeviceHead, b: DeviceHead): DeviceHead {
  const [older, newer] = isAhead(a, b) ? [b, a] : [a, b]
  const publishers = mergePublishers(a.publishers, b.publishers)
  const { refused: _, ...rest } = newer
  const refused = newestRefusal(older.refused, newer.refused)
  return { ...older, ...rest, publishers, ...(refused ? { refused } : {}) }
}

function newestRefusal(
  a: RefusalRecord | undefined,
  b: RefusalRecord | undefined,
): RefusalRecord | undefined {
  return a && b ? (comparePositions(a.position, b.position) > 0 ? a : b) : (a ?? b)
}

function isAhead(a: DeviceHead, b: DeviceHead): boolean {
  if (b.position === null) return true
  return a.position !== null && comparePositions(a.position, b.position) > 0
}

/** A reading that is new, where it stands in stream and time, and the head after it. The order is the stream's, whatever any clock says. */
function keep(
  head: DeviceHead | undefined,
  reading: StreamReading,
): { readonly reading: StreamReading; readonly head: DeviceHead } {
  const { clock: _, rhythm: __, ...before } = head ?? unknownHead()
  const position = head?.position ? notBefore(reading.position, head.position) : reading.position
  const rhythm = rhythmOf(head, { ...reading, position })
  const clock = clockOf(head, reading)
  const placed = inTime(clock, { ...reading, position })
  return {
    reading: placed,
    head: {
      ...before,
      ...countersAfter(before, reading),
      position,
      ts: placed.ts,
      metrics: bounded(before.metrics, valuesOf(reading)),
      publishers: heard(before.publishers, reading.clientId, arrivalOf(position)),
      ...(rhythm ? { rhythm } : {}),
      ...(clock ? { clock } : {}),
    },
  }
}

function valuesOf({ metrics }: StreamReading): DeviceHead['metrics'] {
  return Object.fromEntries(
    [...metrics].filter((entry): entry is [string, number] => entry[1] !== null),
  )
}

/** Readings of one message are one sign of life. */
function rhythmOf(head: DeviceHead | undefined, reading: StreamReading): Rhythm | undefined {
  const { position, stepMs } = reading
  if (!head?.position) return stepMs === null ? undefined : firstRhythm(stepMs)
  if (messageOf(head.position) === messageOf(position)) return head.rhythm
  return rhythmAfter(head.rhythm, arrivalOf(position) - arrivalOf(head.position))
}

/** What of a position all readings of one message have in common. */
function messageOf(position: Position): string {
  return position.slice(9, -2)
}

function clockOf(head: DeviceHead | undefined, reading: StreamReading): DeviceClock | undefined {
  const { sentTs, brokerMs, quality, stepMs } = reading
  if (quality === 'clock-unset') return { offMs: null }
  if (sentTs === null) return undefined
  const waits = Math.max(stepMs ?? 0, head?.rhythm?.pauseMs ?? 0)
  return clockAfter(head?.clock, { brokerMs, sentTs, stepMs: waits })
}

function inTime(clock: DeviceClock | undefined, reading: StreamReading): StreamReading {
  if (reading.quality !== null) return reading
  const { ts, isOff } = placeInTime(clock, reading.ts, reading.brokerMs)
  return isOff ? { ...reading, ts, deviceTs: reading.ts, quality: 'skew' } : reading
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
