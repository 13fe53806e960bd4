import type { GapNotice, SlowNotice } from '../../protocol/index.ts'
import type { Receipt } from './post-frames.ts'

/**
 * What a connection has not been told yet. Kept in the execution environment and lost with it: a notice is a courtesy that names the reason
 * at once; that something is missing every reader sees by himself, from `prev` and `pong`.
 */
export interface Notices {
  /** Messages that go ahead of the connection's next frames. */
  take(connectionId: string, isSlow: boolean): readonly string[]
  /** Notes what did not arrive; returns how many notices that makes. */
  note(receipt: Receipt): number
}

const CONNECTIONS = 5_000
/** Of one connection at once: each is a post of its own. */
const GAPS = 10

const gapReasons = {
  throttled: 'throttled',
  slow: 'slow',
  shed: 'shed',
  failed: 'failed',
} as const satisfies Partial<Record<Receipt['outcome'], GapNotice['reason']>>

export function createNotices(): Notices {
  const gaps = new Map<string, Map<string, GapNotice>>()
  const slow = new Set<string>()
  return {
    take(connectionId, isSlow) {
      const messages: (GapNotice | SlowNotice)[] = [...(gaps.get(connectionId)?.values() ?? [])]
      gaps.delete(connectionId)
      if (isSlow !== slow.has(connectionId)) {
        messages.push({ type: 'slow', mode: isSlow ? 'latest' : 'complete' })
        if (isSlow) slow.add(connectionId)
        else slow.delete(connectionId)
      }
      return messages.map((message) => JSON.stringify(message))
    },
    note({ connectionId, outcome, unsent }) {
      if (outcome === 'gone') {
        gaps.delete(connectionId)
        slow.delete(connectionId)
        return 0
      }
      const reason =
        outcome in gapReasons ? gapReasons[outcome as keyof typeof gapReasons] : undefined
      if (reason === undefined || gaps.size >= CONNECTIONS) return 0
      const known = gaps.get(connectionId) ?? new Map<string, GapNotice>()
      const before = known.size
      for (const { sid, topic } of unsent.flatMap((frame) => frame.entries)) {
        if (known.size < GAPS) known.set(`${sid} ${topic}`, { type: 'gap', sid, topic, reason })
      }
      gaps.set(connectionId, known)
      return known.size - before
    },
  }
}
