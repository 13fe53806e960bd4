import { randomFor, type Random } from '../random.ts'
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

/** A node of shared noise is at least so far from the next one. */
const shortestStepMs = 1_000
/** Nodes per time constant: between them the noise is straight, as weather is. */
const nodesPerTau = 200

/**
 * Noise that all devices of one profile on a site share, such as the weather. A function of the time alone: who asks, when and in what order
 * makes no difference. `profile` keeps the profiles apart, whose channels of one name are not the same.
 */
export function siteNoiseOf(
  seed: number,
  {
    site,
    profile,
    epochMs,
  }: { readonly site: string; readonly profile: string; readonly epochMs: number },
): SiteNoise {
  const processes = new Map<string, (elapsedMs: number) => number>()
  return (key, shape, nowMs) => {
    let process = processes.get(key)
    if (!process) {
      process = nodesOf(shape, randomFor(seed, `${site}/${profile}/${key}`))
      processes.set(key, process)
    }
    return process(Math.max(0, nowMs - epochMs))
  }
}

function nodesOf(
  shape: { readonly tauMs: number; readonly sd: number },
  random: Random,
): (elapsedMs: number) => number {
  const stepMs = Math.max(shortestStepMs, shape.tauMs / nodesPerTau)
  const step = ornsteinUhlenbeck(shape, random)
  const nodes = [step(0)]
  return (elapsedMs) => {
    const place = elapsedMs / stepMs
    const index = Math.floor(place)
    while (nodes.length < index + 2) nodes.push(step(stepMs))
    const [from = 0, to = 0] = [nodes[index], nodes[index + 1]]
    return from + (to - from) * (place - index)
  }
}
