import { ProtocolError, type ClientMessage, type Refreshed } from '../../protocol/index.ts'
import type { Identity } from '../auth/identity.ts'
import type { RevocationChecks, TokenRefusal, TokenVerifier } from '../auth/ports.ts'
import type { Clock } from '../clock.ts'
import { forgetConnection } from '../connections/close.ts'
import { queueTokenExpiry } from '../connections/token-end.ts'
import { renewUntilCurrent } from '../connections/renew-until-current.ts'
import type {
  Connection,
  Connections,
  ConnectionSubscriptions,
  Sockets,
  ExpiryQueue,
} from '../connections/ports.ts'

/** As long as the key cache waits after a failed fetch. */
const KEYS_RETRY_MS = 30_000

export interface RefreshPorts {
  readonly tokens: TokenVerifier
  readonly revocations: RevocationChecks
  readonly connections: Connections
  readonly subscriptions: ConnectionSubscriptions
  readonly sockets: Sockets
  readonly expiryQueue: ExpiryQueue
  readonly clock: Clock
}

/**
 * Puts a new token in the place of the old one on a living socket: same issuer and subject only. The new grants hold at once; subscriptions
 * that they no longer cover end with an `unsubscribed` push.
 *
 * Throws ProtocolError TOKEN_INVALID, TOKEN_EXPIRED, TOKEN_SUBJECT_MISMATCH, REVOKED, CONNECTION_UNKNOWN or OVERLOADED (the issuer's keys
 * cannot be had).
 */
export async function refresh(
  message: ClientMessage<'refresh'>,
  connection: Connection,
  ports: RefreshPorts,
): Promise<Refreshed> {
  const identity = await verifyRenewal(message.token, connection, ports)
  const { connectionId } = connection
  const renewed = await ports.connections.renew(connectionId, identity, ports.clock.now())
  if (renewed === 'unknown') throw connectionUnknown()
  // A revocation is written before the rows of its connections are read, this row before the revocation is read: one sees the other.
  if (await ports.revocations.isRevoked(identity)) {
    await ports.expiryQueue.send({ connectionId, reason: 'revoked' }, 0)
    await forgetConnection(connectionId, ports, 'revoked')
    throw revokedError()
  }
  const { current, ended } = await renewUntilCurrent(
    { connectionId, revision: 0 },
    ports.connections,
    (newest) => ports.subscriptions.renewConnection(connectionId, newest),
  )
  if (!current) throw connectionUnknown()
  if (ended.length > 0) {
    const push = { type: 'unsubscribed', sids: ended, reason: 'revoked' }
    await ports.sockets.post(connectionId, JSON.stringify(push))
  }
  // A message that waits for the old end looks at the row again; only an earlier end needs one of its own.
  if (identity.expiresAt < connection.expiresAt) {
    await queueTokenExpiry({ connectionId, expiresAt: identity.expiresAt }, ports)
  }
  return { type: 'refreshed', id: message.id, tokenExpiresAt: identity.expiresAt }
}

async function verifyRenewal(
  token: string,
  connection: Connection,
  ports: RefreshPorts,
): Promise<Identity> {
  const verdict = await ports.tokens.verify(token)
  if (!verdict.ok) throw refusedError(verdict.reason)
  const { identity } = verdict
  if (identity.issuer !== connection.issuer || identity.user !== connection.user) {
    throw new ProtocolError(
      'TOKEN_SUBJECT_MISMATCH',
      'The new token belongs to somebody else; open a new connection with it.',
    )
  }
  if (await ports.revocations.isRevoked(identity)) throw revokedError()
  return identity
}

const connectionUnknown = (): ProtocolError =>
  new ProtocolError('CONNECTION_UNKNOWN', 'This connection is no longer known; reconnect.')

const revokedError = (): ProtocolError =>
  new ProtocolError('REVOKED', 'The access was revoked by an administrator.')

/** An outage of the identity provider says nothing about the token (PROMISE-17). */
function refusedError(reason: TokenRefusal): ProtocolError {
  if (reason === 'KEYS_UNAVAILABLE') {
    return new ProtocolError(
      'OVERLOADED',
      `The token cannot be checked now; the old one holds. Try again in ${KEYS_RETRY_MS / 1_000} s.`,
      { retryAfterMs: KEYS_RETRY_MS },
    )
  }
  return reason === 'TOKEN_EXPIRED'
    ? new ProtocolError('TOKEN_EXPIRED', 'The new token has expired; sign in again.')
    : new ProtocolError('TOKEN_INVALID', 'The new token is not accepted.')
}
