import { clamp, quantise } from './converter.ts'
import type { Channel } from './profile.ts'

/** How fast a controlled channel comes to its set point, and what counts as its slow course. */
const TAU_MS = 3_000

/** A channel under control. */
interface Held {
  target: number
  /** Epoch ms of the last step; undefined before the first. */
  atMs: number | undefined
  /** Where the control has the channel. */
  position: number
  /** The slow course that the channel would take by itself; what it does around that is noise, and stays. */
  course: number
}

/** The set points of a device: each moves its channel to a value within seconds and holds it there, with the channel's own quick noise. */
export interface SetPoints {
  /** The device's first channel when none is named. Returns the channel, or why it cannot be set. */
  set(
    metric: string | undefined,
    value: number,
  ): { readonly metric: string } | { readonly refused: string }
  clear(): void
  /** The values as the set points have them at this time, on the grid and within the range of each channel. */
  apply(values: Readonly<Record<string, number>>, nowMs: number): Record<string, number>
}

/** No set points yet, for a device with these channels. A counter cannot be set. */
export function setPoints(channels: Readonly<Record<string, Channel>>): SetPoints {
  const held = new Map<string, Held>()
  const settable = Object.keys(channels).filter((name) => !channels[name]?.integrates)
  return {
    set(metric = settable[0] ?? '', value) {
      const channel = channels[metric]
      if (!channel || !settable.includes(metric)) {
        return { refused: `a set point is for one of ${settable.join(', ')}` }
      }
      const [low, high] = channel.range
      if (value < low || value > high) return { refused: `${metric} goes from ${low} to ${high}` }
      const start = held.get(metric) ?? { atMs: undefined, position: 0, course: 0 }
      held.set(metric, { ...start, target: value })
      return { metric }
    },
    clear() {
      held.clear()
    },
    apply(values, nowMs) {
      const result: Record<string, number> = { ...values }
      for (const [metric, control] of held) {
        const [channel, value] = [channels[metric], values[metric]]
        if (!channel || value === undefined) continue
        step(control, value, nowMs)
        const controlled = control.position + value - control.course
        result[metric] = quantise(clamp(controlled, channel.range), channel.quantum)
      }
      return result
    },
  }
}

function step(held: Held, value: number, nowMs: number): void {
  if (held.atMs === undefined) Object.assign(held, { position: value, course: value })
  const share = 1 - Math.exp(-Math.max(0, nowMs - (held.atMs ?? nowMs)) / TAU_MS)
  held.position += (held.target - held.position) * share
  held.course += (value - held.course) * share
  held.atMs = nowMs
}
