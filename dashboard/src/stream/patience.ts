import type { Clock } from './clock.ts'
import { RequestFailed } from './stream-client.ts'

const ATTEMPTS = 5
const WAIT_MS = 500

/** Asks again when the server says "later", as late as it says. Rejects as `ask` does, after five answers of that kind too. */
export async function patiently<T>(clock: Clock, ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask()
    } catch (error) {
      const isLater =
        error instanceof RequestFailed &&
        (error.code === 'RATE_LIMITED' || error.code === 'OVERLOADED')
      if (!isLater || attempt === ATTEMPTS) throw error
      const waitMs = error.retryAfterMs ?? WAIT_MS * attempt
      await new Promise<void>((resolve) => clock.after(waitMs, resolve))
    }
  }
}
