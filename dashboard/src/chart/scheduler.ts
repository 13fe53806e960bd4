import { everyPageTick, PAGE_TICK_MS } from '../page-clock.ts'

/** One thing on the page that is drawn again and again. */
export interface Drawable {
  /** True while it is on screen; nothing else is drawn. */
  isVisible(): boolean
  /** False when a drawing would show what is there already. */
  isDirty(): boolean
  /** Milliseconds between two drawings, rounded to ticks of the page. */
  intervalMs(): number
  /** How many points it drew. */
  draw(): number
}

/** What the scheduler needs of a page. */
export interface Frames {
  now(): number
  /** Calls back before the next picture of the screen. */
  request(callback: () => void): void
  /** Calls back with each tick of the page, until the returned function is called. */
  everyTick(callback: () => void): () => void
}

/** What has been drawn since the page was opened. */
export interface DrawCount {
  readonly frames: number
  readonly draws: number
  readonly points: number
}

const BUDGET_MS = 8

interface State {
  /** Ticks of the page since it was drawn. */
  age: number
  isWanted: boolean
}

/**
 * The one drawing loop of the page. With a tick the charts that are due take turns, the longest waiting first, so many that each comes
 * once in its interval; those that are wanted soon do not wait for a tick. A frame ends after 8 ms, and the others go on in the next. Between
 * ticks no frame is asked for: a picture of the screen costs by itself.
 */
export class DrawScheduler {
  readonly #frames: Frames
  readonly #states = new Map<Drawable, State>()
  readonly #count = { frames: 0, draws: 0, points: 0 }
  #isRequested = false
  #stopTicks = (): void => undefined

  constructor(frames: Frames) {
    this.#frames = frames
  }

  get count(): DrawCount {
    return { ...this.#count }
  }

  /** Draws it from the next frame on, until the returned function is called. */
  add(drawable: Drawable): () => void {
    if (this.#states.size === 0) this.#stopTicks = this.#frames.everyTick(() => this.#tick())
    this.#states.set(drawable, { age: 0, isWanted: true })
    this.#request()
    return () => {
      if (this.#states.delete(drawable) && this.#states.size === 0) this.#stopTicks()
    }
  }

  /** Draws it in the next frame, whatever its interval, if it is visible and dirty then. */
  soon(drawable: Drawable): void {
    const state = this.#states.get(drawable)
    if (!state) return
    state.isWanted = true
    this.#request()
  }

  #tick(): void {
    const visible = [...this.#states].filter(([drawable]) => drawable.isVisible())
    for (const [, state] of visible) state.age++
    const due = visible
      .filter(([drawable, { age }]) => age >= ticksOf(drawable))
      .sort(([, a], [, b]) => b.age - a.age)
    const shares = visible.map(([drawable]) => 1 / ticksOf(drawable))
    const turns = Math.max(1, Math.round(shares.reduce((sum, share) => sum + share, 0)))
    for (const [, state] of due.slice(0, turns)) state.isWanted = true
    if (due.length > 0) this.#request()
  }

  #request(): void {
    if (this.#isRequested) return
    this.#isRequested = true
    this.#frames.request(() => this.#frame())
  }

  #frame(): void {
    this.#isRequested = false
    const start = this.#frames.now()
    const before = this.#count.draws
    for (const [drawable, state] of this.#states) {
      if (!state.isWanted || !drawable.isVisible()) continue
      if (this.#frames.now() - start > BUDGET_MS) {
        this.#request()
        break
      }
      state.isWanted = false
      state.age = 0
      if (!drawable.isDirty()) continue
      this.#count.draws++
      this.#count.points += drawable.draw()
    }
    if (this.#count.draws > before) this.#count.frames++
  }
}

function ticksOf(drawable: Drawable): number {
  return Math.max(1, Math.round(drawable.intervalMs() / PAGE_TICK_MS))
}

export const pageScheduler = new DrawScheduler({
  now: () => performance.now(),
  request: (callback) => {
    requestAnimationFrame(callback)
  },
  everyTick: everyPageTick,
})
