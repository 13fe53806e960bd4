import type { Scenario } from './schema.ts'
import { deviceTotal } from './shape.ts'

/** `28 devices on 2 sites, 28 readings/s`. */
export function describeScenario(scenario: Scenario): string {
  const fleets = Object.values(scenario.fleets)
  const devices = deviceTotal(scenario)
  const rate = fleets.reduce((sum, fleet) => sum + (fleet.count * 1_000) / fleet.interval, 0)
  const sites = new Set(fleets.map((fleet) => fleet.site)).size
  const count = (number: number, noun: string): string =>
    `${number} ${number === 1 ? noun : `${noun}s`}`
  return `${count(devices, 'device')} on ${count(sites, 'site')}, ${Math.round(rate * 10) / 10} readings/s`
}
