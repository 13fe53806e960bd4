import type { Timer } from '../clock.ts'
import { runPool } from '../run-pool.ts'
import type { Posts } from '../delivery/ports.ts'
import { createPostLane, type PostLane } from './post-group.ts'
import type { Quarantine, Standing } from './circuit-breaker.ts'
import type { Rights } from '../fanout/entitlement.ts'
import { POST_LIMIT_MS, sendMail, unsentMail, type Mail, type Receipt } from './send-messages.ts'
import type { Tempo } from './latency-estimate.ts'

/** Connections posted to at once, and of those on probation. The HTTP agent has sockets for both. */
const AT_ONCE = 48
const TRIALS_AT_ONCE = 8
/** How long everybody waits for the last ones of a batch, at least. */
const STRAGGLER_MS = 100
/** How long everybody waits for those on probation, at least. */
const TRIAL_MS = 30

export interface Posting {
  readonly posts: Posts
  readonly clock: Timer
  readonly rights: Rights
  readonly quarantine: Quarantine
  readonly tempo: Tempo
  /** Epoch ms after which nothing is begun. */
  readonly deadlineMs: number
  /** Hears of each receipt as soon as it is there. */
  readonly onReceipt: (receipt: Receipt) => void
}

/**
 * Sends everybody's mail, connections side by side. Who cannot follow does not hold up the others: once most have theirs, the last ones
 * get a short patience measured by what the others took; who was cut or refused is put aside ({@link Quarantine}) and tried again beside the
 * others, without the batch waiting for it.
 */
export async function postFrames(
  mails: readonly Mail[],
  posting: Posting,
): Promise<readonly Receipt[]> {
  const receipts: Receipt[] = []
  const keep = (receipt: Receipt): void => {
    receipts.push(receipt)
    posting.onReceipt(receipt)
  }
  const { trusted, onProbation } = sortMails(mails, posting, keep)
  const trials = trialLane(posting, trusted.length > 0)
  const trying = trials.run(onProbation, keep)
  await postTrusted(trusted, posting, keep)
  trials.others()
  await trying
  return receipts
}

type Keep = (receipt: Receipt) => void

function sortMails(
  mails: readonly Mail[],
  { quarantine, clock }: Posting,
  keep: Keep,
): { readonly trusted: readonly Mail[]; readonly onProbation: readonly Mail[] } {
  const nowMs = clock.now()
  const trusted: Mail[] = []
  const onProbation: { mail: Mail; standing: Standing & { kind: 'probation' } }[] = []
  for (const mail of mails) {
    const standing = quarantine.standing(mail.connectionId, nowMs)
    if (standing.kind === 'trusted') trusted.push(mail)
    else if (standing.kind === 'probation') onProbation.push({ mail, standing })
    else keep(unsentMail(mail, 'held', standing.reason))
  }
  // Who has waited longest is first: the places are few.
  onProbation.sort((a, b) => a.standing.dueMs - b.standing.dueMs)
  return { trusted, onProbation: onProbation.map(({ mail }) => mail) }
}

async function postTrusted(mails: readonly Mail[], posting: Posting, keep: Keep): Promise<void> {
  const { tempo, clock } = posting
  let ended = 0
  const tookMs: number[] = []
  /** Of the first half; the last ones must not have a say in how long they are waited for. */
  let usualMs: number | undefined
  const lane = createPostLane(posting, {
    patienceMs() {
      // While most still wait it may be the platform that is slow, and nobody is to blame.
      if (ended * 2 < mails.length) return undefined
      usualMs ??= medianOf(tookMs)
      if (usualMs === undefined) return undefined
      const knownMs = Math.max(usualMs, tempo.usualMs(clock.now()) ?? 0)
      return Math.min(POST_LIMIT_MS, Math.max(STRAGGLER_MS, 4 * knownMs))
    },
    onAccepted: (ms) => void tookMs.push(ms),
  })
  await runPool(mails, AT_ONCE, async (mail) => {
    keep(await sendMail(mail, { ...posting, lane }))
    ended++
    lane.look()
  })
  const medianMs = usualMs ?? medianOf(tookMs)
  if (medianMs !== undefined) tempo.note(medianMs, clock.now())
}

function medianOf(values: readonly number[]): number | undefined {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
}

/** Those on probation: tried from the beginning, waited for only a moment after the others have theirs. */
function trialLane(
  posting: Posting,
  hasOthers: boolean,
): { run: (mails: readonly Mail[], keep: Keep) => Promise<void>; others: () => void } {
  let areOthersDone = !hasOthers
  const lane: PostLane = createPostLane(posting, {
    patienceMs() {
      if (!areOthersDone) return undefined
      const usualMs = posting.tempo.usualMs(posting.clock.now())
      // Nobody has got anything for a while: there is nobody to hold up, and no telling what is usual.
      return usualMs === undefined ? undefined : Math.max(TRIAL_MS, 2 * usualMs)
    },
    onAccepted: () => undefined,
  })
  return {
    run: (mails, keep) =>
      runPool(mails, TRIALS_AT_ONCE, async (mail) => {
        const receipt = lane.isCut()
          ? unsentMail(mail, 'held', 'slow')
          : await sendMail(mail, { ...posting, lane })
        keep(receipt)
      }),
    others() {
      areOthersDone = true
      lane.hurry()
    },
  }
}
