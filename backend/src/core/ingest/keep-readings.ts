import type { DeviceTopic } from '../../protocol/index.ts'
import { buildBlocks, type DeviceBlock } from '../blocks/device-block.ts'
import { splitToFit } from '../blocks/frames.ts'
import { buildRows } from '../history/build-rows.ts'
import { admitReadings, renewLink, type DeviceHead } from '../history/device-head.ts'
import { laneOf, type Lane } from '../history/lanes.ts'
import { buildLate } from '../history/late.ts'
import type { HistoryReader, HistoryWriter, LaneHeads } from '../history/ports.ts'
import { awaitAll } from '../run-pool.ts'
import type { StreamReading } from '../telemetry/reading.ts'
import { findKept, readRedelivered } from './already-kept.ts'
import type { Finding } from './count-batch.ts'

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
}

export interface KeptReadings {
  readonly kept: readonly KeptDevice[]
  /** Readings that came before and were dropped: the same again, and others under the same boot and counter. */
  readonly duplicates: number
  readonly conflicts: Finding
}

/**
 * Keeps a batch's readings: heads are read, what is new is chained to them and written, then the heads. When this returns, everything in
 * `kept` can be had by a resume, and the batch may fail and come again, in whatever way, without a reading kept twice. History before heads: a
 * head never stands for a reading that the history lacks.
 */
export async function keepReadings(
  shardId: string,
  readings: readonly StreamReading[],
  { history }: KeepPorts,
): Promise<KeptReadings> {
  if (readings.length === 0)
    return { kept: [], duplicates: 0, conflicts: { count: 0, firstTopic: '' } }
  const { byTopic, keptBefore } = await withoutKept(groupByTopic(readings), history)
  const lanes = [...new Set([...byTopic.keys()].map(laneOf))]
  const heads = copyHeads(await history.headsOf(shardId, lanes))
  const devices = [...byTopic].map(([topic, ofDevice]) => admitDevice(topic, ofDevice, heads))
  const fresh = devices.filter((device) => device.blocks.length > 0)
  const blocks = fresh.flatMap((device) => device.blocks)
  await awaitAll([
    history.writeRows(buildRows(blocks)),
    history.writeLate(buildLate(blocks)),
    ...fresh
      .filter((device) => device.needsLink)
      .map(({ head, topic }) => history.linkClient(head.clientId, topic)),
  ])
  const changed = new Set(fresh.map(({ topic }) => laneOf(topic)))
  await history.writeHeads(shardId, new Map([...heads].filter(([lane]) => changed.has(lane))))
  const kept = await awaitAll(
    devices.map(async ({ topic, blocks: chained, fresh: ofDevice, covered }) => {
      const again = await readRedelivered(topic, covered, history)
      return { topic, blocks: [...again, ...chained], fresh: ofDevice }
    }),
  )
  const conflicting = devices.filter((device) => device.conflicts > 0)
  const conflicts = conflicting.reduce((sum, device) => sum + device.conflicts, 0)
  return {
    kept,
    duplicates: keptBefore + devices.reduce((sum, device) => sum + device.duplicates, 0),
    conflicts: { count: conflicts, firstTopic: conflicting[0]?.topic ?? '' },
  }
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
  readonly head: DeviceHead
  /** Whether it has to be written down (again) which client publishes for the device. */
  readonly needsLink: boolean
}

/** Chains one device's readings to its head, and moves the head in `heads`. */
function admitDevice(
  topic: DeviceTopic,
  readings: readonly StreamReading[],
  heads: Map<Lane, Map<DeviceTopic, DeviceHead>>,
): AdmittedDevice {
  const lane = heads.get(laneOf(topic)) ?? new Map<DeviceTopic, DeviceHead>()
  const known = lane.get(topic)
  const { fresh, covered, duplicates, conflicts, head: moved } = admitReadings(known, readings)
  const { head, needsLink } = renewLink(known, moved)
  lane.set(topic, head)
  heads.set(laneOf(topic), lane)
  return {
    topic,
    blocks: buildBlocks(known?.position ?? null, fresh).flatMap(splitToFit),
    fresh,
    covered,
    duplicates,
    conflicts,
    head,
    needsLink,
  }
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
