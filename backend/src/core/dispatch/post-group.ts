import type { Timer } from '../clock.ts'
import type { PostOutcome, Posts } from '../delivery/ports.ts'

/** Posts that are cut together when nothing comes back any more. */
export interface PostLane {
  /** `slow` after `limitMs`, or as soon as the lane's patience has ended. */
  post(connectionId: string, message: string, limitMs: number): Promise<PostOutcome>
  /** Asks for the patience again. */
  look(): void
  /** The same, and counts it from now. */
  hurry(): void
  /** Whether the lane has lost its patience. */
  isCut(): boolean
}

/**
 * `patienceMs`: how long to wait, after the last post that came back, for those that have not; undefined for no other limit than each
 * post's own. It is asked whenever a post begins or ends. `onAccepted` hears how long each accepted post took.
 */
export function createPostLane(
  { posts, clock }: { readonly posts: Posts; readonly clock: Timer },
  rules: {
    readonly patienceMs: () => number | undefined
    readonly onAccepted: (tookMs: number) => void
  },
): PostLane {
  /** Epoch ms at which each began. */
  const running = new Map<AbortController, number>()
  let quietSinceMs = clock.now()
  let wasCut = false
  let forgetLook = (): void => undefined

  const look = (): void => {
    forgetLook()
    const patience = rules.patienceMs()
    if (patience === undefined || running.size === 0) return
    const nowMs = clock.now()
    const leftMs = Math.max(quietSinceMs, Math.min(...running.values())) + patience - nowMs
    if (leftMs > 0) {
      forgetLook = clock.after(leftMs, look)
      return
    }
    for (const [controller, begunMs] of running) {
      if (nowMs - begunMs >= patience) cut(controller)
    }
  }
  const cut = (controller: AbortController): void => {
    wasCut = true
    running.delete(controller)
    controller.abort()
  }

  return {
    async post(connectionId, message, limitMs) {
      const controller = new AbortController()
      const begunMs = clock.now()
      running.set(controller, begunMs)
      const forgetLimit = clock.after(limitMs, () => {
        running.delete(controller)
        controller.abort()
      })
      look()
      const outcome = await Promise.race([
        posts.post(connectionId, message, controller.signal),
        whenAborted(controller.signal),
      ])
      forgetLimit()
      running.delete(controller)
      if (outcome !== 'slow') quietSinceMs = clock.now()
      if (outcome === 'ok') rules.onAccepted(clock.now() - begunMs)
      look()
      return outcome
    },
    look,
    hurry() {
      quietSinceMs = clock.now()
      look()
    },
    isCut: () => wasCut,
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
