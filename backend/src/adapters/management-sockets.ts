import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import type { SocketOutcome, Sockets } from '../core/connections/ports.ts'
import type { Log } from '../core/telemetry-sink.ts'

const DEADLINE_MS = 2_000
/** Closing somebody's socket is rare and must work: unlike a reading, it is tried again. */
const ATTEMPTS = 3

/**
 * Single posts and closes through the management API, with a deadline of its own (PostToConnection has none).
 * The endpoint comes from the standard variable (MGMT-16).
 */
export function managementSockets(
  log: Log,
  client = new ApiGatewayManagementApiClient({ maxAttempts: ATTEMPTS }),
): Sockets {
  const attempt = async (
    connectionId: string,
    operation: 'post' | 'disconnect',
    call: (options: { abortSignal: AbortSignal }) => Promise<unknown>,
  ): Promise<SocketOutcome> => {
    try {
      await call({ abortSignal: AbortSignal.timeout(DEADLINE_MS) })
      return 'ok'
    } catch (error) {
      if (isGone(error)) return 'gone'
      log.warn('socket not reached', { connectionId, operation }, error)
      return 'failed'
    }
  }
  return {
    post: (ConnectionId, Data) =>
      attempt(ConnectionId, 'post', (options) =>
        client.send(new PostToConnectionCommand({ ConnectionId, Data }), options),
      ),
    disconnect: (ConnectionId) =>
      attempt(ConnectionId, 'disconnect', (options) =>
        client.send(new DeleteConnectionCommand({ ConnectionId }), options),
      ),
  }
}

/** By status as well as name: a 410 with an empty body is named "Unknown" (MEASURE-1). */
function isGone(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { $metadata: metadata } = error as { $metadata?: { httpStatusCode?: number } }
  return error.name === 'GoneException' || metadata?.httpStatusCode === 410
}
