import { UsageError } from '../errors.ts'
import { builtinProfiles } from '../signal/profiles.ts'
import { compileThresholds } from '../thresholds/thresholds.ts'
import { durationText } from './duration.ts'
import { wayOut } from './issue-text.ts'
import type { Path, Places } from './places.ts'
import type { Fault, Scenario } from './schema.ts'
import { deviceIds, plannedMs, stageTargets } from './shape.ts'

/** IoT Core takes so many publishes a second from one connection (IOT-6). */
const publishesPerSecond = 100

/** What no schema sees: ids, times and names that must fit each other. Throws {@link UsageError} with file, line and column. */
export function checkScenario(scenario: Scenario, places: Places): void {
  const refuse = (path: Path, message: string): never => {
    throw new UsageError(`${places.at(path)}: ${path.join('.')}: ${message}`)
  }
  checkIds(scenario, places)
  checkStages(scenario, refuse)
  scenario.faults.forEach((fault, index) => {
    const problem = faultProblem(fault, scenario)
    if (problem) refuse(['faults', index, ...problem.path], problem.message)
  })
  const compiled = compileThresholds(scenario.thresholds, {
    hasVerify: scenario.verify !== undefined,
  })
  if ('problem' in compiled) {
    const { path, isKey, message } = compiled.problem
    const whole = ['thresholds', ...path]
    const place = isKey ? places.ofKey(whole) : places.at(whole)
    throw new UsageError(`${place}: ${whole.join('.')}: ${message}`)
  }
}

type Refuse = (path: Path, message: string) => never

function checkIds(scenario: Scenario, places: Places): void {
  const owner = new Map<string, string>()
  for (const [name, fleet] of Object.entries(scenario.fleets)) {
    for (const id of deviceIds(fleet)) {
      const other = owner.get(id)
      if (other !== undefined) {
        throw new UsageError(
          `${places.at(['fleets', name, 'id'])}: device id ${id} is in fleet ${other} and in fleet ${name} (${places.at(['fleets', other, 'id'])}); a thing name is unique in an account, give one of them another id or "first"`,
        )
      }
      owner.set(id, name)
    }
  }
}

function checkStages(scenario: Scenario, refuse: Refuse): void {
  const { stages, fleets } = scenario
  if (!stages) return
  if (scenario.duration !== undefined) {
    refuse(['duration'], 'stages have durations of their own; remove this one')
  }
  const all = Object.values(fleets).reduce((sum, { count }) => sum + count, 0)
  stageTargets(stages, all).forEach(({ from, to }, index) => {
    if (Math.max(from, to) > all) {
      refuse(
        ['stages', index, 'devices'],
        `${Math.max(from, to)} devices, but the fleets have ${all}; raise a count or lower this`,
      )
    }
  })
  stages.forEach(({ rate }, index) => {
    const shortest = Math.min(...Object.values(fleets).map(({ interval }) => interval)) / rate
    if (1_000 / shortest > publishesPerSecond) {
      refuse(
        ['stages', index, 'rate'],
        `a device would send ${Math.round(1_000 / shortest)} readings/s, and IoT Core takes ${publishesPerSecond}/s from a connection; lower the rate`,
      )
    }
  })
}

interface Problem {
  readonly path: Path
  readonly message: string
}

function faultProblem(fault: Fault, scenario: Scenario): Problem | undefined {
  const endMs = plannedMs(scenario)
  if (endMs !== undefined && fault.at >= endMs) {
    const message = `starts after the end of the scenario (${durationText(endMs)})`
    return { path: ['at'], message }
  }
  if (fault.kind === 'flap' && fault.down >= fault.every) {
    return { path: ['down'], message: 'the link must be down for less than every' }
  }
  return targetProblem(fault, scenario)
}

function targetProblem(fault: Fault, { fleets }: Scenario): Problem | undefined {
  if ((fault.device === undefined) === (fault.fleet === undefined)) {
    return { path: [], message: 'names either a device or a fleet' }
  }
  if (fault.fraction !== undefined && fault.fleet === undefined) {
    return { path: ['fraction'], message: 'is a part of a fleet; name the fleet' }
  }
  const names = Object.keys(fleets)
  if (fault.fleet !== undefined && fleets[fault.fleet] === undefined) {
    return {
      path: ['fleet'],
      message: `no fleet is called ${fault.fleet}; ${wayOut(fault.fleet, names)}`,
    }
  }
  const fleet = Object.entries(fleets).find(([name, one]) =>
    fault.device === undefined ? name === fault.fleet : deviceIds(one).includes(fault.device),
  )?.[1]
  if (!fleet) {
    const message = `no fleet has device ${fault.device ?? ''}; correct the id or remove the fault`
    return { path: ['device'], message }
  }
  const channels = Object.keys(builtinProfiles[fleet.profile]?.channels ?? {})
  if ('channel' in fault && !channels.includes(fault.channel)) {
    const message = `a ${fleet.profile} has no channel ${fault.channel}; ${wayOut(fault.channel, channels)}`
    return { path: ['channel'], message }
  }
  return undefined
}
