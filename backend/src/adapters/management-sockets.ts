import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import type { SocketOutcome, Sockets } from '../core/connections/ports.ts'

const DEADLINE_MS = 2_000
/** Closing somebody's socket is rare and must work: unlike a reading, it is tried again. */
const ATTEMPTS = 3

/**
 * Single posts and closes through the management API, with a deadline of its own (PostToConnection has none: reliability.md headline 3).
 * The endpoint comes from the standard variable (aws-behaviour M16).
 */
export function managementSockets(
  client = new ApiGatewayManagementApiClient({ maxAttempts: ATTEMPTS }),
): Sockets {
  return {
    post: (connectionId, frame) =>
      outcomeOf((abortSignal) =>
        client.send(new PostToConnectionCommand({ ConnectionId: connectionId, Data: frame }), {
          abortSignal,
        }),
      ),
    disconnect: (connectionId) =>
      outcomeOf((abortSignal) =>
        client.send(new DeleteConnectionCommand({ ConnectionId: connectionId }), { abortSignal }),
      ),
  }
}

async function outcomeOf(call: (signal: AbortSignal) => Promise<unknown>): Promise<SocketOutcome> {
  try {
    await call(AbortSignal.timeout(DEADLINE_MS))
    return 'ok'
  } catch (error) {
    return isGone(error) ? 'gone' : 'failed'
  }
}

/** By status as well as name: a 410 with an empty body is named "Unknown" (reliability.md E1). */
function isGone(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { $metadata: metadata } = error as { $metadata?: { httpStatusCode?: number } }
  return error.name === 'GoneException' || metadata?.httpStatusCode === 410
}
