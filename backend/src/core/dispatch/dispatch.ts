import type { Timer } from '../clock.ts'
import type { EntitlementCheck } from '../fanout/entitlement.ts'
import type { OutboundMessages } from '../fanout/outbound-messages.ts'
import { runPool } from '../run-pool.ts'
import type { CircuitBreakers } from './circuit-breaker.ts'
import { medianOf, type LatencyEstimate } from './latency-estimate.ts'
import type { Posts } from './ports.ts'
import { createPostGroup, type PostGroup } from './post-group.ts'
import { notSent, POST_LIMIT_MS, sendMessages, type DispatchResult } from './send-messages.ts'

/** Connections posted to at once, and of those whose circuit is half-open. The HTTP agent has sockets for both. */
const AT_ONCE = 48
const TRIALS_AT_ONCE = 8
/** How long everybody waits for the last ones of a batch, at least. */
const STRAGGLER_MS = 100
/** How long everybody waits for half-open circuits, at least. */
const TRIAL_MS = 30

export interface Dispatching {
  readonly posts: Posts
  readonly clock: Timer
  readonly entitlement: EntitlementCheck
  readonly breakers: CircuitBreakers
  readonly latency: LatencyEstimate
  /** Epoch ms after which nothing is begun. */
  readonly deadlineMs: number
  /** Takes each connection's result as soon as it is there: what follows from it is done beside the other posts. */
  readonly onResult: (result: DispatchResult) => void
}

/**
 * Posts everybody's messages, connections side by side; one result for each. Who cannot follow does not hold up the others: once most have
 * theirs, the last ones get a straggler timeout measured by what the others took; who was cut or refused has its circuit opened
 * ({@link CircuitBreakers}) and is tried again beside the others, without the batch waiting for it. When it is not the reader that is slow but
 * the machine or the gateway ({@link GroupOutcome} `stalled`), nobody is to blame: the rest of the batch is shed, and the next one is tried.
 */
export async function dispatch(
  all: readonly OutboundMessages[],
  dispatching: Dispatching,
): Promise<void> {
  const { closed, halfOpen } = sortByCircuit(all, dispatching)
  const trials = createTrials(dispatching, closed.length > 0)
  const trying = trials.run(halfOpen)
  await postToClosed(closed, dispatching)
  trials.othersAreDone()
  await trying
}

function sortByCircuit(
  all: readonly OutboundMessages[],
  { breakers, clock, onResult }: Dispatching,
): {
  readonly closed: readonly OutboundMessages[]
  readonly halfOpen: readonly OutboundMessages[]
} {
  const nowMs = clock.now()
  const closed: OutboundMessages[] = []
  const due: { readonly outbound: OutboundMessages; readonly dueMs: number }[] = []
  for (const outbound of all) {
    const state = breakers.stateOf(outbound.connectionId, nowMs)
    if (state.kind === 'closed') closed.push(outbound)
    else if (state.kind === 'half-open') due.push({ outbound, dueMs: state.dueMs })
    else onResult(notSent(outbound, 'circuit-open', state.reason))
  }
  // Who has waited longest is first: the places are few.
  due.sort((a, b) => a.dueMs - b.dueMs)
  return { closed, halfOpen: due.map(({ outbound }) => outbound) }
}

async function postToClosed(
  all: readonly OutboundMessages[],
  dispatching: Dispatching,
): Promise<void> {
  const { latency, clock, onResult } = dispatching
  let ended = 0
  const tookMs: number[] = []
  /** Of the first half; the last ones must not have a say in how long they are waited for. */
  let medianMs: number | undefined
  const group = createPostGroup(dispatching, {
    stragglerTimeoutMs() {
      // While most still wait it may be the platform that is slow, and nobody is to blame.
      if (ended * 2 < all.length) return undefined
      medianMs ??= medianOf(tookMs)
      if (medianMs === undefined) return undefined
      const expectedMs = Math.max(medianMs, latency.currentMs(clock.now()) ?? 0)
      return Math.min(POST_LIMIT_MS, Math.max(STRAGGLER_MS, 4 * expectedMs))
    },
    onAccepted: (ms) => void tookMs.push(ms),
    comparesReaders: true,
  })
  await runPool(all, AT_ONCE, async (outbound) => {
    onResult(await sendMessages(outbound, { ...dispatching, group }))
    ended++
    group.updateTimeout()
  })
  medianMs ??= medianOf(tookMs)
  if (medianMs !== undefined) latency.record(medianMs, clock.now())
}

/** Half-open circuits: tried from the beginning, waited for only a moment after the others have theirs. */
function createTrials(
  dispatching: Dispatching,
  hasOthers: boolean,
): { run: (all: readonly OutboundMessages[]) => Promise<void>; othersAreDone: () => void } {
  const { latency, clock, onResult } = dispatching
  let areOthersDone = !hasOthers
  const group: PostGroup = createPostGroup(dispatching, {
    stragglerTimeoutMs() {
      if (!areOthersDone) return undefined
      const expectedMs = latency.currentMs(clock.now())
      // Nobody has got anything for a while: there is nobody to hold up, and no telling what is usual.
      return expectedMs === undefined ? undefined : Math.max(TRIAL_MS, 2 * expectedMs)
    },
    onAccepted: () => undefined,
    comparesReaders: false,
  })
  return {
    run: (all) =>
      runPool(all, TRIALS_AT_ONCE, async (outbound) => {
        const result = group.hasTimedOut()
          ? notSent(outbound, 'circuit-open', 'slow')
          : await sendMessages(outbound, { ...dispatching, group })
        onResult(result)
      }),
    othersAreDone() {
      areOthersDone = true
      group.restartTimeout()
    },
  }
}
