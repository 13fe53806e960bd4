import type { Pong, Position } from '@gaugeline/backend/protocol'
import type { Clock } from './clock.ts'
import { Heartbeat } from './heartbeat.ts'
import type { SocketSession } from './socket-session.ts'
import type { Connection } from './stream-client.ts'

export interface PulseOptions {
  readonly clock: Clock
  readonly random: () => number
  readonly lastReceivedAt: () => number | undefined
  /** The socket that is in use now. */
  readonly session: () => SocketSession | undefined
  readonly events: {
    /** Nothing has come for a while. */
    checking(): void
    /** Nothing has come for so long that the socket is given up. */
    dead(): void
    /** The heart has beaten; `now` is epoch milliseconds of this machine. */
    looked(now: number): void
    measured(change: Pick<Connection, 'roundTripMs' | 'clockOffsetMs'>): void
  }
}

/** Keeps asking whether the socket in use lives: each ping reports the positions held, each pong measures the way and the server's clock. */
export class Pulse {
  readonly #options: PulseOptions
  readonly #heartbeat: Heartbeat
  /** The last position held of every device in complete mode. */
  positions: () => Readonly<Record<string, Position>> = () => ({})

  constructor(options: PulseOptions) {
    const { clock, random, lastReceivedAt, events } = options
    this.#options = options
    this.#heartbeat = new Heartbeat({
      clock,
      random,
      lastReceivedAt,
      events: {
        ping: (t0) => this.#ping(t0),
        checking: () => events.checking(),
        dead: () => events.dead(),
        looked: (now) => events.looked(now),
      },
    })
  }

  start(): void {
    this.#heartbeat.start()
  }

  stop(): void {
    this.#heartbeat.stop()
  }

  /** Asks at once. */
  beat(): void {
    this.#heartbeat.ping()
  }

  #ping(t0: number): void {
    const session = this.#options.session()
    session?.request({ action: 'ping', t0, positions: { ...this.positions() } }).then(
      (pong) => this.#ponged(session, t0, pong),
      // Silence is judged by the heartbeat, an error answer proves that the socket lives.
      () => undefined,
    )
  }

  #ponged(session: SocketSession, t0: number, { t1, t2 }: Pong): void {
    if (session !== this.#options.session()) return
    this.#heartbeat.ponged(t0)
    const t3 = this.#options.clock.now()
    this.#options.events.measured({
      roundTripMs: Math.max(0, t3 - t0 - (t2 - t1)),
      clockOffsetMs: (t1 - t0 + (t2 - t3)) / 2,
    })
  }
}
