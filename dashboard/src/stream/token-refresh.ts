import type { Refreshed } from '@gaugeline/backend/protocol'
import type { TokenSource } from './token-source.ts'

const REFRESH_BEFORE_MS = 60_000
const REFRESH_RETRY_MS = 15_000

export interface TokenRefreshOptions {
  readonly token: TokenSource
  readonly send: (token: string) => Promise<Refreshed>
  /** The live socket has a token that ends at that time, epoch milliseconds of the server. */
  readonly refreshed: (tokenExpiresAt: number) => void
}

/** Puts a new token on the live socket a minute before the old one ends. */
export class TokenRefresh {
  readonly #options: TokenRefreshOptions
  #notBefore = 0

  constructor(options: TokenRefreshOptions) {
    this.#options = options
  }

  /** A new socket has a token of its own. */
  restart(): void {
    this.#notBefore = 0
  }

  /** `now` is this machine's, the other times are the server's. Epoch milliseconds. */
  look(now: number, times: { tokenExpiresAt: number; serverNow: number }): void {
    if (now < this.#notBefore) return
    if (times.tokenExpiresAt - times.serverNow > REFRESH_BEFORE_MS) return
    this.#notBefore = now + REFRESH_RETRY_MS
    void this.#refresh()
  }

  /** Failing is no end: a later look tries again, the close code says when it is too late. */
  async #refresh(): Promise<void> {
    const { token, send, refreshed } = this.#options
    try {
      const { tokenExpiresAt } = await send(await token('renew'))
      refreshed(tokenExpiresAt * 1_000)
    } catch {
      return
    }
  }
}
