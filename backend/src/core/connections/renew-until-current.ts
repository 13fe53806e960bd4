import type { Identity } from '../auth/identity.ts'
import type { Connection, Connections } from './ports.ts'

/**
 * Repeats `renew` until the identity it was last given is still the connection's: refreshes and subscribes of one connection run side by side
 * (APIGW-13), and the rows must end with the newest token's grants. `known.revision`: the identity its rows already have, 0 for none.
 *
 * Returns the connection as it is now (`undefined`: closed) and the sids that the new grants ended.
 */
export async function renewUntilCurrent(
  known: Pick<Connection, 'connectionId' | 'revision'>,
  connections: Pick<Connections, 'find'>,
  renew: (identity: Identity) => Promise<readonly number[]>,
): Promise<{ readonly current: Connection | undefined; readonly ended: readonly number[] }> {
  const ended: number[] = []
  let { revision } = known
  for (;;) {
    const current = await connections.find(known.connectionId)
    if (!current || current.revision === revision) return { current, ended }
    ended.push(...(await renew(current)))
    revision = current.revision
  }
}
