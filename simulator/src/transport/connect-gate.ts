/**
 * How many connects of a fleet may be under way at once. A listener that accepts slowly (Node's takes one connection for each turn of its
 * loop) would otherwise spend its time on attempts that have already given up, and no device would ever get in. Who waits here is counted
 * as waiting: latencies begin when the connect was due.
 */
export class ConnectGate {
  readonly #waiting = new Set<() => void>()
  #free: number

  constructor(atOnce: number) {
    this.#free = atOnce
  }

  /** Calls `start` when there is room, in the order of asking. To be left by the returned function, however the attempt ended, once or more. */
  enter(start: () => void): () => void {
    let isInside = false
    const begin = (): void => {
      this.#waiting.delete(begin)
      this.#free--
      isInside = true
      start()
    }
    if (this.#free > 0) begin()
    else this.#waiting.add(begin)
    return () => {
      this.#waiting.delete(begin)
      if (!isInside) return
      isInside = false
      this.#free++
      const [next] = this.#waiting
      next?.()
    }
  }
}
