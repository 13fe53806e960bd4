import type { Log } from '../telemetry-sink.ts'
import { closeConnection, type ClosePorts } from './close.ts'
import { SILENT_AFTER_MS } from './connect.ts'
import type { ExpiryMessage, ExpiryQueue } from './ports.ts'
import { queueTokenExpiry } from './token-end.ts'

export interface ExpirePorts extends ClosePorts {
  readonly expiryQueue: ExpiryQueue
}

/**
 * What an expiry message comes to. The row decides, not the message: a token may have been refreshed since, a silent client may have spoken.
 * An end that has moved to a little later is queued again, one far away is left to the sweeper. `failed`: to be tried again.
 */
async function handleExpiryMessage(
  message: ExpiryMessage,
  ports: ExpirePorts,
): Promise<'closed' | 'queued' | 'kept' | 'failed'> {
  const connection = await ports.connections.find(message.connectionId)
  // Without a row the socket is gone, or an earlier attempt could not close it: closing a closed one does no harm.
  if (!connection) return closeConnection(message.connectionId, message.reason, ports)
  const nowMs = ports.clock.now()
  if (message.reason === 'token') {
    if (connection.expiresAt > nowMs / 1_000) return queueTokenExpiry(connection, ports)
  }
  if (message.reason === 'unknown') return 'kept'
  if (message.reason === 'silent' && connection.lastSeenAt >= nowMs - SILENT_AFTER_MS) return 'kept'
  return closeConnection(message.connectionId, message.reason, ports)
}

/** Handles a batch of messages; returns the ids of those to be tried again. One that fails does not touch the others. */
export async function handleExpiryMessages(
  messages: readonly { readonly messageId: string; readonly body: string }[],
  ports: ExpirePorts & { readonly log: Log },
): Promise<readonly string[]> {
  const outcomes = await Promise.all(
    messages.map(async ({ messageId, body }) => ({ messageId, done: await settle(body, ports) })),
  )
  return outcomes.filter(({ done }) => !done).map(({ messageId }) => messageId)
}

async function settle(body: string, ports: ExpirePorts & { readonly log: Log }): Promise<boolean> {
  const message = parseExpiryMessage(body)
  if (!message) {
    ports.log.error('expiry message not understood', { bytes: body.length })
    return true
  }
  const { connectionId, reason } = message
  try {
    const outcome = await handleExpiryMessage(message, ports)
    ports.log.info('expiry message handled', { connectionId, reason, outcome })
    return outcome !== 'failed'
  } catch (error) {
    ports.log.warn('expiry message failed', { connectionId, reason }, error)
    return false
  }
}

const reasons: readonly unknown[] = ['token', 'silent', 'abuse', 'revoked', 'unknown']

/** The expiry message in a body, or `undefined` for anything else (which would never get better by trying again). */
function parseExpiryMessage(body: string): ExpiryMessage | undefined {
  try {
    const { connectionId, reason } = JSON.parse(body) as Partial<ExpiryMessage>
    if (typeof connectionId !== 'string' || connectionId === '') return undefined
    return reasons.includes(reason)
      ? { connectionId, reason: reason as ExpiryMessage['reason'] }
      : undefined
  } catch {
    return undefined
  }
}
