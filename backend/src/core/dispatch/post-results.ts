import { metrics as names } from '../../contract.ts'
import type { Notices } from './notices.ts'
import type { DeliverPorts } from '../delivery/ports.ts'
import { QUIET_MS, type Quarantine } from './circuit-breaker.ts'
import type { Receipt } from './send-messages.ts'

/** A socket younger than this may be `gone` only because its handshake is not over (aws-behaviour M12, reliability P10). */
const GRACE_MS = 10_000
const REMOVALS_AT_ONCE = 8
/** How long after the batch's last post another removal is begun: the next batch waits. */
const REMOVING_MS = 250

/** What a batch's posts lead to, done beside them as far as possible. */
export interface Aftermath {
  /** Acts on what became of one connection's mail. */
  readonly take: (receipt: Receipt) => void
  /** Ends when everything that was begun is done. Never throws: readings that were sent must not be sent again. */
  done(): Promise<void>
}

type Ports = Pick<DeliverPorts, 'audiences' | 'removeConnection' | 'clock' | 'metrics' | 'log'>

/**
 * Connections that are gone lose their rows, a few at a time and none after `deadlineMs` (epoch ms): what is left is found again by the next
 * 410 or by the sweeper. Those that could not follow get less, in as few writes as possible. A refused role is shouted about.
 */
export function createAftermath(
  { notices, quarantine }: { readonly notices: Notices; readonly quarantine: Quarantine },
  ports: Ports,
  deadlineMs: number,
): Aftermath {
  const { clock, metrics } = ports
  const troubles = createTroubles(ports)
  const slowDown = createSlowDown(ports, troubles)
  const removals = createRemovals(ports, troubles, deadlineMs)
  let forbidden: string | undefined
  return {
    take(receipt) {
      const { connectionId, connectedAt, outcome } = receipt
      const nowMs = clock.now()
      const gaps = notices.note(receipt)
      if (gaps > 0) metrics.count(names.gapNotices, gaps)
      if (outcome === 'held' || outcome === 'shed' || outcome === 'withheld') return
      const retryMs = quarantine.note(connectionId, outcome, nowMs)
      if (retryMs !== undefined) slowDown.add(connectionId, retryMs + QUIET_MS)
      // Whose age nobody knows may be about to come.
      const isOld = connectedAt !== undefined && nowMs - connectedAt >= GRACE_MS
      if (outcome === 'gone' && isOld) removals.add(connectionId)
      if (outcome === 'forbidden') forbidden ??= connectionId
    },
    async done() {
      await Promise.all([removals.done(), slowDown.done()])
      troubles.tell()
      if (forbidden === undefined) return
      // Our role or the endpoint's stage is wrong: nobody gets anything, and no row is to blame (reliability F35).
      ports.log.error('posts to connections are forbidden: check the role and the endpoint', {
        connectionId: forbidden,
      })
    },
  }
}

interface Troubles {
  /** Waits for the work; a failure is kept for {@link tell}. */
  watch(work: 'removal' | 'slow-down', promise: Promise<unknown>): Promise<void>
  /** One line for all of them. */
  tell(): void
}

function createTroubles({ log }: Ports): Troubles {
  const counts = { removal: 0, 'slow-down': 0 }
  let first: { readonly error: unknown } | undefined
  return {
    async watch(work, promise) {
      try {
        await promise
      } catch (error) {
        counts[work]++
        first ??= { error }
      }
    },
    tell() {
      if (!first) return
      const facts = { removals: counts.removal, slowDowns: counts['slow-down'] }
      log.warn('connections could not be tidied up after the posts', facts, first.error)
    },
  }
}

/** A few at a time, from the first one that comes. */
function createRemovals(
  { clock, removeConnection }: Ports,
  troubles: Troubles,
  deadlineMs: number,
): { add(connectionId: string): void; done(): Promise<void> } {
  const waiting: string[] = []
  const working = new Set<Promise<void>>()
  let endMs = deadlineMs
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (clock.now() < endMs) await troubles.watch('removal', removeConnection(next))
    }
  }
  return {
    add(connectionId) {
      waiting.push(connectionId)
      if (working.size >= REMOVALS_AT_ONCE) return
      const worker = work().finally(() => working.delete(worker))
      working.add(worker)
    },
    async done() {
      endMs = Math.min(deadlineMs, clock.now() + REMOVING_MS)
      await Promise.all(working)
    },
  }
}

/** One write at a time, each with everybody who has come since the one before. */
function createSlowDown(
  { audiences }: Ports,
  troubles: Troubles,
): { add(connectionId: string, untilMs: number): void; done(): Promise<void> } {
  let waiting = new Map<string, number>()
  let writing: Promise<void> | undefined
  const write = async (): Promise<void> => {
    while (waiting.size > 0) {
      const untilMs = waiting
      waiting = new Map()
      await troubles.watch('slow-down', audiences.slowDown(untilMs))
    }
    writing = undefined
  }
  return {
    add(connectionId, untilMs) {
      waiting.set(connectionId, untilMs)
      writing ??= write()
    },
    done: async () => writing,
  }
}
