import type { ExpiryQueue } from './ports.ts'

/** After so many refused messages in a row of a full bucket the socket is closed: about as many as the burst that was allowed. */
const MAX_STRIKES = 50

/** Asks for the socket's end, once per {@link MAX_STRIKES} refusals. `expire` closes it: the routes themselves have no right to. */
export async function reportAbuse(
  connectionId: string,
  strikes: number,
  expiryQueue: ExpiryQueue,
): Promise<void> {
  if (strikes > 0 && strikes % MAX_STRIKES === 0) {
    await expiryQueue.send({ connectionId, reason: 'abuse' }, 0)
  }
}
