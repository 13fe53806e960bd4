/** Keeps the least of many at hand: adding and taking cost the logarithm of their number. */
export interface MinHeap<T> {
  add(item: T): void
  /** Undefined when empty. */
  first(): T | undefined
  /** Takes the first out. */
  shift(): T | undefined
  size(): number
}

/** `key`: what the items are ordered by; it must not change while an item is inside. */
export function minHeap<T>(key: (item: T) => number): MinHeap<T> {
  const items: T[] = []
  const isLess = (a: number, b: number): boolean => key(items[a] as T) < key(items[b] as T)
  const swap = (a: number, b: number): void => {
    const held = items[a] as T
    items[a] = items[b] as T
    items[b] = held
  }
  const sink = (): void => {
    for (let at = 0; ;) {
      const left = 2 * at + 1
      const right = left + 1
      let least = at
      if (left < items.length && isLess(left, least)) least = left
      if (right < items.length && isLess(right, least)) least = right
      if (least === at) return
      swap(at, least)
      at = least
    }
  }
  return {
    first: () => items[0],
    size: () => items.length,
    add(item) {
      items.push(item)
      for (let at = items.length - 1; at > 0;) {
        const parent = (at - 1) >> 1
        if (!isLess(at, parent)) return
        swap(at, parent)
        at = parent
      }
    },
    shift() {
      const first = items[0]
      const last = items.pop()
      if (items.length > 0) {
        items[0] = last as T
        sink()
      }
      return first
    },
  }
}
