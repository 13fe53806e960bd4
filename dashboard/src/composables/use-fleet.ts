import type { ComputedRef } from 'vue'
import { isLinkDown } from '../format/connection-words.ts'
import { clockWords } from '../format/device-words.ts'
import type { Mark } from '../format/marks.ts'
import { byMetricOrder, type DeclaredMetrics, metricLook } from '../format/metric-look.ts'
import { type NumberStyle, styleOf } from '../format/numbers.ts'
import { lineColours } from '../format/series-lines.ts'
import type { Refusals } from '@gaugeline/backend/protocol'
import {
  arrivedAt,
  deviceStatus,
  type DeviceStatus,
  type FleetDevice,
  staleAfterMs,
  statusOrder,
} from '../stream/fleet.ts'
import type { Telemetry } from '../stream/telemetry.ts'
import { useApp } from './use-app.ts'
import { isSameList, useLook } from './use-look.ts'

export interface FleetCell {
  readonly metric: string
  readonly label: string
  readonly value: number
  readonly style: NumberStyle
  /** The colour of its line, as on the device's page. */
  readonly line: number
  readonly spark: readonly number[]
}

/** One device and its state; the same object as long as its state is the same. */
export interface FleetEntry {
  readonly topic: string
  readonly site: string
  readonly device: string
  readonly status: DeviceStatus
  readonly mark: Mark
  readonly word: string
}

/** One device as a row shows it: small copies. */
export interface FleetRow extends FleetEntry {
  /** Time since the newest reading arrived, milliseconds; undefined = never sent. */
  readonly ageMs: number | undefined
  /** Undefined while it has been heard once. */
  readonly staleAfterMs: number | undefined
  /** What is wrong with its clock. */
  readonly clock: string | undefined
  /** What it sent that nobody could use. */
  readonly refused: Refusals | undefined
  /** The same list as long as no newer reading has come. */
  readonly cells: readonly FleetCell[]
}

/** So many values of the small line tell in which digits a metric is sent. */
const TELLING = 16

export const statusMarks: Readonly<Record<DeviceStatus, Mark>> = {
  live: 'normal',
  stale: 'stale',
  offline: 'offline',
  refused: 'critical',
  seen: 'info',
  never: 'never',
}

export const statusWords: Readonly<Record<DeviceStatus, string>> = {
  live: 'live',
  stale: 'stale',
  offline: 'offline',
  refused: 'refused',
  seen: 'seen, 1 reading',
  never: 'never seen',
}

const statuses = (Object.keys(statusOrder) as DeviceStatus[]).sort(
  (a, b) => statusOrder[a] - statusOrder[b],
)
/** `pump-2` before `pump-10`. */
const { compare } = new Intl.Collator('en', { numeric: true })

/** The fleet, worst first and then by name, looked at twice a second; the same list as long as no device changes its state. */
export function useFleet(): ComputedRef<readonly FleetEntry[]> {
  const { telemetry } = useApp()
  const held = new Map<string, FleetEntry>()
  let byName: FleetDevice[] = []
  function read(): FleetEntry[] {
    // Devices are never forgotten: a new one is the only reason to sort names again.
    const devices = [...telemetry.fleet.devices()]
    if (devices.length !== byName.length) {
      byName = devices.sort((a, b) => compare(a.topic, b.topic))
    }
    const judgedAt = judgingTime(telemetry)
    const groups = new Map<DeviceStatus, FleetEntry[]>(statuses.map((status) => [status, []]))
    for (const device of byName) {
      const status = deviceStatus(device, judgedAt)
      let entry = held.get(device.topic)
      if (entry?.status !== status) held.set(device.topic, (entry = entryOf(device, status)))
      groups.get(status)?.push(entry)
    }
    return [...groups.values()].flat()
  }
  return useLook<readonly FleetEntry[]>(read, { isSame: isSameList })
}

/** Reads one device for showing it now; undefined while it is not known. */
export function useFleetReader(): (topic: string) => FleetRow | undefined {
  const { telemetry, config } = useApp()
  const cells = cellReader(config.metrics ?? [])
  return (topic) => {
    const device = telemetry.fleet.get(topic)
    if (!device) return undefined
    return {
      ...entryOf(device, deviceStatus(device, judgingTime(telemetry))),
      ageMs: ageOf(device, telemetry.serverNow()),
      clock: clockWords(device.clockOffMs),
      refused: device.refused,
      staleAfterMs: staleAfterMs(device),
      cells: cells(device),
    }
  }
}

/** One device of the fleet, looked at twice a second; undefined while it is not known. */
export function useFleetRow(topic: string): ComputedRef<FleetRow | undefined> {
  const read = useFleetReader()
  return useLook(() => read(topic))
}

function ageOf(device: FleetDevice, now: number): number | undefined {
  const arrived = arrivedAt(device)
  return arrived === undefined ? undefined : Math.max(0, now - arrived)
}

function entryOf({ topic, site, device }: FleetDevice, status: DeviceStatus): FleetEntry {
  return { topic, site, device, status, mark: statusMarks[status], word: statusWords[status] }
}

/** Copies of a device's newest values and small lines, made again only when they have changed. */
function cellReader(
  declared: readonly DeclaredMetrics[],
): (device: FleetDevice) => readonly FleetCell[] {
  const held = new WeakMap<FleetDevice, { revision: number; cells: readonly FleetCell[] }>()
  return (device) => {
    const known = held.get(device)
    if (known?.revision === device.revision) return known.cells
    const metrics = [...device.values.keys()].sort(byMetricOrder)
    const lines = lineColours(metrics)
    const cells = metrics.map((metric) => {
      const { label, unit } = metricLook(declared, device.topic, metric)
      const value = device.values.get(metric) ?? Number.NaN
      const spark = [...(device.sparks.get(metric) ?? [])]
      const style = styleOf([value, ...spark.slice(-TELLING)], unit)
      return { metric, label, value, style, spark, line: lines.get(metric) ?? 1 }
    })
    held.set(device, { revision: device.revision, cells })
    return cells
  }
}

/**
 * The server time by which devices are judged. While the link is down we know nothing newer than its last message: the devices keep the
 * state that they had then, and the page says that the link is down instead of blaming them.
 */
function judgingTime(telemetry: Telemetry): number {
  const connection = telemetry.client.connection()
  const { lastReceivedAt, clockOffsetMs } = connection
  const isDown = isLinkDown(connection, telemetry.serverNow() - clockOffsetMs)
  if (!isDown || lastReceivedAt === undefined) return telemetry.serverNow()
  return lastReceivedAt + clockOffsetMs
}
