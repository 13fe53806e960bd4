const TIME_STEPS_MS = [
  1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000,
  1_800_000, 3_600_000, 7_200_000, 21_600_000,
]

/** Round times inside the window, at most `count`, epoch milliseconds. */
export function timeTicks(fromMs: number, toMs: number, count: number): number[] {
  const step = TIME_STEPS_MS.find((candidate) => (toMs - fromMs) / candidate <= count) ?? 86_400_000
  const ticks: number[] = []
  for (let at = Math.ceil(fromMs / step) * step; at <= toMs; at += step) ticks.push(at)
  return ticks
}

/** A step of 1, 2 or 5 times a power of ten that cuts `span` into about `count` pieces. */
export function niceStep(span: number, count: number): number {
  const rough = span / count
  const power = 10 ** Math.floor(Math.log10(rough))
  const share = rough / power
  return (share <= 1 ? 1 : share <= 2 ? 2 : share <= 5 ? 5 : 10) * power
}

interface Bounds {
  readonly min: number
  readonly max: number
}

/** Bounds that are multiples of a round step. */
export interface AxisBounds extends Bounds {
  readonly step: number
}

/** The multiples of the step inside the bounds. */
export function valueTicks({ min, max, step }: AxisBounds): number[] {
  const ticks: number[] = []
  // Adding 0 below makes 0 of -0, which would read “−0”.
  const first = Math.ceil(min / step - 1e-9)
  for (let i = first; i * step <= max + step * 1e-9; i++) ticks.push(i * step + 0)
  return ticks
}

/** Bounds, their span and a margin must not leave the numbers there are; what lies beyond leaves the picture instead. */
const FARTHEST = Number.MAX_VALUE / 16
/** The smallest span, as a share of the values: below it steps would vanish in their rounding, and ticks never come to an end. */
const FINEST = 2 ** -40
/** The span around a value that never moves, as a share of it: its scale must not magnify what is not there. */
const AROUND_CONSTANT = 1e-3

/**
 * Calm bounds for a value axis: grows at once when a value would leave the picture, shrinks only when the data fills less than a third of
 * it, so that the scale does not breathe with every reading. `least` is the smallest span worth showing.
 */
export function calmBounds(
  columns: Bounds,
  held: AxisBounds | undefined,
  least: number,
): AxisBounds {
  if (!Number.isFinite(columns.min)) return held ?? { min: 0, max: least, step: least }
  const data = {
    min: Math.max(-FARTHEST, Math.min(FARTHEST, columns.min)),
    max: Math.max(-FARTHEST, Math.min(FARTHEST, columns.max)),
  }
  const farthest = Math.max(Math.abs(data.min), Math.abs(data.max))
  const share = data.max === data.min ? AROUND_CONSTANT : FINEST
  const span = Math.max(data.max - data.min, least, farthest * share)
  if (held && data.min >= held.min && data.max <= held.max && span > (held.max - held.min) * 0.3) {
    return held
  }
  const middle = (data.min + data.max) / 2
  const wanted = Math.min(data.min, middle - span / 2) - span * 0.12
  // No room below zero for what is never negative.
  const low = data.min >= 0 ? Math.max(0, wanted) : wanted
  const high = Math.max(data.max, middle + span / 2) + span * 0.12
  const step = niceStep(high - low, 4)
  return { min: Math.floor(low / step) * step, max: Math.ceil(high / step) * step, step }
}
