/** mulberry32: the campaign's only source of chance, so that a seed repeats its plan. */
export function seeded(seed: number): {
  next: () => number
  pick: <T>(items: readonly T[]) => T
  between: (low: number, high: number) => number
} {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    next,
    pick: (items) => {
      const item = items[Math.floor(next() * items.length)]
      if (item === undefined) throw new RangeError('nothing to pick from')
      return item
    },
    between: (low, high) => low + next() * (high - low),
  }
}
