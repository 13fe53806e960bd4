import type { Timer } from '../clock.ts'
import type { PostOutcome, Posts } from './ports.ts'

/** Posts that share a straggler timeout: when nothing comes back any more, those still running are cut together. */
export interface PostGroup {
  /** `slow` after `limitMs`, or as soon as the straggler timeout has passed. */
  post(connectionId: string, message: string, limitMs: number): Promise<PostOutcome>
  /** Asks for the straggler timeout again, because it may have changed. */
  updateTimeout(): void
  /** The same, counted from now. */
  restartTimeout(): void
  /** Whether the straggler timeout has cut a post. */
  hasTimedOut(): boolean
}

/**
 * `stragglerTimeoutMs`: how long to wait, after the last post that came back, for those that have not; undefined for no other limit than
 * each post's own. It is asked whenever a post begins or ends. `onAccepted` hears how long each accepted post took.
 */
export function createPostGroup(
  { posts, clock }: { readonly posts: Posts; readonly clock: Timer },
  rules: {
    readonly stragglerTimeoutMs: () => number | undefined
    readonly onAccepted: (tookMs: number) => void
  },
): PostGroup {
  /** Epoch ms at which each began, oldest first. */
  const running = new Map<AbortController, number>()
  let lastAnswerMs = clock.now()
  let timedOut = false
  let cancelTimer = (): void => undefined

  const updateTimeout = (): void => {
    cancelTimer()
    const timeoutMs = rules.stragglerTimeoutMs()
    const [oldestMs] = running.values()
    if (timeoutMs === undefined || oldestMs === undefined) return
    const nowMs = clock.now()
    const leftMs = Math.max(lastAnswerMs, oldestMs) + timeoutMs - nowMs
    if (leftMs > 0) {
      cancelTimer = clock.after(leftMs, updateTimeout)
      return
    }
    for (const [controller, begunMs] of running) {
      if (nowMs - begunMs >= timeoutMs) cut(controller)
    }
  }
  const cut = (controller: AbortController): void => {
    timedOut = true
    running.delete(controller)
    controller.abort()
  }

  return {
    async post(connectionId, message, limitMs) {
      const controller = new AbortController()
      const begunMs = clock.now()
      running.set(controller, begunMs)
      const cancelLimit = clock.after(limitMs, () => {
        running.delete(controller)
        controller.abort()
      })
      updateTimeout()
      const outcome = await Promise.race([
        posts.post(connectionId, message, controller.signal),
        whenAborted(controller.signal),
      ])
      cancelLimit()
      running.delete(controller)
      if (outcome !== 'slow') lastAnswerMs = clock.now()
      if (outcome === 'ok') rules.onAccepted(clock.now() - begunMs)
      updateTimeout()
      return outcome
    },
    updateTimeout,
    restartTimeout() {
      lastAnswerMs = clock.now()
      updateTimeout()
    },
    hasTimedOut: () => timedOut,
  }
}

/** The batch goes on at once, however long the client library takes to give up. */
function whenAborted(signal: AbortSignal): Promise<PostOutcome> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      resolve('slow')
    })
  })
}
