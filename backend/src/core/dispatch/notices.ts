import type { GapNotice, SlowNotice } from '../../protocol/index.ts'
import type { Pace } from '../delivery/ports.ts'
import type { Receipt } from './send-messages.ts'

/**
 * What a connection has not been told yet. Kept in the execution environment and lost with it: a notice is a courtesy that names the reason
 * at once; that something is missing every reader sees by himself, from `prev` and `pong`.
 */
export interface Notices {
  /** Messages that go ahead of the connection's next frames; they stand until {@link note} hears that they arrived. */
  take(connectionId: string, pace: Pace): readonly string[]
  /** Notes what arrived and what did not; returns how many gap notices that makes. */
  note(receipt: Receipt): number
}

const CONNECTIONS = 5_000
/** Of one connection at once: each is a post of its own. */
const GAPS = 10

/** What is known of one connection. */
interface Told {
  readonly gaps: Map<string, GapNotice>
  /** The last one that arrived. */
  mode?: SlowNotice['mode']
  /** On their way. */
  taken: readonly (GapNotice | SlowNotice)[]
}

export function createNotices(): Notices {
  const known = new Map<string, Told>()
  return {
    take(connectionId, pace) {
      const told = known.get(connectionId) ?? { gaps: new Map<string, GapNotice>(), taken: [] }
      const mode = pace === 'full' ? undefined : modes[pace]
      const change: readonly SlowNotice[] =
        mode === undefined || mode === told.mode ? [] : [{ type: 'slow', mode }]
      told.taken = [...told.gaps.values(), ...change]
      if (told.taken.length > 0) known.set(connectionId, told)
      return told.taken.map((message) => JSON.stringify(message))
    },
    note(receipt) {
      const { connectionId, outcome, gap: reason } = receipt
      if (outcome === 'gone') known.delete(connectionId)
      const told = known.get(connectionId)
      if (told) confirm(told, receipt.messagesSent)
      if (reason === undefined || (!told && known.size >= CONNECTIONS)) return 0
      const gaps = told?.gaps ?? new Map<string, GapNotice>()
      const before = gaps.size
      for (const { sid, topic } of receipt.unsent.flatMap((frame) => frame.entries)) {
        if (gaps.size < GAPS) gaps.set(gapKey({ sid, topic }), { type: 'gap', sid, topic, reason })
      }
      if (!told && gaps.size > 0) known.set(connectionId, { gaps, taken: [] })
      return gaps.size - before
    },
  }
}

const modes = { slow: 'latest', recovered: 'complete' } as const

/** Notices go ahead of every other message: the first `sent` of them arrived. */
function confirm(told: Told, sent: number): void {
  for (const message of told.taken.slice(0, sent)) {
    if (message.type === 'gap') told.gaps.delete(gapKey(message))
    else told.mode = message.mode
  }
  told.taken = []
}

function gapKey({ sid, topic }: Pick<GapNotice, 'sid' | 'topic'>): string {
  return `${sid} ${topic}`
}
