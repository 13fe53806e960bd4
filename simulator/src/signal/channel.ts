import type { Random } from '../random.ts'
import { clamp, quantise } from './converter.ts'
import type { Channel } from './profile.ts'
import { ornsteinUhlenbeck } from './ornstein-uhlenbeck.ts'

/** What a channel may look at in one step. `values` holds the true values of the channels before it. */
export interface StepContext {
  readonly nowMs: number
  readonly dtMs: number
  readonly state: string | undefined
  readonly values: Readonly<Record<string, number>>
}

export interface ChannelSignal {
  /** The true value now and what the sensor says, on its grid and within its range. */
  step(context: StepContext): { readonly truth: number; readonly observed: number }
}

/** Where noise shared by a site comes from: the value of the same process for every device of it. */
export type SiteNoise = (key: string, shape: { tauMs: number; sd: number }, nowMs: number) => number

/** The signal of one channel of one device. `name` keys the noise that a site shares. */
export function channelSignal(
  name: string,
  channel: Channel,
  { random, siteNoise }: { readonly random: Random; readonly siteNoise: SiteNoise },
): ChannelSignal {
  const offset = (channel.spread ?? 0) * random.normal()
  const noises = (channel.ou ?? []).map((shape, index) => {
    if (shape.scope === 'site') {
      return ({ nowMs }: StepContext) => siteNoise(`${name}/${index}`, shape, nowMs)
    }
    const process = ornsteinUhlenbeck(shape, random)
    return ({ dtMs }: StepContext) => process(dtMs)
  })
  const base = follower(channel.lagMs ?? 0)
  const couplings = (channel.from ?? []).map((coupling) => ({
    ...coupling,
    follow: follower(coupling.lagMs ?? 0),
  }))
  let total = 0

  const truthOf = (context: StepContext): number => {
    if (channel.integrates !== undefined) {
      total += ((context.values[channel.integrates] ?? 0) * context.dtMs) / 3_600_000
      return total
    }
    let truth = base(baseOf(channel, context.state, offset), context.dtMs)
    for (const { periodMs, amplitude, peakMs } of channel.season ?? []) {
      truth += amplitude * Math.cos((2 * Math.PI * (context.nowMs - peakMs)) / periodMs)
    }
    for (const noise of noises) truth += noise(context)
    for (const { channel: other, gain, power, follow } of couplings) {
      truth += gain * follow(context.values[other] ?? 0, context.dtMs) ** (power ?? 1)
    }
    return truth
  }

  return {
    step(context) {
      const truth = clamp(truthOf(context), channel.range)
      let observed = truth + (channel.noise ?? 0) * random.normal()
      if (channel.spikes && random.next() < channel.spikes.probability) {
        observed += channel.spikes.sd * random.normal()
      }
      return { truth, observed: quantise(clamp(observed, channel.range), channel.quantum) }
    },
  }
}

function baseOf(channel: Channel, state: string | undefined, offset: number): number {
  if (typeof channel.base === 'number') return channel.base + offset
  const value = channel.base[state ?? ''] ?? 0
  // A machine at rest is at rest: the spread of its kind only shows when it runs.
  return value === 0 ? 0 : value + offset
}

/** A first-order lag that starts at its first input. */
function follower(lagMs: number): (input: number, dtMs: number) => number {
  let value: number | undefined
  return (input, dtMs) => {
    if (value === undefined || lagMs <= 0) value = input
    else value += (input - value) * (1 - Math.exp(-dtMs / lagMs))
    return value
  }
}
