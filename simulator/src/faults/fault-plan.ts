import { randomFor } from '../random.ts'
import type { Fault, Scenario } from '../scenario/schema.ts'
import { deviceIds } from '../scenario/shape.ts'

/** A fault and the devices it hits, milliseconds after the start. */
export interface PlannedFault {
  readonly fault: Fault
  readonly devices: readonly string[]
  readonly startMs: number
  /** The start itself for a fault without a duration. */
  readonly endMs: number
}

/** Whom each fault of a scenario hits, in the order of their starts. The seed chooses the devices of a fraction. */
export function planFaults(scenario: Scenario): PlannedFault[] {
  return scenario.faults
    .map((fault, index) => ({
      fault,
      devices: devicesOf(fault, index, scenario),
      startMs: fault.at,
      endMs: fault.at + ('duration' in fault ? fault.duration : 0),
    }))
    .sort((a, b) => a.startMs - b.startMs)
}

function devicesOf(fault: Fault, index: number, { fleets, seed }: Scenario): readonly string[] {
  if (fault.device !== undefined) return [fault.device]
  const fleet = fleets[fault.fleet ?? '']
  if (!fleet) return []
  const random = randomFor(seed, `fault-${index}`)
  const chosen = deviceIds(fleet)
    .map((id) => ({ id, key: random.next() }))
    .sort((a, b) => a.key - b.key)
  const count = Math.max(1, Math.round(chosen.length * (fault.fraction ?? 1)))
  return chosen.slice(0, count).map(({ id }) => id)
}
