import {
  arrivalOf,
  type Block,
  type Buckets,
  comparePositions,
  type DeviceState,
  firstRhythm,
  lateAfterMs,
  type Position,
  type Presence,
  type Refusals,
  type Rhythm,
  rhythmAfter,
} from '@gaugeline/backend/protocol'

/** A short run of one metric's values for a sparkline. */
export const SPARK_POINTS = 60
/** A device that sends at most so often may sleep in between: it leaves with a DISCONNECT and comes back by itself. */
const SLEEPER_PAUSE_MS = 10_000
const LEFT_BY_ITSELF = 'CLIENT_INITIATED_DISCONNECT'
/** The broker's time of a disconnect and the stream's of the last reading before it may differ by so much. */
const SLACK_MS = 500

export type DeviceStatus = 'live' | 'seen' | 'stale' | 'offline' | 'refused' | 'never'

/** Worst first. */
export const statusOrder: Readonly<Record<DeviceStatus, number>> = {
  offline: 0,
  refused: 1,
  stale: 2,
  never: 3,
  seen: 4,
  live: 5,
}

/** The newest that is known of one device, by the order of arrival. Plain and mutable, outside Vue: views copy what they show. */
export interface FleetDevice {
  readonly topic: string
  readonly site: string
  readonly device: string
  /** Where its newest reading stands in time, epoch milliseconds; undefined = it has never sent. */
  ts: number | undefined
  /** Up to where its readings have been pushed; undefined = it has never sent. */
  position: Position | undefined
  /** Metric → the value that came last. */
  readonly values: Map<string, number>
  /** Metric → its last values, oldest first. */
  readonly sparks: Map<string, number[]>
  /** Where the first of those values stands in time; undefined = none. */
  trendFrom: number | undefined
  /** How often it sends; undefined while it has been heard once. */
  rhythm: Rhythm | undefined
  /** Milliseconds that its clock is ahead (negative: behind); null: it is not set; undefined: it is right. */
  clockOffMs: number | null | undefined
  online: boolean | undefined
  onlineAt: number | undefined
  /** Why it left, in IoT Core's words. */
  reason: string | undefined
  /** What it sent last that nobody could use. */
  refused: Refusals | undefined
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
    const device = newDevice(topic)
    this.#devices.set(topic, device)
    return device
  }

  state(state: DeviceState): void {
    const device = this.know(state.topic)
    const order = orderOf(device, state.position)
    if (order >= 0) {
      for (const [metric, value] of Object.entries(state.metrics)) {
        note(device, metric, value, order > 0)
      }
      device.position = state.position
      device.ts = state.ts
      device.trendFrom ??= state.ts
      device.clockOffMs = state.clockOffMs
      if (state.everyMs !== undefined) device.rhythm = { pauseMs: state.everyMs }
    }
    if (state.online !== undefined) {
      device.online = state.online
      device.onlineAt = state.onlineAt
      device.reason = state.reason
    }
  }

  /** Readings that arrived after what is held; older ones and those that come again change nothing. */
  block(block: Block): void {
    const device = this.know(block.topic)
    if (block.ts.length === 0 || orderOf(device, block.position) <= 0) return
    device.rhythm = rhythmOf(device, block)
    for (let i = 0; i < block.ts.length; i++) {
      for (const [metric, column] of Object.entries(block.metrics)) {
        const value = column[i]
        if (typeof value === 'number') note(device, metric, value, true)
      }
    }
    device.position = block.position
    device.ts = block.ts.at(-1)
    device.trendFrom ??= block.ts[0]
    device.clockOffMs = clockOffOf(block)
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
    device.reason = presence.reason
  }

  refused(refusals: Refusals): void {
    const device = this.know(refusals.topic)
    const held = device.refused
    if (held && comparePositions(refusals.position, held.position) < 0) return
    device.refused = refusals
    device.revision++
  }
}

/** Epoch milliseconds at which a device's newest reading arrived; undefined = it has never sent. */
export function arrivedAt({ position }: FleetDevice): number | undefined {
  return position === undefined ? undefined : arrivalOf(position)
}

/**
 * By arrivals and the broker's presence, never by a device's clock. `refused`: nothing good has come since what it sent was refused.
 * `offline`: the broker saw it leave; of a device that sleeps between its readings: and it is late. `seen`: it has been heard once, and
 * nobody knows when to expect it. `stale`: it is late by its own rhythm. `now` is server time.
 */
export function deviceStatus(device: FleetDevice, now: number): DeviceStatus {
  const arrived = arrivedAt(device)
  if (isRefused(device)) return 'refused'
  if (arrived === undefined) return device.online === false ? 'offline' : 'never'
  const late = lateAfterMs(device.rhythm)
  if (late === undefined) return 'seen'
  const isLate = now - arrived > late
  const hasLeft = device.online === false && (device.onlineAt ?? 0) >= arrived - SLACK_MS
  if (hasLeft && (isLate || !isSleeper(device))) return 'offline'
  return isLate ? 'stale' : 'live'
}

/** A fleet with such a device is not silent. */
export function isHeard(status: DeviceStatus): boolean {
  return status === 'live' || status === 'seen' || status === 'refused'
}

/** Nothing good has come since the last refusal. */
export function isRefused({ refused, position }: FleetDevice): boolean {
  if (!refused) return false
  return position === undefined || comparePositions(refused.position, position) > 0
}

/** Age from which the newest reading counts as stale, milliseconds; undefined while nobody can know. */
export function staleAfterMs(device: FleetDevice): number | undefined {
  return lateAfterMs(device.rhythm)
}

function isSleeper({ reason, rhythm }: FleetDevice): boolean {
  return reason === LEFT_BY_ITSELF && (rhythm?.pauseMs ?? 0) >= SLEEPER_PAUSE_MS
}

function newDevice(topic: string): FleetDevice {
  const slash = topic.indexOf('/')
  return {
    topic,
    site: topic.slice(0, slash),
    device: topic.slice(slash + 1),
    ts: undefined,
    position: undefined,
    values: new Map(),
    sparks: new Map(),
    trendFrom: undefined,
    rhythm: undefined,
    clockOffMs: undefined,
    online: undefined,
    onlineAt: undefined,
    reason: undefined,
    refused: undefined,
    revision: 0,
  }
}

/** Positive for what is newer than what is held, 0 for the same. */
function orderOf({ position }: FleetDevice, other: Position): number {
  return position === undefined ? 1 : comparePositions(other, position)
}

/** As the server has learned it; else as far as it can be told from here. */
function rhythmOf(device: FleetDevice, block: Block): Rhythm | undefined {
  if (block.everyMs !== undefined) return { pauseMs: block.everyMs }
  const held = arrivedAt(device)
  if (held !== undefined) return rhythmAfter(device.rhythm, arrivalOf(block.position) - held)
  const steps = block.ts.length - 1
  return steps > 0 ? firstRhythm(((block.ts.at(-1) ?? 0) - (block.ts[0] ?? 0)) / steps) : undefined
}

function clockOffOf({ ts, deviceTs, quality }: Block): number | null | undefined {
  const last = ts.length - 1
  if (quality?.[last] === 'clock-unset') return null
  const own = deviceTs?.[last]
  return typeof own === 'number' ? own - (ts[last] ?? own) : undefined
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
