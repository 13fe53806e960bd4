import type { DeviceTopic, Refusals } from '../../protocol/index.ts'
import { buildBlocks, type DeviceBlock } from '../blocks/device-block.ts'
import { splitToFit } from '../blocks/frames.ts'
import { buildRows } from '../history/build-rows.ts'
import { admitReadings, unknownHead, type DeviceHead } from '../history/device-head.ts'
import { laneOf, type Lane } from '../history/lanes.ts'
import { buildLate } from '../history/late.ts'
import type { HistoryReader, HistoryWriter, LaneHeads } from '../history/ports.ts'
import { refusedOnce, refusedTopic, type RefusalRecord } from '../history/refusals.ts'
import { awaitAll } from '../run-pool.ts'
import type { Reject } from '../telemetry/decode-record.ts'
import type { StreamReading } from '../telemetry/reading.ts'
import { findKept, readRedelivered } from './already-kept.ts'
import type { Finding } from './count-batch.ts'

const WEEK_MS = 7 * 24 * 3_600_000
const TOLD_ONE_BY_ONE = 100
const TOLD_EACH_MS = 2_000

interface KeepPorts {
  readonly history: HistoryWriter & Pick<HistoryReader, 'rows'>
}

/** What a batch brought for one device, kept in the history. */
export interface KeptDevice {
  readonly topic: DeviceTopic
  /** Chained, in stream order; redelivered ones first, as the history has them. */
  readonly blocks: readonly DeviceBlock[]
  /** In stream order; empty when everything was redelivered. */
  readonly fresh: readonly StreamReading[]
  /** Its usual time between two messages, milliseconds; undefined while it has been heard once. */
  readonly everyMs?: number | undefined
}

/** What of a batch is for devices. */
export interface DeviceInput {
  readonly readings: readonly StreamReading[]
  readonly rejects: readonly Reject[]
}

export interface KeptReadings {
  readonly kept: readonly KeptDevice[]
  /** Readings that came before and were dropped: the same again, and others under the same boot and counter. */
  readonly duplicates: number
  readonly conflicts: Finding
  /** Of devices whose payloads were refused: those to tell of. */
  readonly refusals: readonly Refusals[]
}

/**
 * Keeps a batch's readings: heads are read, what is new is chained to them and written, then the heads. When this returns, everything in
 * `kept` can be had by a resume, and the batch may fail and come again, in whatever way, without a reading kept twice. History before heads: a
 * head never stands for a reading that the history lacks.
 */
export async function keepReadings(
  shardId: string,
  { readings, rejects }: DeviceInput,
  { history }: KeepPorts,
): Promise<KeptReadings> {
  const { byTopic, keptBefore } = await withoutKept(groupByTopic(readings), history)
  const refused = rejects.flatMap((reject) => refusedTopic(reject) ?? [])
  const lanes = [...new Set([...byTopic.keys(), ...refused].map(laneOf))]
  if (lanes.length === 0) return { ...nothingKept, duplicates: keptBefore }
  const heads = copyHeads(await history.headsOf(shardId, lanes))
  const devices = [...byTopic].map(([topic, ofDevice]) => admitDevice(topic, ofDevice, heads))
  const fresh = devices.filter((device) => device.blocks.length > 0)
  const blocks = fresh.flatMap((device) => device.blocks)
  await awaitAll([
    history.writeRows(buildRows(blocks)),
    history.writeLate(buildLate(blocks)),
    ...fresh.flatMap(({ topic, newClients }) =>
      newClients.map((clientId) => history.linkClient(clientId, topic)),
    ),
  ])
  const refusals = countRefusals(rejects, heads)
  const changed = new Set([...fresh, ...refusals].map(({ topic }) => laneOf(topic)))
  await history.writeHeads(shardId, new Map([...heads].filter(([lane]) => changed.has(lane))))
  const kept = await awaitAll(
    devices.map(async ({ topic, blocks: chained, fresh: ofDevice, covered, everyMs }) => {
      const again = await readRedelivered(topic, covered, history)
      return { topic, blocks: [...again, ...chained], fresh: ofDevice, everyMs }
    }),
  )
  const conflicting = devices.filter((device) => device.conflicts > 0)
  const conflicts = conflicting.reduce((sum, device) => sum + device.conflicts, 0)
  return {
    kept,
    duplicates: keptBefore + devices.reduce((sum, device) => sum + device.duplicates, 0),
    conflicts: { count: conflicts, firstTopic: conflicting[0]?.topic ?? '' },
    refusals: refusals.filter(isWorthTelling).map(({ next }) => next),
  }
}

const nothingKept: KeptReadings = {
  kept: [],
  duplicates: 0,
  conflicts: { count: 0, firstTopic: '' },
  refusals: [],
}

interface Refused {
  readonly topic: DeviceTopic
  readonly before: RefusalRecord | undefined
  readonly next: Refusals
}

/** Counts what was refused of each device, in `heads`. */
function countRefusals(
  rejects: readonly Reject[],
  heads: Map<Lane, Map<DeviceTopic, DeviceHead>>,
): readonly Refused[] {
  const changed = new Map<DeviceTopic, Refused>()
  for (const reject of rejects) {
    const topic = refusedTopic(reject)
    if (topic === undefined) continue
    const lane = heads.get(laneOf(topic)) ?? new Map<DeviceTopic, DeviceHead>()
    const head = lane.get(topic) ?? unknownHead()
    const refused = refusedOnce(head.refused, reject)
    if (refused === head.refused) continue
    heads.set(laneOf(topic), lane.set(topic, { ...head, refused }))
    const before = changed.get(topic)?.before ?? head.refused
    changed.set(topic, { topic, before, next: { type: 'refused', topic, ...refused } })
  }
  return [...changed.values()]
}

/** Each of the first hundred; of a device that babbles every two seconds. */
function isWorthTelling({ before, next }: Refused): boolean {
  const period = (ms: number): number => Math.floor(ms / TOLD_EACH_MS)
  return (
    next.count <= TOLD_ONE_BY_ONE ||
    next.reason !== before?.reason ||
    period(next.last) !== period(before.last)
  )
}

/** Leaves out what `redrive` put back although it had been kept. */
async function withoutKept(
  byTopic: ReadonlyMap<DeviceTopic, readonly StreamReading[]>,
  history: KeepPorts['history'],
): Promise<{
  readonly byTopic: ReadonlyMap<DeviceTopic, readonly StreamReading[]>
  readonly keptBefore: number
}> {
  let keptBefore = 0
  const rest = new Map(byTopic)
  for (const [topic, readings] of byTopic) {
    const redriven = readings.filter(({ origin }) => origin !== undefined)
    if (redriven.length === 0) continue
    const known = await findKept(topic, redriven, history)
    keptBefore += known.size
    const left = readings.filter((reading) => !known.has(reading))
    if (left.length > 0) rest.set(topic, left)
    else rest.delete(topic)
  }
  return { byTopic: rest, keptBefore }
}

interface AdmittedDevice extends KeptDevice {
  readonly covered: readonly StreamReading[]
  readonly duplicates: number
  readonly conflicts: number
  /** MQTT clients that were not known to publish for it, or not this week. */
  readonly newClients: readonly string[]
}

/** Chains one device's readings to its head, and moves the head in `heads`. */
function admitDevice(
  topic: DeviceTopic,
  readings: readonly StreamReading[],
  heads: Map<Lane, Map<DeviceTopic, DeviceHead>>,
): AdmittedDevice {
  const lane = heads.get(laneOf(topic)) ?? new Map<DeviceTopic, DeviceHead>()
  const known = lane.get(topic)
  const { fresh, covered, duplicates, conflicts, head } = admitReadings(known, readings)
  lane.set(topic, head)
  heads.set(laneOf(topic), lane)
  return {
    topic,
    blocks: buildBlocks(known?.position ?? null, fresh).flatMap(splitToFit),
    fresh,
    covered,
    duplicates,
    conflicts,
    newClients: newClientsOf(known, head),
    everyMs: head.rhythm?.pauseMs,
  }
}

/** The link from a client to its devices is kept for a month: each week it is written anew. */
function newClientsOf(known: DeviceHead | undefined, head: DeviceHead): readonly string[] {
  const weekOf = (ms: number): number => Math.floor(ms / WEEK_MS)
  return Object.entries(head.publishers).flatMap(([clientId, { heardMs }]) => {
    const before = Object.hasOwn(known?.publishers ?? {}, clientId)
      ? (known?.publishers[clientId]?.heardMs ?? 0)
      : 0
    return weekOf(heardMs) === weekOf(before) ? [] : [clientId]
  })
}

function copyHeads(known: ReadonlyMap<Lane, LaneHeads>): Map<Lane, Map<DeviceTopic, DeviceHead>> {
  return new Map([...known].map(([lane, devices]) => [lane, new Map(devices)]))
}

function groupByTopic(readings: readonly StreamReading[]): Map<DeviceTopic, StreamReading[]> {
  const groups = new Map<DeviceTopic, StreamReading[]>()
  for (const reading of readings) {
    const group = groups.get(reading.topic)
    if (group) group.push(reading)
    else groups.set(reading.topic, [reading])
  }
  return groups
}
