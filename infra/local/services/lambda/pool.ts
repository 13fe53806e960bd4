import type { Clock } from '../../platform/types.ts'
import type { Environment, FunctionErrorBody } from './environment.ts'

/** The execution environments of one function. */
export interface Pool {
  /**
   * An environment that is ready and idle; it must be given back with `release`. Waits while all are busy and no more may be started.
   * Answers the error when the init phase failed twice (LAMBDA-12), `abandoned` when the signal aborts while it waits.
   */
  acquire(abandoned?: AbortSignal): Promise<Environment | FunctionErrorBody | 'abandoned'>
  release(environment: Environment): void
  /** Starts an environment ahead of its first event. */
  warm(): Promise<void>
  /** Environments alive. */
  size(): number
  /** Ends all; those at work first finish their event unless `now`. */
  retire(now: boolean): Promise<void>
}

interface Waiter {
  initFailures: number
  readonly settle: (result: Environment | FunctionErrorBody | 'abandoned') => void
}

/** Environments that may be in their init phase at once: a burst on a small machine is served sooner by those that come free. */
const STARTING_AT_ONCE = 2
/** AWS keeps an idle environment for some minutes, without a promise. */
const IDLE_MS = 10 * 60_000

const stoppedError: FunctionErrorBody = {
  errorType: 'Runtime.ExitError',
  errorMessage: 'Error: the function has been stopped',
}

export function createPool(options: {
  readonly clock: Clock
  readonly maxEnvironments: number
  readonly start: () => Environment
}): Pool {
  const alive = new Set<Environment>()
  const idle: { readonly environment: Environment; readonly cancelReaping: () => void }[] = []
  const waiting = new Set<Waiter>()
  let starting = 0
  let retired = false
  let ended = false

  function startMore(): void {
    while (
      !ended &&
      starting < Math.min(waiting.size, STARTING_AT_ONCE) &&
      alive.size < options.maxEnvironments
    )
      void startOne()
  }

  async function startOne(): Promise<void> {
    starting++
    const environment = options.start()
    alive.add(environment)
    environment.onGone(() => {
      alive.delete(environment)
      const at = idle.findIndex((entry) => entry.environment === environment)
      if (at >= 0) idle.splice(at, 1)[0]?.cancelReaping()
    })
    const outcome = await environment.ready
    starting--
    if (outcome.ok) release(environment)
    else initFailed(outcome.error)
  }

  /** LAMBDA-12: a failed init phase is retried at the invocation, once; then it is the invocation's error. */
  function initFailed(error: FunctionErrorBody): void {
    const [first] = waiting
    if (first && ++first.initFailures >= 2) {
      waiting.delete(first)
      first.settle(error)
    }
    startMore()
  }

  function release(environment: Environment): void {
    if (!environment.isAlive()) {
      startMore()
      return
    }
    const [next] = waiting
    if (next) {
      waiting.delete(next)
      next.settle(environment)
      return
    }
    if (retired) {
      void environment.terminate()
      return
    }
    const cancelReaping = options.clock.after(IDLE_MS, () => void environment.terminate())
    idle.push({ environment, cancelReaping })
  }

  return {
    acquire(abandoned) {
      if (abandoned?.aborted === true) return Promise.resolve('abandoned')
      const entry = idle.pop()
      if (entry) {
        entry.cancelReaping()
        return Promise.resolve(entry.environment)
      }
      return new Promise((resolve) => {
        const giveUp = (): void => {
          waiting.delete(waiter)
          resolve('abandoned')
        }
        const waiter: Waiter = {
          initFailures: 0,
          settle(result) {
            abandoned?.removeEventListener('abort', giveUp)
            resolve(result)
          },
        }
        abandoned?.addEventListener('abort', giveUp, { once: true })
        waiting.add(waiter)
        startMore()
      })
    },
    release,
    async warm() {
      if (alive.size === 0) await startOne()
    },
    size: () => alive.size,
    async retire(now) {
      retired = true
      ended = now
      // Those that still wait for an environment get none.
      if (now) for (const waiter of waiting) waiter.settle(stoppedError)
      if (now) waiting.clear()
      const ending = now ? [...alive] : idle.map((entry) => entry.environment)
      await Promise.all(ending.map((environment) => environment.terminate()))
    },
  }
}
