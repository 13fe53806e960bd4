import type { GapNotice } from '../../protocol/index.ts'
import type { Timer } from '../clock.ts'
import type { Frame } from '../blocks/frames.ts'
import type { EntitlementCheck } from '../fanout/entitlement.ts'
import type { OutboundMessages } from '../fanout/outbound-messages.ts'
import type { PostOutcome } from './ports.ts'
import type { PostGroup } from './post-group.ts'

/** What became of what one connection was to get. */
export interface DispatchResult {
  readonly connectionId: string
  readonly connectedAt: number | undefined
  /**
   * Of the last post, or why there was none: `circuit-open` (the connection could not follow a moment ago), `shed` (the batch was out of time, or the gateway does
   * not keep up),
   * `withheld` (the right to it has ended meanwhile).
   */
  readonly outcome: PostOutcome | 'circuit-open' | 'shed' | 'withheld'
  readonly posts: Readonly<Record<PostOutcome, number>>
  /** How many of the messages arrived. */
  readonly messagesSent: number
  readonly delivered: readonly { readonly frame: Frame; readonly acceptedMs: number }[]
  /** Frames that did not arrive: the reader sees the hole by the next block's `prev`, or by the next `pong`. */
  readonly unsent: readonly Frame[]
  /** What the reader will be told of them. */
  readonly gap: GapNotice['reason'] | undefined
}

export interface Sending {
  readonly group: PostGroup
  readonly entitlement: EntitlementCheck
  readonly clock: Timer
  /** Epoch ms after which nothing is begun. */
  readonly deadlineMs: number
}

/** How long one post may take. */
export const POST_LIMIT_MS = 1_000
/** A connection with many frames gets so much more for each, and never more than that in all. */
const MORE_FRAME_MS = 50
const CONNECTION_LIMIT_MS = 5_000

const nothingPosted = { ok: 0, gone: 0, throttled: 0, slow: 0, failed: 0, forbidden: 0 } as const

const gaps = {
  throttled: 'throttled',
  slow: 'slow',
  shed: 'shed',
  failed: 'failed',
} as const satisfies Partial<Record<DispatchResult['outcome'], GapNotice['reason']>>

/** Sends one connection's messages in order. The first failure ends its turn, so that a slow one costs one limit and not one per frame. */
export async function sendMessages(
  outbound: OutboundMessages,
  sending: Sending,
): Promise<DispatchResult> {
  const { clock } = sending
  const counts = { ...nothingPosted } as Record<PostOutcome, number>
  const delivered: { frame: Frame; acceptedMs: number }[] = []
  const all = outbound.messages.length + outbound.frames.length
  const endMs = clock.now() + Math.min(CONNECTION_LIMIT_MS, POST_LIMIT_MS + all * MORE_FRAME_MS)
  let outcome: DispatchResult['outcome'] = 'ok'
  const send = async (message: string): Promise<boolean> => {
    outcome = await mayBegin(outbound, sending, endMs)
    if (outcome !== 'ok') return false
    const limitMs = Math.min(POST_LIMIT_MS, sending.deadlineMs - clock.now())
    const posted = await sending.group.post(outbound.connectionId, message, limitMs)
    counts[posted === 'stalled' ? 'failed' : posted]++
    outcome = posted === 'stalled' ? 'shed' : posted
    return posted === 'ok'
  }
  let goesOn = true
  let messagesSent = 0
  for (const message of outbound.messages) {
    goesOn &&= await send(message)
    if (goesOn) messagesSent++
  }
  for (const frame of outbound.frames) {
    goesOn &&= await send(frame.message)
    if (!goesOn) break
    delivered.push({ frame, acceptedMs: clock.now() })
  }
  return resultOf(outbound, outcome, { posts: counts, messagesSent, delivered })
}

async function mayBegin(
  outbound: OutboundMessages,
  { entitlement, clock, deadlineMs, group }: Sending,
  endMs: number,
): Promise<'ok' | 'slow' | 'shed' | 'withheld'> {
  const right = await entitlement.check(outbound)
  if (right !== 'ok') return right
  if (clock.now() >= deadlineMs || group.hasStalled()) return 'shed'
  return clock.now() >= endMs ? 'slow' : 'ok'
}

/** The result for a connection to which nothing was posted. */
export function notSent(
  outbound: OutboundMessages,
  outcome: 'circuit-open' | 'shed',
  gap: GapNotice['reason'],
): DispatchResult {
  const nothing = { posts: nothingPosted, messagesSent: 0, delivered: [] }
  return { ...resultOf(outbound, outcome, nothing), gap }
}

function resultOf(
  { connectionId, connectedAt, frames }: OutboundMessages,
  outcome: DispatchResult['outcome'],
  sent: Pick<DispatchResult, 'posts' | 'messagesSent' | 'delivered'>,
): DispatchResult {
  const unsent = outcome === 'withheld' ? [] : frames.slice(sent.delivered.length)
  const gap = outcome in gaps ? gaps[outcome as keyof typeof gaps] : undefined
  return { connectionId, connectedAt, outcome, ...sent, unsent, gap }
}
