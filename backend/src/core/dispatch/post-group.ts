import type { Timer } from '../clock.ts'
import { medianOf } from './latency-estimate.ts'
import type { PostOutcome, Posts } from './ports.ts'

/** `stalled`: no answer in time, and it is not the reader's doing: nobody else got one either, everybody waits long, or this process was held up. */
export type GroupOutcome = PostOutcome | 'stalled'

/** Posts that share a straggler timeout, and by which each is judged: when nothing comes back any more, those still running are cut together. */
export interface PostGroup {
  /** `slow` or `stalled` after `limitMs`, or as soon as the straggler timeout has passed. */
  post(connectionId: string, message: string, limitMs: number): Promise<GroupOutcome>
  /** Asks for the straggler timeout again, because it may have changed. */
  updateTimeout(): void
  /** The same, counted from now. */
  restartTimeout(): void
  /** Whether the straggler timeout has cut a post. */
  hasTimedOut(): boolean
  /** Whether a post stalled: it is of no use to begin others. */
  hasStalled(): boolean
}

export interface GroupRules {
  /** How long to wait, after the last post that came back, for those that have not; undefined for no other limit than each post's own. */
  readonly stragglerTimeoutMs: () => number | undefined
  /** Hears how long each accepted post took. */
  readonly onAccepted: (tookMs: number) => void
  /** False for connections that are known to be slow: each is judged by itself. */
  readonly comparesReaders: boolean
}

/** A timer that comes so late says that this process was held up: answers may lie unread in its sockets. */
const LATE_MS = 50

export function createPostGroup(
  { posts, clock }: { readonly posts: Posts; readonly clock: Timer },
  rules: GroupRules,
): PostGroup {
  /** Epoch ms at which each began, oldest first. */
  const running = new Map<AbortController, number>()
  /** How long each post that was answered took, in the order of the answers. */
  const answeredMs: number[] = []
  let begun = 0
  let lastAnswerMs = clock.now()
  let timedOut = false
  let stalled = false
  let cancelTimer = (): void => undefined

  const updateTimeout = (): void => {
    cancelTimer()
    const timeoutMs = rules.stragglerTimeoutMs()
    const [oldestMs] = running.values()
    if (timeoutMs === undefined || oldestMs === undefined) return
    const nowMs = clock.now()
    const dueMs = Math.max(lastAnswerMs, oldestMs) + timeoutMs
    if (dueMs > nowMs) {
      cancelTimer = clock.after(dueMs - nowMs, () => {
        // While this process was held up nobody could be heard: the wait begins anew.
        if (clock.now() - dueMs > LATE_MS) lastAnswerMs = clock.now()
        updateTimeout()
      })
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
  /** Aborts the post after its limit; after a limit that came late, it has as long again as it came too late. */
  const limit = (controller: AbortController, limitMs: number): (() => void) => {
    const dueMs = clock.now() + limitMs
    let cancel = clock.after(limitMs, () => {
      const lateMs = clock.now() - dueMs
      if (lateMs <= LATE_MS) {
        cut(controller)
        return
      }
      stalled ||= rules.comparesReaders
      cancel = clock.after(Math.min(limitMs, lateMs), () => {
        cut(controller)
      })
    })
    return () => {
      cancel()
    }
  }
  /** Whether the reader of a post that was not answered is to blame. `answered`: how many answers there were when it began. */
  const judge = (answered: number, limitMs: number): GroupOutcome => {
    if (!rules.comparesReaders) return 'slow'
    const others = medianOf(answeredMs.slice(answered))
    const isAlone = begun === 1
    if (!stalled && (isAlone || (others !== undefined && others <= limitMs / 4))) return 'slow'
    stalled = true
    return 'stalled'
  }

  return {
    async post(connectionId, message, limitMs) {
      const controller = new AbortController()
      const begunMs = clock.now()
      const answered = answeredMs.length
      begun++
      running.set(controller, begunMs)
      const cancelLimit = limit(controller, limitMs)
      updateTimeout()
      const outcome = await Promise.race([
        posts.post(connectionId, message, controller.signal),
        whenAborted(controller.signal),
      ])
      cancelLimit()
      running.delete(controller)
      if (outcome !== 'slow') {
        lastAnswerMs = clock.now()
        answeredMs.push(lastAnswerMs - begunMs)
      }
      if (outcome === 'ok') rules.onAccepted(clock.now() - begunMs)
      updateTimeout()
      return outcome === 'slow' ? judge(answered, limitMs) : outcome
    },
    updateTimeout,
    restartTimeout() {
      lastAnswerMs = clock.now()
      updateTimeout()
    },
    hasTimedOut: () => timedOut,
    hasStalled: () => stalled,
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
