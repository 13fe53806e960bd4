import { telemetryTopic } from '@gaugeline/backend/protocol'
import { rosterOf } from '../run/roster.ts'
import type { Fleet, Scenario } from '../scenario/schema.ts'
import { deviceTotal, plannedMs, stageSpans, type StageSpan } from '../scenario/shape.ts'
import { deviceSignal, siteNoiseOf } from '../signal/device-signal.ts'
import { builtinProfiles } from '../signal/profiles.ts'
import { costOf, type CostLine } from './cost.ts'
import { quotas, shardLimits, type QuotaName } from './quotas.ts'

/** Measured with 2,000 devices on Node 20, rounded up: the process before its devices, and each device (docs/simulator.md). */
const baseMemoryBytes = 130 * 2 ** 20
const deviceMemoryBytes = 100 * 1_024
/** Fixed header, topic length, packet id. */
const publishHeaderBytes = 7

export interface StagePlan {
  readonly name: string
  /** Null: until it is stopped. */
  readonly seconds: number | null
  readonly fromDevices: number
  readonly toDevices: number
  /** At the stage's busiest moment. */
  readonly readingsPerSecond: number
  readonly bytesPerSecond: number
}

export interface QuotaCheck {
  readonly quota: QuotaName
  readonly used: number
  readonly limit: number
  readonly isKept: boolean
}

/** What a scenario comes to. Nothing is sent for it. */
export interface Plan {
  readonly name: string
  readonly devices: number
  readonly seconds: number | null
  readonly stages: readonly StagePlan[]
  /** Until the devices that the first ramp brings are all connecting. */
  readonly rampSeconds: number
  readonly readings: number
  readonly bytesPerMessage: number
  readonly memoryBytes: number
  readonly openFiles: number
  readonly shards: number
  readonly quotas: readonly QuotaCheck[]
  /** Of the run, or of one hour when nothing ends it. */
  readonly cost: {
    readonly hours: number
    readonly lines: readonly CostLine[]
    readonly dollars: number
  }
}

export function planOf(scenario: Scenario): Plan {
  const fleets = Object.values(scenario.fleets)
  const devices = deviceTotal(scenario)
  const messageBytes = mean(fleets, (fleet) => messageBytesOf(fleet, scenario.seed))
  const deviceRate = mean(fleets, ({ interval }) => 1_000 / interval)
  const spans = stageSpans(scenario)
  const stages = spans.map((span) => stagePlan(span, { deviceRate, messageBytes }))
  const peak = Math.max(...stages.map(({ readingsPerSecond }) => readingsPerSecond))
  const totalMs = plannedMs(scenario)
  const forMs = totalMs ?? 3_600_000
  const deviceSeconds = sum(spans, (span) => deviceSecondsOf(span, forMs))
  const readings = Math.round(
    deviceRate * sum(spans, (span) => deviceSecondsOf(span, forMs) * span.rate),
  )
  const shards = Math.max(
    1,
    Math.ceil(peak / shardLimits.records),
    Math.ceil((peak * messageBytes) / shardLimits.bytes),
  )
  const lines = costOf({ readings, messageBytes, deviceSeconds, shards, seconds: forMs / 1_000 })
  return {
    name: scenario.name,
    devices,
    seconds: totalMs === undefined ? null : totalMs / 1_000,
    stages,
    rampSeconds: rampSecondsOf(scenario),
    readings,
    bytesPerMessage: Math.round(messageBytes),
    memoryBytes: baseMemoryBytes + devices * deviceMemoryBytes,
    openFiles: devices + 100,
    shards,
    quotas: checkQuotas(scenario, { stages, messageBytes }),
    cost: { hours: forMs / 3_600_000, lines, dollars: sum(lines, ({ dollars }) => dollars) },
  }
}

function stagePlan(
  { name, startMs, endMs, from, to, rate }: StageSpan,
  { deviceRate, messageBytes }: { readonly deviceRate: number; readonly messageBytes: number },
): StagePlan {
  const readingsPerSecond = Math.max(from, to) * rate * deviceRate
  return {
    name,
    seconds: Number.isFinite(endMs) ? (endMs - startMs) / 1_000 : null,
    fromDevices: from,
    toDevices: to,
    readingsPerSecond,
    bytesPerSecond: readingsPerSecond * messageBytes,
  }
}

function deviceSecondsOf({ startMs, endMs, from, to }: StageSpan, forMs: number): number {
  return (((from + to) / 2) * (Math.min(endMs, forMs) - startMs)) / 1_000
}

/** A device's first payload stands for all: the same counters, the same digits. */
function messageBytesOf(fleet: Fleet, seed: number): number {
  const device = fleet.id.replace('{index}', String(fleet.first + fleet.count - 1))
  const siteNoise = siteNoiseOf(seed, { site: fleet.site, profile: fleet.profile, epochMs: 0 })
  const profile = builtinProfiles[fleet.profile] ?? { channels: {} }
  const metrics = deviceSignal(profile, { seed, device, siteNoise })(0)
  const payload = { ts: 1_763_800_000_000, boot: 'b00000000', n: 10_000, metrics }
  const topic = telemetryTopic(fleet.site, device)
  return publishHeaderBytes + topic.length + Buffer.byteLength(JSON.stringify(payload))
}

function rampSecondsOf(scenario: Scenario): number {
  const first = stageSpans(scenario)[0]
  if (!first) return 0
  const joins = rosterOf([first], scenario.generator).filter(({ joins: isJoin }) => isJoin)
  return (joins.at(-1)?.atMs ?? 0) / 1_000
}

function checkQuotas(
  scenario: Scenario,
  {
    stages,
    messageBytes,
  }: { readonly stages: readonly StagePlan[]; readonly messageBytes: number },
): QuotaCheck[] {
  const fleets = Object.values(scenario.fleets)
  const rates = (scenario.stages ?? []).map(({ rate }) => rate)
  const busiest = Math.max(1, ...rates) * (1_000 / Math.min(...fleets.map((one) => one.interval)))
  const connects = busiestSecond(scenario)
  const used: Readonly<Record<QuotaName, number>> = {
    publishesPerConnection: busiest,
    bytesPerConnection: busiest * messageBytes,
    connects,
    subscriptions: 2 * connects,
    publishes: Math.max(...stages.map(({ readingsPerSecond }) => readingsPerSecond)),
    connections: Math.max(
      ...stages.map(({ toDevices, fromDevices }) => Math.max(toDevices, fromDevices)),
    ),
  }
  return (Object.keys(quotas) as QuotaName[]).map((quota) => {
    const { limit } = quotas[quota]
    return { quota, used: used[quota], limit, isKept: used[quota] <= limit }
  })
}

/** Connects in the busiest second of the plan; a storm adds its own reconnects, which are spread over their backoff. */
function busiestSecond(scenario: Scenario): number {
  const joins = rosterOf(stageSpans(scenario), scenario.generator).filter((one) => one.joins)
  let most = 0
  for (let first = 0, last = 0; last < joins.length; last++) {
    // Sums of fractions of a millisecond may fall just short of the second.
    while ((joins[last]?.atMs ?? 0) - (joins[first]?.atMs ?? 0) >= 999.99) first++
    most = Math.max(most, last - first + 1)
  }
  return most
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}

/** Over all devices, not over fleets. */
function mean(fleets: readonly Fleet[], of: (fleet: Fleet) => number): number {
  return sum(fleets, (fleet) => of(fleet) * fleet.count) / sum(fleets, ({ count }) => count)
}
