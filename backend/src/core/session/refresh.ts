import { ProtocolError, type ClientMessage, type Refreshed } from '../../protocol/index.ts'
import type { Identity } from '../auth/identity.ts'
import type { Revocations, TokenVerifier } from '../auth/ports.ts'
import type { Clock } from '../clock.ts'
import type {
  Connection,
  Connections,
  ConnectionSubscriptions,
  Sockets,
  WakeQueue,
} from '../connections/ports.ts'

export interface RefreshPorts {
  readonly tokens: TokenVerifier
  readonly revocations: Revocations
  readonly connections: Connections
  readonly subscriptions: ConnectionSubscriptions
  readonly sockets: Sockets
  readonly wakes: WakeQueue
  readonly clock: Clock
}

/**
 * Puts a new token in the place of the old one on a living socket: same issuer and subject only. The new grants hold at once; subscriptions
 * that they no longer cover end with an `unsubscribed` push.
 *
 * Throws ProtocolError TOKEN_INVALID, TOKEN_EXPIRED, TOKEN_SUBJECT_MISMATCH, REVOKED or CONNECTION_UNKNOWN.
 */
export async function refresh(
  message: ClientMessage<'refresh'>,
  connection: Connection,
  ports: RefreshPorts,
): Promise<Refreshed> {
  const identity = await verifyRenewal(message.token, connection, ports)
  const { connectionId } = connection
  const renewed = await ports.connections.renew(connectionId, identity, ports.clock.now())
  if (renewed === 'unknown') {
    throw new ProtocolError('CONNECTION_UNKNOWN', 'This connection is no longer known; reconnect.')
  }
  const ended = await ports.subscriptions.renewConnection(connectionId, identity)
  if (ended.length > 0) {
    const push = { type: 'unsubscribed', sids: ended, reason: 'revoked' }
    await ports.sockets.post(connectionId, JSON.stringify(push))
  }
  // The message that waits for the old end looks at the row again and moves on; only an earlier end needs one of its own.
  if (identity.expiresAt < connection.expiresAt) {
    const lifeSeconds = identity.expiresAt - ports.clock.now() / 1_000
    await ports.wakes.send({ connectionId, reason: 'token' }, lifeSeconds)
  }
  return { type: 'refreshed', id: message.id, tokenExpiresAt: identity.expiresAt }
}

async function verifyRenewal(
  token: string,
  connection: Connection,
  ports: RefreshPorts,
): Promise<Identity> {
  const verdict = await ports.tokens.verify(token)
  if (!verdict.ok) {
    const expired = verdict.reason === 'TOKEN_EXPIRED'
    throw new ProtocolError(
      expired ? 'TOKEN_EXPIRED' : 'TOKEN_INVALID',
      expired ? 'The new token has expired; sign in again.' : 'The new token is not accepted.',
    )
  }
  const { identity } = verdict
  if (identity.issuer !== connection.issuer || identity.user !== connection.user) {
    throw new ProtocolError(
      'TOKEN_SUBJECT_MISMATCH',
      'The new token belongs to somebody else; open a new connection with it.',
    )
  }
  if (await ports.revocations.isRevoked(identity)) {
    throw new ProtocolError('REVOKED', 'The access was revoked by an administrator.')
  }
  return identity
}
