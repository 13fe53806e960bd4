import {
  type Block,
  type Buckets,
  comparePositions,
  type DeviceState,
  type Position,
  type Presence,
} from '@gaugeline/backend/protocol'

/** A short run of one metric's values for a sparkline. */
export const SPARK_POINTS = 60
/** Without a known interval, a value older than this is not live. */
const DEFAULT_INTERVAL_MS = 5_000
const LEAST_STALE_MS = 5_000

export type DeviceStatus = 'live' | 'stale' | 'offline' | 'never'

/** Worst first. */
export const statusOrder: Readonly<Record<DeviceStatus, number>> = {
  offline: 0,
  stale: 1,
  never: 2,
  live: 3,
}

/** The newest that is known of one device. Plain and mutable, outside Vue: views copy what they show. */
export interface FleetDevice {
  readonly topic: string
  readonly site: string
  readonly device: string
  /** Device time of the newest reading, epoch milliseconds; undefined = it has never sent. */
  ts: number | undefined
  /** Up to where its readings have been pushed; undefined = it has never sent. */
  position: Position | undefined
  /** Metric → newest value. */
  readonly values: Map<string, number>
  /** Metric → its last values, oldest first. */
  readonly sparks: Map<string, number[]>
  /** Device time of the first of those values; undefined = none. */
  trendFrom: number | undefined
  /** Typical time between readings, milliseconds; undefined until two have come. */
  intervalMs: number | undefined
  online: boolean | undefined
  onlineAt: number | undefined
  /** Grows whenever a value or a spark changes. */
  revision: number
}

/** Every device that the bearer may see, by its newest reading. */
export class Fleet {
  readonly #devices = new Map<string, FleetDevice>()

  devices(): IterableIterator<FleetDevice> {
    return this.#devices.values()
  }

  get(topic: string): FleetDevice | undefined {
    return this.#devices.get(topic)
  }

  /** A device that is known to exist, with or without readings. */
  know(topic: string): FleetDevice {
    const known = this.#devices.get(topic)
    if (known) return known
    const slash = topic.indexOf('/')
    const device: FleetDevice = {
      topic,
      site: topic.slice(0, slash),
      device: topic.slice(slash + 1),
      ts: undefined,
      position: undefined,
      values: new Map(),
      sparks: new Map(),
      trendFrom: undefined,
      intervalMs: undefined,
      online: undefined,
      onlineAt: undefined,
      revision: 0,
    }
    this.#devices.set(topic, device)
    return device
  }

  state(state: DeviceState): void {
    const device = this.know(state.topic)
    advance(device, state.position)
    if (device.ts === undefined || state.ts >= device.ts) {
      for (const [metric, value] of Object.entries(state.metrics)) {
        note(device, metric, value, device.ts !== state.ts)
      }
      device.ts = state.ts
      device.trendFrom ??= state.ts
    }
    if (state.online !== undefined) {
      device.online = state.online
      device.onlineAt = state.onlineAt
    }
  }

  block(block: Block): void {
    const device = this.know(block.topic)
    advance(device, block.position)
    for (let i = 0; i < block.ts.length; i++) {
      const ts = block.ts[i]
      // Late and repeated readings change no newest value.
      if (ts === undefined || ts <= (device.ts ?? -Infinity)) continue
      if (device.ts !== undefined) learnInterval(device, ts - device.ts, block.thinned === true)
      for (const [metric, column] of Object.entries(block.metrics)) {
        const value = column[i]
        if (typeof value === 'number') note(device, metric, value, true)
      }
      device.ts = ts
      device.trendFrom ??= ts
    }
  }

  /** Averages of the time before the first value held, put before it. */
  earlier({ topic, ts, metrics }: Buckets): void {
    const device = this.#devices.get(topic)
    if (device?.trendFrom === undefined) return
    const before = device.trendFrom
    for (const [metric, { avg }] of Object.entries(metrics)) {
      const older = avg.filter((value, i) => value !== null && (ts[i] ?? before) < before)
      const held = device.sparks.get(metric) ?? []
      device.sparks.set(metric, [...(older as number[]), ...held].slice(-SPARK_POINTS))
    }
    device.trendFrom = Math.min(before, ts[0] ?? before)
    device.revision++
  }

  presence(presence: Presence): void {
    const device = this.know(presence.topic)
    if ((device.onlineAt ?? 0) > presence.at) return
    device.online = presence.online
    device.onlineAt = presence.at
  }
}

/**
 * `offline`: the broker says so. `stale`: the newest reading is older than three times the interval that the device keeps (and 5 s).
 * `now` is server time: device and server clocks are what the ages compare.
 */
export function deviceStatus(device: FleetDevice, now: number): DeviceStatus {
  if (device.ts === undefined) return device.online === false ? 'offline' : 'never'
  if (device.online === false && (device.onlineAt ?? 0) >= device.ts) return 'offline'
  return now - device.ts > staleAfterMs(device) ? 'stale' : 'live'
}

/** Age from which the newest reading counts as stale, milliseconds. */
export function staleAfterMs(device: FleetDevice): number {
  return Math.max(LEAST_STALE_MS, 3 * (device.intervalMs ?? DEFAULT_INTERVAL_MS))
}

function advance(device: FleetDevice, position: Position): void {
  const held = device.position
  if (held === undefined || comparePositions(position, held) > 0) device.position = position
}

function note(device: FleetDevice, metric: string, value: number, isNew: boolean): void {
  device.values.set(metric, value)
  device.revision++
  if (!isNew) return
  const spark = device.sparks.get(metric) ?? []
  spark.push(value)
  if (spark.length > SPARK_POINTS) spark.shift()
  device.sparks.set(metric, spark)
}

/** Follows shorter intervals at once and longer ones slowly: one pause must not make a device look slow. */
function learnInterval(device: FleetDevice, ms: number, thinned: boolean): void {
  const known = device.intervalMs
  if (known === undefined) device.intervalMs = Math.min(ms, 60_000)
  else if (ms < known && !thinned) device.intervalMs = ms
  else device.intervalMs = known + (Math.min(ms, known * 4) - known) * 0.1
}
