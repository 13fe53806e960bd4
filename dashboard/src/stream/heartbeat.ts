import { limits } from '@gaugeline/backend/protocol'
import type { Clock } from './clock.ts'
import { judge } from './liveness.ts'

const LOOK_EVERY_MS = 1_000

export interface HeartbeatEvents {
  /** Send a ping stamped `t0` now. */
  ping(t0: number): void
  /** The answer is late; the socket may still live. */
  checking(): void
  dead(): void
  /** A look that did not find the socket dead. */
  looked(now: number): void
}

export interface HeartbeatOptions {
  readonly clock: Clock
  readonly random: () => number
  /** When the last message came, epoch milliseconds of this machine; undefined = none yet. */
  readonly lastReceivedAt: () => number | undefined
  readonly events: HeartbeatEvents
}

/** Looks at the current socket once a second, and pings every 25 s ± 20 %. The verdict is {@link judge}'s. */
export class Heartbeat {
  readonly #options: HeartbeatOptions
  #pingSentAt: number | undefined
  #nextPingAt = 0
  #lastLookAt = 0
  #cancelLook = (): void => undefined

  constructor(options: HeartbeatOptions) {
    this.#options = options
  }

  /** For a new socket: nothing is owed by it yet. */
  start(): void {
    this.#pingSentAt = undefined
    this.#lastLookAt = this.#options.clock.now()
    this.ping()
    this.#look()
  }

  stop(): void {
    this.#cancelLook()
  }

  ping(): void {
    const { clock, random, events } = this.#options
    const t0 = clock.now()
    this.#pingSentAt = t0
    this.#nextPingAt = t0 + limits.pingIntervalMs * (0.8 + 0.4 * random())
    events.ping(t0)
  }

  ponged(t0: number): void {
    if (this.#pingSentAt === t0) this.#pingSentAt = undefined
  }

  #look(): void {
    const { clock, events, lastReceivedAt } = this.#options
    this.#cancelLook()
    this.#cancelLook = clock.after(LOOK_EVERY_MS, () => this.#look())
    const now = clock.now()
    const verdict = judge(now, {
      pingSentAt: this.#pingSentAt,
      lastReceivedAt: lastReceivedAt() ?? now,
      nextPingAt: this.#nextPingAt,
      lastLookAt: this.#lastLookAt,
    })
    this.#lastLookAt = now
    if (verdict === 'ping') this.ping()
    if (verdict === 'checking') events.checking()
    if (verdict === 'dead') events.dead()
    else events.looked(now)
  }
}
