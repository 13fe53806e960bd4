import { closeCodes, type GoAway } from '../../protocol/index.ts'
import type { Connections, ConnectionSubscriptions, Sockets, CloseReason } from './ports.ts'
import type { Clock } from '../clock.ts'

export interface ClosePorts {
  readonly connections: Connections
  readonly subscriptions: ConnectionSubscriptions
  readonly sockets: Sockets
  readonly clock: Clock
}

/** `DELETE @connections` cannot choose a close code, so a `goaway` with the meaning goes ahead of it. */
const farewells: Readonly<Record<CloseReason, { code: number; reason: string }>> = {
  token: { code: closeCodes.tokenExpired, reason: 'The token has expired; sign in again.' },
  revoked: { code: closeCodes.revoked, reason: 'The access was revoked by an administrator.' },
  silent: { code: closeCodes.connectionUnknown, reason: 'Nothing was heard from this client.' },
  unknown: {
    code: closeCodes.connectionUnknown,
    reason: 'This connection is no longer known; open a new one and resume.',
  },
  abuse: { code: closeCodes.policyViolation, reason: 'Too many messages after a warning.' },
}

/**
 * Ends a socket for a reason. Its rows go first, so that the next batch of readings does not find it and no message of it is taken any more;
 * then the client is told; then the socket is closed. Idempotent: `$disconnect` will do the rows again. `failed`: the socket may still be
 * open, without any right; try again.
 */
export async function closeConnection(
  connectionId: string,
  why: CloseReason,
  ports: ClosePorts,
): Promise<'closed' | 'failed'> {
  await forgetConnection(connectionId, ports, why)
  const goaway: GoAway = { type: 'goaway', withinMs: 0, ...farewells[why] }
  const posted = await ports.sockets.post(connectionId, JSON.stringify(goaway))
  if (posted === 'gone') return 'closed'
  const outcome = await ports.sockets.disconnect(connectionId)
  return outcome === 'failed' ? 'failed' : 'closed'
}

/** Leaves a tombstone in the place of the connection's row, for a `$connect` or `subscribe` still running, and removes its other rows. */
export async function forgetConnection(
  connectionId: string,
  ports: Pick<ClosePorts, 'connections' | 'subscriptions' | 'clock'>,
  why?: CloseReason,
): Promise<void> {
  await ports.connections.close(connectionId, ports.clock.now(), why)
  await ports.subscriptions.removeConnection(connectionId)
}
