import type { Clock } from '../clock.ts'
import type { OpenConnection, ExpiryQueue } from './ports.ts'

/** The sweeper asks, each minute, for the message-ups of the next two: one of its runs may fail. */
const AHEAD_SECONDS = 120

/**
 * Has `expire` look at a connection when its token ends, if that is soon; a later end is the sweeper's to see coming. So a connection costs a
 * message or three at its end, and not one at its beginning and every quarter of an hour, which is as long as SQS can hold one.
 */
export async function queueTokenExpiry(
  { connectionId, expiresAt }: Pick<OpenConnection, 'connectionId' | 'expiresAt'>,
  ports: { readonly expiryQueue: ExpiryQueue; readonly clock: Clock },
): Promise<'queued' | 'kept'> {
  const leftSeconds = Math.ceil(expiresAt - ports.clock.now() / 1_000)
  if (leftSeconds > AHEAD_SECONDS) return 'kept'
  await ports.expiryQueue.send({ connectionId, reason: 'token' }, Math.max(0, leftSeconds))
  return 'queued'
}
