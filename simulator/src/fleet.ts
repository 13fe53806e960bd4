import { Device, type DeviceOptions } from './device.ts'
import { UsageError } from './errors.ts'
import { randomFor } from './random.ts'
import { Report } from './report.ts'
import type { Fleet, Scenario, SensorFault } from './scenario/schema.ts'
import { Schedule } from './schedule.ts'
import { deviceSignal, siteNoiseOf } from './signal/device-signal.ts'
import { builtinProfiles } from './signal/profiles.ts'

const tickMs = 10
/** Sampling stops for this tick after so long, so that sockets and timers get their turn. */
const sliceMs = 8
/** IoT Core takes 500 connects a second; 80 % of it. */
const connectsPerSecond = 400

export interface RunOptions {
  readonly url: string
  readonly identify: boolean
  readonly signal: AbortSignal
  readonly log: (event: string, facts: Record<string, unknown>) => void
  /** Called about every ten seconds with the tally so far. */
  readonly progress?: (summary: Record<string, number>) => void
}

/** Runs a scenario until its duration is over or the signal aborts. Returns the tally. */
export async function runScenario(
  scenario: Scenario,
  options: RunOptions,
): Promise<Record<string, number>> {
  const startedMs = Date.now()
  const report = new Report(startedMs)
  const schedule = new Schedule<Device>()
  const devices = makeDevices(scenario, {
    ...options,
    startedMs,
    report,
    schedule: (dueMs, device) => {
      schedule.add(dueMs, device)
    },
  })
  const buffered = (): number =>
    [...devices.values()].reduce((sum, device) => sum + device.buffered, 0)
  const timers = [
    setInterval(() => {
      drain(schedule)
    }, tickMs),
    setInterval(() => options.progress?.(report.summary(Date.now(), buffered())), 10_000),
    ...startDevices([...devices.values()], { scenario, startedMs }),
    ...startBlackouts(scenario.faults, devices),
  ]
  await ended(scenario.duration, options.signal)
  for (const timer of timers) clearTimeout(timer)
  const summary = report.summary(Date.now(), buffered())
  await Promise.all([...devices.values()].map((device) => device.stop()))
  return summary
}

function makeDevices(
  scenario: Scenario,
  options: RunOptions & Pick<DeviceOptions, 'startedMs' | 'report' | 'schedule'>,
): Map<string, Device> {
  const devices = new Map<string, Device>()
  const noises = new Map<string, ReturnType<typeof siteNoiseOf>>()
  for (const fleet of Object.values(scenario.fleets)) {
    const profile = builtinProfiles[fleet.profile]
    if (!profile) throw new UsageError(`unknown profile ${fleet.profile}`)
    const siteNoise = noises.get(fleet.site) ?? siteNoiseOf(scenario.seed, fleet.site)
    noises.set(fleet.site, siteNoise)
    for (const id of deviceIds(fleet)) {
      devices.set(
        id,
        new Device({
          ...options,
          site: fleet.site,
          id,
          channels: profile.channels,
          signal: deviceSignal(profile, { seed: scenario.seed, device: id, siteNoise }),
          random: randomFor(scenario.seed, `${id}/transport`),
          intervalMs: fleet.interval,
          idleIntervalMs: fleet.demand?.idleInterval,
          jitterMs: fleet.jitter,
          faults: scenario.faults.filter((fault) => fault.device === id),
        }),
      )
    }
  }
  checkFaultDevices(scenario.faults, devices)
  return devices
}

function deviceIds(fleet: Fleet): string[] {
  return Array.from({ length: fleet.count }, (_, index) =>
    fleet.id.replace('{index}', String(fleet.first + index)),
  )
}

function checkFaultDevices(
  faults: readonly SensorFault[],
  devices: ReadonlyMap<string, Device>,
): void {
  const missing = faults.find((fault) => !devices.has(fault.device))
  if (missing) {
    throw new UsageError(
      `fault ${missing.kind} names device ${missing.device}, which no fleet has; correct the id or remove the fault`,
    )
  }
}

/** Connects at a bounded rate and gives each device its own phase, so that a fleet does not fire at once. */
function startDevices(
  devices: readonly Device[],
  { scenario, startedMs }: { scenario: Scenario; startedMs: number },
): NodeJS.Timeout[] {
  const intervals = Object.values(scenario.fleets).flatMap((fleet) =>
    deviceIds(fleet).map(() => fleet.interval),
  )
  return devices.map((device, index) => {
    const phase =
      randomFor(scenario.seed, `${device.id}/phase`).next() * (intervals[index] ?? 1_000)
    const connectAfterMs = (index * 1_000) / connectsPerSecond
    return setTimeout(() => {
      device.start(startedMs + connectAfterMs + phase)
    }, connectAfterMs)
  })
}

function startBlackouts(
  faults: readonly SensorFault[],
  devices: ReadonlyMap<string, Device>,
): NodeJS.Timeout[] {
  return faults
    .filter((fault) => fault.kind === 'blackout')
    .map((fault) => setTimeout(() => devices.get(fault.device)?.blackout(fault.duration), fault.at))
}

function drain(schedule: Schedule<Device>): void {
  const startedMs = Date.now()
  for (let nowMs = startedMs; nowMs - startedMs < sliceMs; nowMs = Date.now()) {
    const due = schedule.takeDue(nowMs)
    if (!due) return
    due.item.sample(due.dueMs, nowMs)
  }
}

function ended(durationMs: number | undefined, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve()
      return
    }
    const timer =
      durationMs === undefined
        ? setInterval(() => undefined, 2 ** 30)
        : setTimeout(() => {
            resolve()
          }, durationMs)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
