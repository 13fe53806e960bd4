import type { GapNotice, SlowNotice } from '../../protocol/index.ts'
import type { Pace } from '../fanout/ports.ts'
import type { DispatchResult } from './send-messages.ts'

/**
 * What a connection has not been told yet. Kept in the execution environment and lost with it: a notice is a courtesy that names the reason
 * at once; that something is missing every reader sees by himself, from `prev` and `pong`.
 */
export interface Notices {
  /** Messages that go ahead of the connection's next frames; they stand until {@link confirm} hears that they arrived. */
  take(connectionId: string, pace: Pace): readonly string[]
  /** Takes in what arrived and what did not; returns how many gap notices that makes. */
  confirm(result: DispatchResult): number
}

const CONNECTIONS = 5_000
/** Of one connection at once: each is a post of its own. */
const GAPS = 10

/** What is known of one connection. */
interface Pending {
  readonly gaps: Map<string, GapNotice>
  /** The last one that arrived. */
  mode?: SlowNotice['mode']
  /** On their way. */
  taken: readonly (GapNotice | SlowNotice)[]
}

export function createNotices(): Notices {
  /** Those that were touched last come last: the first ones go when there are too many. */
  const known = new Map<string, Pending>()
  const keep = (connectionId: string, pending: Pending): void => {
    known.delete(connectionId)
    if (isEmpty(pending)) return
    known.set(connectionId, pending)
    const [oldest] = known.keys()
    if (known.size > CONNECTIONS && oldest !== undefined) known.delete(oldest)
  }
  return {
    take(connectionId, pace) {
      const pending = known.get(connectionId) ?? { gaps: new Map<string, GapNotice>(), taken: [] }
      const mode = pace === 'full' ? undefined : modes[pace]
      if (pace === 'full' && pending.mode === 'complete') delete pending.mode
      const change: readonly SlowNotice[] =
        mode === undefined || mode === pending.mode ? [] : [{ type: 'slow', mode }]
      pending.taken = [...pending.gaps.values(), ...change]
      keep(connectionId, pending)
      return pending.taken.map((message) => JSON.stringify(message))
    },
    confirm(result) {
      const { connectionId, outcome, gap: reason } = result
      if (outcome === 'gone') known.delete(connectionId)
      const pending = known.get(connectionId) ?? { gaps: new Map<string, GapNotice>(), taken: [] }
      settle(pending, result.messagesSent)
      const { gaps } = pending
      const before = gaps.size
      if (reason === undefined) {
        keep(connectionId, pending)
        return 0
      }
      for (const { sid, topic } of result.unsent.flatMap((frame) => frame.entries)) {
        if (gaps.size < GAPS) gaps.set(gapKey({ sid, topic }), { type: 'gap', sid, topic, reason })
      }
      keep(connectionId, pending)
      return gaps.size - before
    },
  }
}

const modes = { slow: 'latest', recovered: 'complete' } as const

/** Nothing to tell, and nothing told that another notice would contradict. */
function isEmpty({ gaps, mode, taken }: Pending): boolean {
  return gaps.size === 0 && taken.length === 0 && mode === undefined
}

/** Notices go ahead of every other message: the first `sent` of them arrived. */
function settle(pending: Pending, sent: number): void {
  for (const message of pending.taken.slice(0, sent)) {
    if (message.type === 'gap') pending.gaps.delete(gapKey(message))
    else pending.mode = message.mode
  }
  pending.taken = []
}

function gapKey({ sid, topic }: Pick<GapNotice, 'sid' | 'topic'>): string {
  return `${sid} ${topic}`
}
