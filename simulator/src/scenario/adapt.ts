import { UsageError } from '../errors.ts'
import { checkScenario } from './checks.ts'
import type { Fleet, Scenario, Stage } from './schema.ts'
import { deviceTotal, plannedMs } from './shape.ts'

/** What the command line changes about a scenario. */
export interface Changes {
  readonly seed?: number | undefined
  /** Milliseconds of the whole. */
  readonly duration?: number | undefined
  readonly devices?: number | undefined
  /** `metric: expression`. */
  readonly threshold: readonly string[]
}

/** The scenario with the changes of the command line, checked again. Throws {@link UsageError}. */
export function adaptScenario(scenario: Scenario, changes: Changes): Scenario {
  const { seed, duration, devices, threshold } = changes
  let adapted = scenario
  if (seed !== undefined) adapted = { ...adapted, seed }
  if (devices !== undefined) adapted = withDevices(adapted, devices)
  if (duration !== undefined) adapted = withDuration(adapted, duration)
  for (const text of threshold) adapted = withThreshold(adapted, text)
  if (adapted !== scenario) {
    const place = 'with the flags'
    checkScenario(adapted, { at: () => place, ofKey: () => place })
  }
  return adapted
}

/** Each fleet's share of the new total, at least one; stages that name numbers keep their share. */
function withDevices(scenario: Scenario, devices: number): Scenario {
  const factor = devices / deviceTotal(scenario)
  const entries = Object.entries(scenario.fleets)
  if (devices < entries.length) {
    throw new UsageError(
      `--devices ${devices} is less than the ${entries.length} fleets of the scenario; name at least one device for each`,
    )
  }
  const fleets: Record<string, Fleet> = {}
  let left = devices
  entries.forEach(([name, fleet], index) => {
    const others = entries.length - 1 - index
    const share = others === 0 ? left : Math.round(fleet.count * factor)
    const count = Math.min(Math.max(1, share), left - others)
    left -= count
    fleets[name] = { ...fleet, count }
  })
  return {
    ...scenario,
    fleets,
    ...(scenario.stages && { stages: scenario.stages.map(scaled(factor)) }),
  }
}

function scaled(factor: number): (stage: Stage) => Stage {
  const scale = <Count>(count: Count): Count =>
    typeof count === 'number' ? (Math.floor(count * factor) as Count) : count
  return (stage) => {
    const { devices } = stage
    if (devices === undefined) return stage
    if (typeof devices !== 'object') return { ...stage, devices: scale(devices) }
    const from = devices.from === undefined ? {} : { from: scale(devices.from) }
    return { ...stage, devices: { ...from, to: scale(devices.to) } }
  }
}

/** A scenario with stages is squeezed or stretched whole, faults and thresholds too; another one just ends then. */
function withDuration(scenario: Scenario, durationMs: number): Scenario {
  const { stages, faults, thresholds } = scenario
  if (!stages) return { ...scenario, duration: durationMs }
  const factor = durationMs / (plannedMs(scenario) ?? durationMs)
  return {
    ...scenario,
    stages: stages.map((stage) => ({ ...stage, duration: stage.duration * factor })),
    faults: faults.map((fault) => ({
      ...fault,
      at: fault.at * factor,
      ...('duration' in fault ? { duration: fault.duration * factor } : {}),
    })),
    thresholds: Object.fromEntries(
      Object.entries(thresholds).map(([metric, written]) => {
        const list = Array.isArray(written) ? written : [written]
        return [
          metric,
          list.map((one) =>
            typeof one === 'string' ? one : { ...one, after: one.after * factor },
          ),
        ]
      }),
    ),
  }
}

function withThreshold(scenario: Scenario, text: string): Scenario {
  const match = /^\s*([a-z0-9.]+)\s*[:\s]\s*(\S.*)$/.exec(text)
  const [, metric, expression] = match ?? []
  if (metric === undefined || expression === undefined) {
    throw new UsageError(
      `--threshold "${text}" is no metric with an expression; write it as --threshold "ack.latency: p(95)<250ms"`,
    )
  }
  const before = scenario.thresholds[metric] ?? []
  const list = Array.isArray(before) ? before : [before]
  return { ...scenario, thresholds: { ...scenario.thresholds, [metric]: [...list, expression] } }
}
