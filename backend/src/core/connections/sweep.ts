import { runPool } from '../run-pool.ts'
import { forgetConnection, type ClosePorts } from './close.ts'
import type { ExpiryQueue } from './ports.ts'
import type { Log } from '../telemetry-sink.ts'
import { queueTokenExpiry } from './token-end.ts'

/** API Gateway cuts every socket at 2 h (APIGW-88): a row older than that has no socket any more. */
const MAX_AGE_MS = 2 * 3_600_000 + 60_000
/** What one run removes at most, and how many things are done side by side; the next minute goes on. */
const REMOVALS = 500
const AT_ONCE = 8

/** Each minute another {@link REMOVALS} of them, so that some that cannot be removed do not keep the others from being. */
function inTurn<T>(zombies: readonly T[], nowMs: number): readonly T[] {
  if (zombies.length <= REMOVALS) return zombies
  const start = (Math.floor(nowMs / 60_000) * REMOVALS) % zombies.length
  return [...zombies.slice(start), ...zombies.slice(0, start)].slice(0, REMOVALS)
}

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
    readonly log: Log
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
  let failed = 0
  await runPool(inTurn(zombies, ports.clock.now()), AT_ONCE, async ({ connectionId }) => {
    try {
      await forgetConnection(connectionId, ports)
    } catch (error) {
      if (failed++ === 0) ports.log.warn('a zombie could not be removed', { connectionId }, error)
    }
  })
  return { connections: lively.length, subscriptions, zombies: zombies.length }
}
