import { runPool } from '../run-pool.ts'
import { forgetConnection, type ClosePorts } from './close.ts'
import type { ExpiryQueue } from './ports.ts'
import { queueTokenExpiry } from './token-end.ts'

/** API Gateway cuts every socket at 2 h (aws-behaviour W88): a row older than that has no socket any more. */
const MAX_AGE_MS = 2 * 3_600_000 + 60_000
/** What one run removes at most, and how many things are done side by side; the next minute goes on. */
const REMOVALS = 500
const AT_ONCE = 8

export interface Sweep {
  readonly connections: number
  /** Of the open connections. */
  readonly subscriptions: number
  readonly zombies: number
}

/**
 * Counts the open connections, asks `expire` to look at those whose token ends soon, and removes those whose socket cannot exist any more,
 * because its `$disconnect` was lost and nobody posted to it since. They are found through a row per connection in 16 partitions: no scan, no index.
 */
export async function sweepConnections(
  ports: Pick<ClosePorts, 'connections' | 'subscriptions' | 'clock'> & {
    readonly expiryQueue: ExpiryQueue
  },
): Promise<Sweep> {
  const open = await ports.connections.allOpen()
  const deadline = ports.clock.now() - MAX_AGE_MS
  const zombies = open.filter(({ connectedAt }) => connectedAt < deadline)
  const lively = open.filter(({ connectedAt }) => connectedAt >= deadline)
  // First: an end must not wait for rows that nobody reads.
  await runPool(lively, AT_ONCE, async (one) => {
    await queueTokenExpiry(one, ports)
  })
  const subscriptions = await ports.subscriptions.countOf(lively.map((one) => one.connectionId))
  await runPool(zombies.slice(0, REMOVALS), AT_ONCE, ({ connectionId }) =>
    forgetConnection(connectionId, ports),
  )
  return { connections: lively.length, subscriptions, zombies: zombies.length }
}
