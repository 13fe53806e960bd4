import { isEntitled } from '../../protocol/index.ts'
import type { RevocationChecks } from '../auth/ports.ts'
import type { Clock } from '../clock.ts'
import type { Connection, Connections } from '../connections/ports.ts'
import type { Command } from './ports.ts'

export interface RecipientPorts {
  readonly connections: Pick<Connections, 'ofUser'>
  readonly revocations: RevocationChecks
  readonly clock: Clock
}

/**
 * The sockets that hear of a command: those of the user who asked, also after a reconnect, as far as each one's own token still lets it see the
 * device. The user may have another tab with a narrower token.
 */
export async function recipientsOf(
  { user, topic }: Pick<Command, 'user' | 'topic'>,
  { connections, revocations, clock }: RecipientPorts,
): Promise<readonly Connection[]> {
  const nowMs = clock.now()
  const entitled = (await connections.ofUser(user)).filter(
    ({ devices, expiresAt }) => expiresAt * 1_000 > nowMs && isEntitled(devices, topic),
  )
  const revoked = await Promise.all(entitled.map((one) => revocations.isRevoked(one)))
  return entitled.filter((_, at) => revoked[at] === false)
}
