import { ProtocolError, type ClientMessage, type Revoked } from '../../protocol/index.ts'
import { hasRole } from '../auth/identity.ts'
import type { Revocations } from '../auth/ports.ts'
import { forgetConnection, type ClosePorts } from '../connections/close.ts'
import type { Connection, ExpiryQueue } from '../connections/ports.ts'

export interface RevokePorts extends Pick<ClosePorts, 'connections' | 'subscriptions' | 'clock'> {
  readonly revocations: Revocations
  readonly expiryQueue: ExpiryQueue
}

/**
 * Takes back a user's or one token's access: first the revocation (no new socket, no further reading), then `expire` is asked to close the living
 * sockets (it alone has the right to), then their rows go (no further message). Role `admin`; only within the administrator's own issuer.
 *
 * Throws ProtocolError FORBIDDEN or MESSAGE_INVALID (not exactly one of `user` and `jti`).
 */
export async function revoke(
  message: ClientMessage<'revoke'>,
  connection: Connection,
  ports: RevokePorts,
): Promise<Revoked> {
  if (!hasRole(connection, 'admin')) {
    throw new ProtocolError('FORBIDDEN', 'Revoking access needs the role admin.')
  }
  const targets = await record(message, connection.issuer, ports)
  const ids = targets.map(({ connectionId }) => connectionId)
  // All at once, and none waits for another: one throttled write must not leave the rest their access.
  const woken = await Promise.allSettled(
    ids.map((connectionId) => ports.expiryQueue.send({ connectionId, reason: 'revoked' }, 0)),
  )
  const forgotten = await Promise.allSettled(
    ids.map((connectionId) => forgetConnection(connectionId, ports, 'revoked')),
  )
  // Who was woken is forgotten by `expire` too; who is forgotten is closed at his next message. Neither: the administrator must repeat.
  const missed = forgotten.find(
    ({ status }, i) => status === 'rejected' && woken[i]?.status === 'rejected',
  )
  if (missed?.status === 'rejected') throw missed.reason
  return { type: 'revoked', id: message.id, connectionsClosed: targets.length }
}

async function record(
  { user, jti }: ClientMessage<'revoke'>,
  issuer: string,
  { revocations, connections, clock }: RevokePorts,
): Promise<readonly Connection[]> {
  const ofIssuer = (all: readonly Connection[]): readonly Connection[] =>
    all.filter((one) => one.issuer === issuer)
  if (user !== undefined && jti === undefined) {
    await revocations.revokeUser(issuer, user, clock.now())
    return ofIssuer(await connections.ofUser(user))
  }
  if (jti !== undefined && user === undefined) {
    await revocations.revokeToken(issuer, jti, clock.now())
    return ofIssuer(await connections.ofToken(jti))
  }
  throw new ProtocolError('MESSAGE_INVALID', 'Revoke names either a user or a jti, not both.')
}
