import * as v from 'valibot'

const demandSchema = v.object({
  watchers: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  at: v.pipe(v.number(), v.safeInteger()),
})

/** How often a device sends: as configured or commanded, and slower while it knows that nobody watches, if it does so at all. */
export class Pace {
  readonly #configuredMs: number
  readonly #idleMs: number
  #setMs: number
  #watchers: number | undefined
  #toldAtMs = 0
  #factor = 1

  /** `idleMs`: the time between readings while nobody watches; without it, watchers make no difference. */
  constructor(intervalMs: number, idleMs = 0) {
    this.#configuredMs = intervalMs
    this.#setMs = intervalMs
    this.#idleMs = idleMs
  }

  /** Milliseconds from one reading to the next. A device that was told nothing does not slow down: perhaps nobody counts. */
  get intervalMs(): number {
    const ms = this.#watchers === 0 ? Math.max(this.#setMs, this.#idleMs) : this.#setMs
    return ms / this.#factor
  }

  /** A stage's rate: all devices send so many times as often. */
  setFactor(factor: number): void {
    this.#factor = factor
  }

  get factor(): number {
    return this.#factor
  }

  set(ms: number): void {
    this.#setMs = ms
  }

  /** As after a start. What was told about watchers is told again when the device subscribes: it is retained. */
  reset(): void {
    this.#setMs = this.#configuredMs
  }

  /** Takes `{"watchers":n,"at":ms}`; an older one that comes late, and anything else, changes nothing. Returns whether it counted. */
  takeDemand(payload: Buffer): boolean {
    const demand = parseDemand(payload)
    if (!demand || demand.at < this.#toldAtMs) return false
    this.#watchers = demand.watchers
    this.#toldAtMs = demand.at
    return true
  }
}

function parseDemand(payload: Buffer): v.InferOutput<typeof demandSchema> | undefined {
  try {
    const parsed = v.safeParse(demandSchema, JSON.parse(payload.toString('utf8')))
    return parsed.success ? parsed.output : undefined
  } catch {
    return undefined
  }
}
