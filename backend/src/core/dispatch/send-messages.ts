import type { GapNotice } from '../../protocol/index.ts'
import type { Timer } from '../clock.ts'
import type { Frame } from '../blocks/frames.ts'
import type { PostOutcome } from '../delivery/ports.ts'
import type { PostLane } from './post-group.ts'
import type { Claim, Rights } from '../fanout/entitlement.ts'

/** What one connection gets of a batch. */
export interface Mail {
  readonly connectionId: string
  /** Epoch ms; undefined when nobody said. */
  readonly connectedAt: number | undefined
  /** What the mail's right to be sent rests on. */
  readonly claims: readonly Claim[]
  /** Notices and pushes that are not readings, before the frames. */
  readonly messages: readonly string[]
  readonly frames: readonly Frame[]
}

export interface Receipt {
  readonly connectionId: string
  readonly connectedAt: number | undefined
  /**
   * Of the last post, or why there was none: `held` (the connection could not follow a moment ago), `shed` (the batch was out of time),
   * `withheld` (the right to it has ended meanwhile).
   */
  readonly outcome: PostOutcome | 'held' | 'shed' | 'withheld'
  readonly posts: Readonly<Record<PostOutcome, number>>
  /** How many of the mail's messages arrived. */
  readonly messagesSent: number
  readonly delivered: readonly { readonly frame: Frame; readonly acceptedMs: number }[]
  /** Frames that did not arrive: the reader sees the hole by the next block's `prev`, or by the next `pong`. */
  readonly unsent: readonly Frame[]
  /** What the reader will be told of them. */
  readonly gap: GapNotice['reason'] | undefined
}

export interface Sending {
  readonly lane: PostLane
  readonly rights: Rights
  readonly clock: Timer
  /** Epoch ms after which nothing is begun. */
  readonly deadlineMs: number
}

/** How long one post may take. */
export const POST_LIMIT_MS = 1_000
/** A connection with many frames gets so much more for each, and never more than that in all. */
const MORE_FRAME_MS = 50
const MAIL_LIMIT_MS = 5_000

const nothingPosted = { ok: 0, gone: 0, throttled: 0, slow: 0, failed: 0, forbidden: 0 } as const

const gaps = {
  throttled: 'throttled',
  slow: 'slow',
  shed: 'shed',
  failed: 'failed',
} as const satisfies Partial<Record<Receipt['outcome'], GapNotice['reason']>>

/** Sends one connection's messages in order. The first failure ends its turn, so that a slow one costs one limit and not one per frame. */
export async function sendMail(mail: Mail, sending: Sending): Promise<Receipt> {
  const { clock } = sending
  const counts = { ...nothingPosted } as Record<PostOutcome, number>
  const delivered: { frame: Frame; acceptedMs: number }[] = []
  const all = mail.messages.length + mail.frames.length
  const endMs = clock.now() + Math.min(MAIL_LIMIT_MS, POST_LIMIT_MS + all * MORE_FRAME_MS)
  let outcome: Receipt['outcome'] = 'ok'
  const send = async (message: string): Promise<boolean> => {
    outcome = await mayBegin(mail, sending, endMs)
    if (outcome !== 'ok') return false
    const limitMs = Math.min(POST_LIMIT_MS, sending.deadlineMs - clock.now())
    const posted = await sending.lane.post(mail.connectionId, message, limitMs)
    counts[posted]++
    outcome = posted
    return posted === 'ok'
  }
  let goesOn = true
  let messagesSent = 0
  for (const message of mail.messages) {
    goesOn &&= await send(message)
    if (goesOn) messagesSent++
  }
  for (const frame of mail.frames) {
    goesOn &&= await send(frame.message)
    if (!goesOn) break
    delivered.push({ frame, acceptedMs: clock.now() })
  }
  return receiptOf(mail, outcome, { posts: counts, messagesSent, delivered })
}

async function mayBegin(
  mail: Mail,
  { rights, clock, deadlineMs }: Sending,
  endMs: number,
): Promise<'ok' | 'slow' | 'shed' | 'withheld'> {
  const standing = await rights.hold(mail)
  if (standing !== 'ok') return standing
  if (clock.now() >= deadlineMs) return 'shed'
  return clock.now() >= endMs ? 'slow' : 'ok'
}

/** A mail of which nothing was tried. */
export function unsentMail(
  mail: Mail,
  outcome: 'held' | 'shed',
  gap: GapNotice['reason'],
): Receipt {
  const nothing = { posts: nothingPosted, messagesSent: 0, delivered: [] }
  return { ...receiptOf(mail, outcome, nothing), gap }
}

function receiptOf(
  { connectionId, connectedAt, frames }: Mail,
  outcome: Receipt['outcome'],
  sent: Pick<Receipt, 'posts' | 'messagesSent' | 'delivered'>,
): Receipt {
  const unsent = outcome === 'withheld' ? [] : frames.slice(sent.delivered.length)
  const gap = outcome in gaps ? gaps[outcome as keyof typeof gaps] : undefined
  return { connectionId, connectedAt, outcome, ...sent, unsent, gap }
}
