import type { Random } from '../random.ts'
import type { MachineStates } from './profile.ts'

/** A semi-Markov machine: each state lasts a lognormal time, then one of the next states follows. Returns the state at a time. */
export function machine(states: MachineStates, random: Random): (nowMs: number) => string {
  let name = states.initial
  let until: number | undefined
  const dwell = (): number => {
    const state = states.states[name]
    return state ? state.medianMs * Math.exp(state.sigma * random.normal()) : Infinity
  }
  return (nowMs) => {
    // The first dwell is cut at a random point, or a whole fleet would change state together.
    until ??= nowMs + dwell() * random.next()
    while (nowMs >= until) {
      name = pick(states.states[name]?.next ?? {}, random) ?? name
      until += dwell()
    }
    return name
  }
}

function pick(weights: Readonly<Record<string, number>>, random: Random): string | undefined {
  let rest = random.next() * Object.values(weights).reduce((sum, weight) => sum + weight, 0)
  for (const [name, weight] of Object.entries(weights)) {
    rest -= weight
    if (rest < 0) return name
  }
  return Object.keys(weights).at(-1)
}
