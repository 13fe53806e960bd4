import type { Latencies } from '../metrics/figures.ts'
import type { Tally } from '../metrics/tally.ts'
import type { Scenario } from '../scenario/schema.ts'
import { plannedMs } from '../scenario/shape.ts'
import type { Engine } from './engine.ts'
import type { Member } from './make-devices.ts'
import type { ResourceMeter } from './resources.ts'

/** A run as it stands, for people who watch it. */
export interface Progress {
  readonly name: string
  readonly stage: string
  /** `2/4`; undefined with a single stage. */
  readonly stageOf?: string | undefined
  readonly elapsedMs: number
  readonly totalMs: number | undefined
  readonly rate: number
  /** Devices that are to be there, and all of the scenario. */
  readonly present: number
  readonly devices: number
  readonly connected: number
  readonly bufferedReadings: number
  readonly bufferedDevices: number
  readonly dropped: number
  readonly lost: number
  readonly failedConnects: number
  readonly due: number
  readonly acknowledged: number
  /** Readings a second, smoothed over some seconds. */
  readonly duePerSecond: number
  readonly ackedPerSecond: number
  /** Of the last five to ten seconds. */
  readonly ack: Latencies
  readonly activeFaults: number
  readonly scheduleLagP99Ms: number
  readonly loopLagP99Ms: number
  readonly cpuPercent: number
  /** The generator is too slow to be believed. */
  readonly isSaturated: boolean
}

/** Rates are smoothed over about this long. */
const smoothMs = 3_000

export function progressOf(run: {
  readonly nowMs: number
  readonly startedMs: number
  readonly scenario: Scenario
  readonly engine: Engine
  readonly members: readonly Member[]
  readonly tally: Tally
  readonly meter: ResourceMeter
  readonly before: Progress | undefined
}): Progress {
  const { nowMs, scenario, engine, tally, meter, before } = run
  const elapsedMs = nowMs - run.startedMs
  const stage = engine.stageAt(nowMs)
  const index = stage ? engine.spans.indexOf(stage) + 1 : 1
  if (
    before === undefined ||
    Math.floor(elapsedMs / 1_000) > Math.floor(before.elapsedMs / 1_000)
  ) {
    meter.look()
  }
  const scheduleLagP99Ms = tally.scheduleLag.count === 0 ? 0 : tally.scheduleLag.percentile(99)
  const loopLagP99Ms = meter.loopLag.percentile(99)
  return {
    name: scenario.name,
    stage: stage?.name ?? 'run',
    stageOf: engine.spans.length > 1 ? `${index}/${engine.spans.length}` : undefined,
    elapsedMs,
    totalMs: plannedMs(scenario),
    rate: stage?.rate ?? 1,
    present: engine.present,
    devices: run.members.length,
    ...countDevices(run.members),
    dropped: tally.dropped,
    lost: tally.lost,
    failedConnects: tally.failedConnects,
    due: tally.due,
    acknowledged: tally.acknowledged,
    duePerSecond: smoothed(before, { elapsedMs, key: 'due', count: tally.due }),
    ackedPerSecond: smoothed(before, { elapsedMs, key: 'acknowledged', count: tally.acknowledged }),
    ack: tally.recent,
    activeFaults: engine.faults.active,
    scheduleLagP99Ms,
    loopLagP99Ms,
    cpuPercent: meter.cpuPercent,
    isSaturated: Math.max(scheduleLagP99Ms, loopLagP99Ms) > scenario.generator.maxLag,
  }
}

function countDevices(
  members: readonly Member[],
): Pick<Progress, 'connected' | 'bufferedReadings' | 'bufferedDevices'> {
  let [connected, bufferedReadings, bufferedDevices] = [0, 0, 0]
  for (const { device } of members) {
    if (device.isConnected) connected++
    const { buffered } = device
    bufferedReadings += buffered
    if (buffered > 0) bufferedDevices++
  }
  return { connected, bufferedReadings, bufferedDevices }
}

/** An exponential average, so that a number that is read does not flicker. */
function smoothed(
  before: Progress | undefined,
  now: { readonly elapsedMs: number; readonly key: 'due' | 'acknowledged'; readonly count: number },
): number {
  const sinceMs = now.elapsedMs - (before?.elapsedMs ?? 0)
  if (sinceMs <= 0) return 0
  const perSecond = ((now.count - (before?.[now.key] ?? 0)) * 1_000) / sinceMs
  const last = now.key === 'due' ? before?.duePerSecond : before?.ackedPerSecond
  if (last === undefined) return perSecond
  return last + (perSecond - last) * (1 - Math.exp(-sinceMs / smoothMs))
}
