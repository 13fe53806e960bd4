import type { ServerMessage, Welcome } from '@gaugeline/backend/protocol'
import type { Clock } from './clock.ts'
import type { Connection, StreamListener } from './stream-client.ts'

/** Where a connection stands, and who is told of it. */
export class ConnectionState {
  readonly #clock: Clock
  readonly #listeners = new Set<StreamListener>()
  #current: Connection

  constructor(clock: Clock) {
    this.#clock = clock
    this.#current = { phase: 'idle', since: clock.now(), attempt: 0, clockOffsetMs: 0 }
  }

  get current(): Connection {
    return this.#current
  }

  listen(listener: StreamListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  change(change: Partial<Connection>): void {
    const moved = change.phase !== undefined && change.phase !== this.#current.phase
    this.changeQuietly(moved ? { since: this.#clock.now(), ...change } : change)
    for (const listener of this.#listeners) listener.connection?.(this.#current)
  }

  /** For what a view reads when it looks: no event of its own. */
  changeQuietly(change: Partial<Connection>): void {
    this.#current = { ...this.#current, ...change }
  }

  tell(message: ServerMessage): void {
    const now = this.#clock.now()
    for (const listener of this.#listeners) listener.message?.(message, now)
  }

  /** False when a listener could not subscribe again. */
  async resumeAll(welcome: Welcome): Promise<boolean> {
    const ready = [...this.#listeners].map(async (listener) => listener.welcome?.(welcome))
    const settled = await Promise.allSettled(ready)
    return settled.every(({ status }) => status === 'fulfilled')
  }
}
