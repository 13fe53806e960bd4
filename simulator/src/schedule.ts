/** Due times of many devices in one binary heap: one timer for the whole fleet, on an absolute schedule that does not drift. */
export class Schedule<Item> {
  #heap: { dueMs: number; item: Item }[] = []

  get size(): number {
    return this.#heap.length
  }

  get nextDueMs(): number | undefined {
    return this.#heap[0]?.dueMs
  }

  add(dueMs: number, item: Item): void {
    const heap = this.#heap
    let index = heap.push({ dueMs, item }) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!this.#swapIfEarlier(index, parent)) break
      index = parent
    }
  }

  /** Takes the earliest item if it is due. */
  takeDue(nowMs: number): { readonly dueMs: number; readonly item: Item } | undefined {
    const heap = this.#heap
    const [first] = heap
    if (!first || first.dueMs > nowMs) return undefined
    const last = heap.pop()
    if (last && heap.length > 0) {
      heap[0] = last
      this.#sink()
    }
    return first
  }

  #sink(): void {
    let index = 0
    for (;;) {
      const left = 2 * index + 1
      const right = left + 1
      const heap = this.#heap
      const least =
        (heap[right]?.dueMs ?? Infinity) < (heap[left]?.dueMs ?? Infinity) ? right : left
      if (least >= heap.length || !this.#swapIfEarlier(least, index)) return
      index = least
    }
  }

  #swapIfEarlier(child: number, parent: number): boolean {
    const heap = this.#heap
    const a = heap[child]
    const b = heap[parent]
    if (!a || !b || a.dueMs >= b.dueMs) return false
    heap[child] = b
    heap[parent] = a
    return true
  }
}
