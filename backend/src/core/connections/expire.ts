import type { Log } from '../telemetry-sink.ts'
import { closeConnection, type ClosePorts } from './close.ts'
import { SILENT_AFTER_MS } from './connect.ts'
import type { Wake, WakeQueue } from './ports.ts'
import { wakeAtTokenEnd } from './token-end.ts'

export interface ExpirePorts extends ClosePorts {
  readonly wakes: WakeQueue
}

/**
 * What a wake-up message comes to. The row decides, not the message: a token may have been refreshed since, a silent client may have spoken.
 * An end that has moved to a little later is queued again, one far away is left to the sweeper. `failed`: to be tried again.
 */
async function handleWake(
  wake: Wake,
  ports: ExpirePorts,
): Promise<'closed' | 'queued' | 'kept' | 'failed'> {
  const connection = await ports.connections.find(wake.connectionId)
  // Without a row the socket is gone, or an earlier attempt could not close it: closing a closed one does no harm.
  if (!connection) return closeConnection(wake.connectionId, wake.reason, ports)
  const nowMs = ports.clock.now()
  if (wake.reason === 'token') {
    if (connection.expiresAt > nowMs / 1_000) return wakeAtTokenEnd(connection, ports)
  }
  if (wake.reason === 'unknown') return 'kept'
  if (wake.reason === 'silent' && connection.lastSeenAt >= nowMs - SILENT_AFTER_MS) return 'kept'
  return closeConnection(wake.connectionId, wake.reason, ports)
}

/** Handles a batch of messages; returns the ids of those to be tried again. One that fails does not touch the others. */
export async function handleWakes(
  messages: readonly { readonly messageId: string; readonly body: string }[],
  ports: ExpirePorts & { readonly log: Log },
): Promise<readonly string[]> {
  const outcomes = await Promise.all(
    messages.map(async ({ messageId, body }) => ({ messageId, done: await settle(body, ports) })),
  )
  return outcomes.filter(({ done }) => !done).map(({ messageId }) => messageId)
}

async function settle(body: string, ports: ExpirePorts & { readonly log: Log }): Promise<boolean> {
  const wake = parseWake(body)
  if (!wake) {
    ports.log.error('wake-up not understood', { bytes: body.length })
    return true
  }
  const { connectionId, reason } = wake
  try {
    const outcome = await handleWake(wake, ports)
    ports.log.info('wake-up handled', { connectionId, reason, outcome })
    return outcome !== 'failed'
  } catch (error) {
    ports.log.warn('wake-up failed', { connectionId, reason }, error)
    return false
  }
}

const reasons: readonly unknown[] = ['token', 'silent', 'abuse', 'revoked', 'unknown']

/** The wake-up in a message body, or `undefined` for anything else (which would never get better by trying again). */
function parseWake(body: string): Wake | undefined {
  try {
    const { connectionId, reason } = JSON.parse(body) as Partial<Wake>
    if (typeof connectionId !== 'string' || connectionId === '') return undefined
    return reasons.includes(reason) ? { connectionId, reason: reason as Wake['reason'] } : undefined
  } catch {
    return undefined
  }
}
