/** One thing on the page that is drawn again and again. */
export interface Drawable {
  /** True while it is on screen; nothing else is drawn. */
  isVisible(): boolean
  /** Milliseconds between two drawings. */
  intervalMs(): number
  draw(): void
}

/** What the scheduler needs of a page. */
export interface Frames {
  now(): number
  request(callback: () => void): number
  isHidden(): boolean
}

const BUDGET_MS = 8
const FRAME_MS = 1_000 / 60

/**
 * The one drawing loop of the page: each frame draws the charts that were never drawn or are wanted soon, until 8 ms are gone; the others
 * take turns, spread over their interval, the longest waiting first. A hidden page draws nothing.
 */
export class DrawScheduler {
  readonly #frames: Frames
  readonly #drawnAt = new Map<Drawable, number>()
  #handle: number | undefined
  #lastDrawnAt = -Infinity

  constructor(frames: Frames) {
    this.#frames = frames
  }

  add(drawable: Drawable): () => void {
    this.#drawnAt.set(drawable, -Infinity)
    this.#handle ??= this.#frames.request(() => this.#frame())
    return () => this.#drawnAt.delete(drawable)
  }

  /** Draws it in the next frame, whatever its interval. */
  soon(drawable: Drawable): void {
    if (this.#drawnAt.has(drawable)) this.#drawnAt.set(drawable, -Infinity)
  }

  #frame(): void {
    this.#handle = undefined
    if (this.#drawnAt.size === 0) return
    this.#handle = this.#frames.request(() => this.#frame())
    if (this.#frames.isHidden()) return
    const start = this.#frames.now()
    const visible = [...this.#drawnAt].filter(([drawable]) => drawable.isVisible())
    const due = visible
      .filter(([drawable, at]) => start - at >= drawable.intervalMs())
      .sort((a, b) => a[1] - b[1])
    for (const [drawable, at] of due) {
      const turnMs = drawable.intervalMs() / visible.length - FRAME_MS
      if (at !== -Infinity && this.#frames.now() - this.#lastDrawnAt < turnMs) break
      drawable.draw()
      this.#lastDrawnAt = this.#frames.now()
      this.#drawnAt.set(drawable, this.#lastDrawnAt)
      if (this.#lastDrawnAt - start > BUDGET_MS) break
    }
  }
}

export const pageScheduler = new DrawScheduler({
  now: () => performance.now(),
  request: (callback) => requestAnimationFrame(callback),
  isHidden: () => document.hidden,
})
