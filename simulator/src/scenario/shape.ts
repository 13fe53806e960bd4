import type { DeviceCount, Fleet, Scenario, Stage } from './schema.ts'

/** The client ids of a fleet: its thing names. */
export function deviceIds(fleet: Fleet): string[] {
  return Array.from({ length: fleet.count }, (_, index) =>
    fleet.id.replace('{index}', String(fleet.first + index)),
  )
}

export function deviceTotal(scenario: Scenario): number {
  return Object.values(scenario.fleets).reduce((sum, { count }) => sum + count, 0)
}

/** How long the scenario lasts, milliseconds; undefined when until it is stopped. */
export function plannedMs({ duration, stages }: Scenario): number | undefined {
  return stages ? stages.reduce((sum, stage) => sum + stage.duration, 0) : duration
}

/** A stage with the instants and numbers it comes to. Times are milliseconds from the start of the run. */
export interface StageSpan {
  readonly name: string
  readonly startMs: number
  readonly endMs: number
  /** Devices at its start and at its end. */
  readonly from: number
  readonly to: number
  readonly rate: number
}

/** The stages of a scenario; a single one, of all devices, when it has none. Its end is Infinity when nothing ends it. */
export function stageSpans(scenario: Scenario): StageSpan[] {
  const total = deviceTotal(scenario)
  const { stages, duration = Infinity } = scenario
  if (!stages) {
    return [{ name: 'run', startMs: 0, endMs: duration, from: total, to: total, rate: 1 }]
  }
  const targets = stageTargets(stages, total)
  let startMs = 0
  return stages.map((stage, index) => {
    const { from = total, to = total } = targets[index] ?? {}
    const span = { name: stage.name, startMs, endMs: startMs + stage.duration, from, to }
    startMs = span.endMs
    return { ...span, rate: stage.rate }
  })
}

/** Where each stage begins and ends, in devices. A stage that says nothing keeps what is there; the first one has all. */
export function stageTargets(
  stages: readonly Stage[],
  total: number,
): { readonly from: number; readonly to: number }[] {
  let last: number | undefined
  return stages.map(({ devices }) => {
    const isRamp = typeof devices === 'object'
    const to = countOf(isRamp ? devices.to : (devices ?? last ?? total), total)
    const start = isRamp ? (devices.from ?? last ?? 0) : to
    last = to
    return { from: countOf(start, total), to }
  })
}

/** `50%` of all, rounded; a number is itself. */
export function countOf(count: DeviceCount, total: number): number {
  return typeof count === 'number' ? count : Math.round((total * Number(count.slice(0, -1))) / 100)
}
