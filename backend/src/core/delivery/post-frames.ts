import type { Clock } from '../clock.ts'
import type { Frame } from './frames.ts'
import type { PostOutcome, Posts } from './ports.ts'

/** What one connection gets of a batch. */
export interface Mail {
  readonly connectionId: string
  /** Notices and pushes that are not readings, before the frames. */
  readonly messages: readonly string[]
  readonly frames: readonly Frame[]
}

export interface Receipt {
  readonly connectionId: string
  /** Of the last post; `shed`: nothing was tried, the batch was out of time. */
  readonly outcome: PostOutcome | 'shed'
  readonly posts: Readonly<Record<PostOutcome, number>>
  /** How many of the mail's messages arrived. */
  readonly messagesSent: number
  readonly delivered: readonly { readonly frame: Frame; readonly acceptedMs: number }[]
  /** Frames that did not arrive: the reader sees the hole by the next block's `prev`, or by the next `pong`. */
  readonly unsent: readonly Frame[]
}

const AT_ONCE = 48
const POST_DEADLINE_MS = 1_000

/**
 * Sends everybody's mail: connections side by side, one connection's messages in order. A connection's first failure ends its turn, so
 * that a slow one costs one deadline and not one per frame. Nothing is begun after `deadlineMs` (epoch ms).
 */
export async function postFrames(
  mails: readonly Mail[],
  ports: { readonly posts: Posts; readonly clock: Clock },
  deadlineMs: number,
): Promise<readonly Receipt[]> {
  const receipts: Receipt[] = []
  const queue = mails.values()
  const work = async (): Promise<void> => {
    for (const mail of queue) receipts.push(await sendMail(mail, ports, deadlineMs))
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, mails.length) }, work))
  return receipts
}

async function sendMail(
  mail: Mail,
  { posts, clock }: { readonly posts: Posts; readonly clock: Clock },
  deadlineMs: number,
): Promise<Receipt> {
  const counts = { ok: 0, gone: 0, throttled: 0, slow: 0, failed: 0, forbidden: 0 }
  const delivered: { frame: Frame; acceptedMs: number }[] = []
  let outcome: Receipt['outcome'] = 'ok'
  const send = async (message: string): Promise<boolean> => {
    const leftMs = Math.min(POST_DEADLINE_MS, deadlineMs - clock.now())
    if (leftMs <= 0) {
      outcome = 'shed'
      return false
    }
    outcome = await posts.post(mail.connectionId, message, leftMs)
    counts[outcome]++
    return outcome === 'ok'
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
  return {
    connectionId: mail.connectionId,
    outcome,
    posts: counts,
    messagesSent,
    delivered,
    unsent: mail.frames.slice(delivered.length),
  }
}
