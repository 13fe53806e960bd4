import { Device, type DeviceOptions } from '../device.ts'
import { randomFor } from '../random.ts'
import type { Fleet, Scenario } from '../scenario/schema.ts'
import { deviceIds } from '../scenario/shape.ts'
import { deviceSignal, siteNoiseOf } from '../signal/device-signal.ts'
import type { Profile } from '../signal/profile.ts'
import { builtinProfiles } from '../signal/profiles.ts'
import { mixed } from './roster.ts'

/** A device, and how long after it has joined its first reading is due: its own phase, so that a fleet does not fire at once. */
export interface Member {
  readonly device: Device
  readonly phaseMs: number
}

type Shared = Pick<
  DeviceOptions,
  | 'url'
  | 'identify'
  | 'login'
  | 'secureContext'
  | 'gate'
  | 'bootMs'
  | 'clock'
  | 'signalEpochMs'
  | 'tally'
  | 'schedule'
  | 'acked'
  | 'log'
>

/** The devices of a scenario in the order of joining. */
export function makeDevices(scenario: Scenario, shared: Shared): Member[] {
  const noises = new Map<string, ReturnType<typeof siteNoiseOf>>()
  const fleets = Object.values(scenario.fleets).map((fleet) => {
    const key = `${fleet.site}/${fleet.profile}`
    const { site, profile: name } = fleet
    const place = { site, profile: name, epochMs: shared.signalEpochMs }
    const siteNoise = noises.get(key) ?? siteNoiseOf(scenario.seed, place)
    noises.set(key, siteNoise)
    const profile = builtinProfiles[fleet.profile] ?? { channels: {} }
    return deviceIds(fleet).map((id) =>
      makeMember(id, { scenario, fleet, profile, siteNoise, shared }),
    )
  })
  return mixed(fleets)
}

function makeMember(
  id: string,
  {
    scenario: { seed },
    fleet,
    profile,
    siteNoise,
    shared,
  }: {
    readonly scenario: Scenario
    readonly fleet: Fleet
    readonly profile: Profile
    readonly siteNoise: ReturnType<typeof siteNoiseOf>
    readonly shared: Shared
  },
): Member {
  const device = new Device({
    ...shared,
    site: fleet.site,
    id,
    channels: profile.channels,
    signal: deviceSignal(profile, { seed, device: id, siteNoise }),
    // A stream for each purpose: a reconnect changes no time of a reading, a fault no value of another channel.
    randoms: {
      jitter: randomFor(seed, `${id}/jitter`),
      faults: randomFor(seed, `${id}/faults`),
      backoff: randomFor(seed, `${id}/backoff`),
    },
    intervalMs: fleet.interval,
    idleIntervalMs: fleet.demand?.idleInterval,
    jitterMs: fleet.jitter,
  })
  return { device, phaseMs: randomFor(seed, `${id}/phase`).next() * fleet.interval }
}
