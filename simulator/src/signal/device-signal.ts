import { randomFor } from '../random.ts'
import { channelSignal, type SiteNoise } from './channel.ts'
import { machine } from './machine.ts'
import { ornsteinUhlenbeck } from './ornstein-uhlenbeck.ts'
import type { Profile } from './profile.ts'

/** The readings of one device: metric → value, for a time that never goes back. */
export type DeviceSignal = (nowMs: number) => Record<string, number>

/**
 * Builds the signal of a device from its profile. The same seed, site and device give the same values for the same times, whatever
 * else is in the fleet.
 */
export function deviceSignal(
  profile: Profile,
  {
    seed,
    device,
    siteNoise,
  }: { readonly seed: number; readonly device: string; readonly siteNoise: SiteNoise },
): DeviceSignal {
  const stateAt = profile.states && machine(profile.states, randomFor(seed, `${device}/state`))
  const channels = Object.entries(profile.channels).map(([name, channel]) => ({
    name,
    signal: channelSignal(name, channel, {
      random: randomFor(seed, `${device}/${name}`),
      siteNoise,
    }),
  }))
  let lastMs: number | undefined
  return (nowMs) => {
    const dtMs = lastMs === undefined ? 0 : Math.max(0, nowMs - lastMs)
    lastMs = nowMs
    const state = stateAt?.(nowMs)
    const values: Record<string, number> = {}
    const observed: Record<string, number> = {}
    for (const { name, signal } of channels) {
      const value = signal.step({ nowMs, dtMs, state, values })
      values[name] = value.truth
      observed[name] = value.observed
    }
    return observed
  }
}

/** Noise that all devices of a site share, such as the weather. Advanced by a grid of one second, so that order does not matter. */
export function siteNoiseOf(seed: number, site: string): SiteNoise {
  const processes = new Map<
    string,
    { step: (dtMs: number) => number; tick: number; value: number }
  >()
  return (key, shape, nowMs) => {
    const tick = Math.floor(nowMs / 1_000)
    let process = processes.get(key)
    if (!process) {
      const step = ornsteinUhlenbeck(shape, randomFor(seed, `${site}/${key}`))
      process = { step, tick, value: step(0) }
      processes.set(key, process)
    }
    if (tick > process.tick) {
      process.value = process.step((tick - process.tick) * 1_000)
      process.tick = tick
    }
    return process.value
  }
}
