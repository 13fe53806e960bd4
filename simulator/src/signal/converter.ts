/** Within the range of a sensor. */
export function clamp(value: number, [low, high]: readonly [number, number]): number {
  return Math.min(high, Math.max(low, value))
}

/** To the grid of the converter, without the digits that binary fractions add. */
export function quantise(value: number, quantum: number): number {
  const digits = Math.max(0, Math.ceil(-Math.log10(quantum)))
  return Number((Math.round(value / quantum) * quantum).toFixed(digits))
}
