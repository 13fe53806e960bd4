import { computed, type ComputedRef } from 'vue'
import type { Mark } from '../format/marks.ts'
import { byMetricOrder } from '../format/numbers.ts'
import type { Telemetry } from '../stream/telemetry.ts'
import {
  deviceStatus,
  type DeviceStatus,
  type FleetDevice,
  staleAfterMs,
  statusOrder,
} from '../stream/fleet.ts'
import { isLinkDown } from '../format/connection-words.ts'
import { useApp } from './use-app.ts'
import { useTick } from './use-tick.ts'

export interface FleetCell {
  readonly metric: string
  readonly value: number
  readonly spark: readonly number[]
}

/** One device as a row shows it: small copies, made anew with each tick. */
export interface FleetRow {
  readonly topic: string
  readonly site: string
  readonly device: string
  readonly status: DeviceStatus
  readonly mark: Mark
  readonly word: string
  /** Age of the newest reading, milliseconds; undefined = never sent. */
  readonly ageMs: number | undefined
  readonly staleAfterMs: number
  readonly cells: readonly FleetCell[]
}

const marks: Readonly<Record<DeviceStatus, Mark>> = {
  live: 'normal',
  stale: 'stale',
  offline: 'offline',
  never: 'never',
}

export const statusWords: Readonly<Record<DeviceStatus, string>> = {
  live: 'live',
  stale: 'stale',
  offline: 'offline',
  never: 'never seen',
}

/** The fleet, worst first and then by name, looked at twice a second. */
export function useFleet(): ComputedRef<FleetRow[]> {
  const { telemetry } = useApp()
  const tick = useTick()
  return computed(() => {
    tick()
    const times = { now: telemetry.serverNow(), judgedAt: judgingTime(telemetry) }
    return [...telemetry.fleet.devices()].map((device) => rowOf(device, times)).sort(worstFirst)
  })
}

/** One device of the fleet; undefined while it is not known. */
export function useFleetRow(topic: string): ComputedRef<FleetRow | undefined> {
  const { telemetry } = useApp()
  const tick = useTick()
  return computed(() => {
    tick()
    const device = telemetry.fleet.get(topic)
    const times = { now: telemetry.serverNow(), judgedAt: judgingTime(telemetry) }
    return device && rowOf(device, times)
  })
}

function rowOf(device: FleetDevice, times: { now: number; judgedAt: number }): FleetRow {
  const status = deviceStatus(device, times.judgedAt)
  const metrics = [...device.values.keys()].sort(byMetricOrder)
  return {
    topic: device.topic,
    site: device.site,
    device: device.device,
    status,
    mark: marks[status],
    word: statusWords[status],
    ageMs: device.ts === undefined ? undefined : Math.max(0, times.now - device.ts),
    staleAfterMs: staleAfterMs(device),
    cells: metrics.map((metric) => ({
      metric,
      value: device.values.get(metric) ?? Number.NaN,
      spark: [...(device.sparks.get(metric) ?? [])],
    })),
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

function worstFirst(a: FleetRow, b: FleetRow): number {
  const byStatus = statusOrder[a.status] - statusOrder[b.status]
  return byStatus === 0 ? a.topic.localeCompare(b.topic, 'en', { numeric: true }) : byStatus
}
