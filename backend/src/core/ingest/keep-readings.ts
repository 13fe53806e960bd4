import {
  arrivalOf,
  comparePositions,
  earliestPosition,
  type DeviceTopic,
  type Position,
} from '../../protocol/index.ts'
import { buildRows } from '../history/build-rows.ts'
import {
  blockBetween,
  buildBlocks,
  lastPosition,
  sliceBlock,
  type DeviceBlock,
} from '../blocks/device-block.ts'
import { admitReadings, type DeviceHead } from '../history/device-head.ts'
import { laneOf, type Lane } from '../history/lanes.ts'
import { buildLate } from '../history/late.ts'
import {
  ROW_SPAN_MS,
  type HistoryPart,
  type HistoryReader,
  type HistoryWriter,
  type LaneHeads,
} from '../history/ports.ts'
import type { StreamReading } from '../telemetry/reading.ts'
import type { Finding } from './count-batch.ts'
import { splitToFit } from '../blocks/frames.ts'

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
 * `kept` can be had by a resume. History before heads: a head never stands for a reading that the history lacks.
 */
export async function keepReadings(
  shardId: string,
  readings: readonly StreamReading[],
  ports: KeepPorts,
): Promise<KeptReadings> {
  if (readings.length === 0)
    return { kept: [], duplicates: 0, conflicts: { count: 0, firstTopic: '' } }
  const byTopic = groupByTopic(readings)
  const lanes = [...new Set([...byTopic.keys()].map(laneOf))]
  const heads = copyHeads(await ports.history.headsOf(shardId, lanes))
  const devices = [...byTopic].map(([topic, ofDevice]) => admitDevice(topic, ofDevice, heads))
  const fresh = devices.filter((device) => device.blocks.length > 0)
  const blocks = fresh.flatMap((device) => device.blocks)
  await Promise.all([
    ports.history.writeRows(buildRows(blocks)),
    ports.history.writeLate(buildLate(blocks)),
    ...fresh
      .filter((device) => device.isNewClient)
      .map((device) => ports.history.linkClient(device.fresh.at(-1)?.clientId ?? '', device.topic)),
  ])
  const changed = new Set(fresh.map(({ topic }) => laneOf(topic)))
  await ports.history.writeHeads(shardId, new Map([...heads].filter(([lane]) => changed.has(lane))))
  const kept = await Promise.all(devices.map((device) => withRedelivered(device, ports)))
  const conflicting = devices.filter((device) => device.conflicts > 0)
  const conflicts = conflicting.reduce((sum, device) => sum + device.conflicts, 0)
  return {
    kept,
    duplicates: devices.reduce((sum, device) => sum + device.duplicates, 0),
    conflicts: { count: conflicts, firstTopic: conflicting[0]?.topic ?? '' },
  }
}

interface AdmittedDevice extends KeptDevice {
  readonly covered: readonly StreamReading[]
  readonly duplicates: number
  readonly conflicts: number
  readonly isNewClient: boolean
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
    isNewClient: head.clientId !== '' && head.clientId !== known?.clientId,
  }
}

/** Adds what was redelivered, from the history, exactly as it was chained the first time. */
async function withRedelivered(
  { topic, blocks, fresh, covered }: AdmittedDevice,
  ports: KeepPorts,
): Promise<KeptDevice> {
  const first = covered[0]?.position
  const last = covered.at(-1)?.position
  if (first === undefined || last === undefined) return { topic, blocks, fresh }
  const again: DeviceBlock[] = []
  let reached: Position | null = null
  let from: Position | undefined = earliestPosition(arrivalOf(first) - ROW_SPAN_MS)
  // A position's time may have been raised when it was kept (notBefore).
  const to = earliestPosition(arrivalOf(last) + ROW_SPAN_MS)
  while (from !== undefined) {
    const part: HistoryPart = await ports.history.rows(topic, from, to)
    for (const block of part.blocks) {
      const rest = blockBetween(blockFrom(block, first), reached, last)
      if (!rest) continue
      again.push(...splitToFit(rest))
      reached = lastPosition(rest)
    }
    from = part.next
  }
  return { topic, blocks: [...again, ...blocks], fresh }
}

function blockFrom(block: DeviceBlock, first: Position): DeviceBlock | undefined {
  const from = block.positions.findIndex((position) => comparePositions(position, first) >= 0)
  return from < 0 ? undefined : sliceBlock(block, from, block.positions.length)
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
