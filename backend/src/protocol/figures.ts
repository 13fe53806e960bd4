/** Figures that the server and the dashboard must reckon alike. Imports nothing. */

const SMALLER = 2 ** -64

/** The arithmetic mean; finite and between the least and the greatest of finite values, however large they are. NaN of none. */
export function meanOf(values: ArrayLike<number>, counts?: ArrayLike<number>): number {
  let sum = 0
  let small = 0
  let count = 0
  let least = Infinity
  let greatest = -Infinity
  for (let i = 0; i < values.length; i++) {
    const weight = counts?.[i] ?? 1
    const value = values[i] ?? Number.NaN
    if (weight === 0) continue
    sum += value * weight
    small += value * SMALLER * weight
    count += weight
    least = Math.min(least, value)
    greatest = Math.max(greatest, value)
  }
  if (count === 0) return Number.NaN
  // Beyond the largest double the sum is reckoned with values made smaller, which is exact but for the tiniest.
  const mean = Number.isFinite(sum) ? sum / count : small / count / SMALLER
  return Math.max(least, Math.min(greatest, mean))
}

/**
 * The percentile by nearest rank: the least value that at least `percent` of 100 values do not exceed, always one of them. `sorted`
 * ascending; `percent` above 0, at most 100. Undefined of none.
 */
export function percentileOf(sorted: ArrayLike<number>, percent: number): number | undefined {
  return sorted[Math.max(1, Math.ceil((sorted.length * percent) / 100)) - 1]
}
