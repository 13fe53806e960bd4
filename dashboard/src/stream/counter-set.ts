/**
 * Which device counters have been seen, per boot, as merged ranges: a device that counts without holes costs one range however long it
 * runs. Catches a reading that comes twice even when its time differs (a payload without `ts` gets the broker's time each time).
 */
export class CounterSet {
  readonly #boots = new Map<string, { from: number; to: number }[]>()

  /** Adds `n` of `boot`; false when it was there. */
  add(boot: string, n: number): boolean {
    const ranges = this.#boots.get(boot)
    if (!ranges) {
      this.#boots.set(boot, [{ from: n, to: n }])
      return true
    }
    // Newest last, and nearly every counter belongs there.
    let i = ranges.length - 1
    while (i >= 0 && (ranges[i]?.from ?? 0) > n) i--
    const left = ranges[i]
    if (left && n <= left.to) return false
    const right = ranges[i + 1]
    const joinsLeft = left?.to === n - 1
    const joinsRight = right?.from === n + 1
    if (joinsLeft && joinsRight) {
      left.to = right.to
      ranges.splice(i + 1, 1)
    } else if (joinsLeft) left.to = n
    else if (joinsRight) right.from = n
    else ranges.splice(i + 1, 0, { from: n, to: n })
    return true
  }
}
