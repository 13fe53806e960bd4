import type { APIGatewayProxyWebsocketEventV2 } from 'aws-lambda'
import { metrics as names } from '../contract.ts'
import { reportAbuse } from '../core/connections/abuse.ts'
import { connectionUnknown } from '../core/connections/connection-unknown.ts'
import type {
  Connection,
  Connections,
  ExpiryMessage,
  ExpiryQueue,
  CloseReason,
} from '../core/connections/ports.ts'
import {
  checkMessage,
  errorMessage,
  openMessage,
  readId,
  type Envelope,
} from '../core/messages/parse-message.ts'
import {
  ProtocolError,
  type Action,
  type ClientMessage,
  type ServerMessage,
} from '../protocol/index.ts'
import type { Clock } from '../core/clock.ts'
import type { Telemetry } from './telemetry.ts'

/** Who sent the message: the connection's row, never anything of the body (MESSAGE-22). */
export interface RouteCall {
  readonly connection: Connection
  /** Epoch ms at which API Gateway took the message. */
  readonly receivedAtMs: number
}

/** What a function does with its actions; the answer is sent through the route response (APIGW-75). */
export type RouteHandlers = {
  readonly [A in Action]?: (message: ClientMessage<A>, call: RouteCall) => Promise<ServerMessage>
}

/** The result of a WebSocket route with a route response. Always 200: a status tells the client nothing (APIGW-76). */
export interface RouteAnswer {
  readonly statusCode: 200
  readonly body: string
}

export interface RouteOptions {
  readonly handlers: RouteHandlers
  readonly connections: Pick<Connections, 'admit'>
  readonly telemetry: Telemetry
  readonly clock: Clock
  /** Where to have a socket closed that goes on after being told RATE_LIMITED. */
  readonly expiryQueue: ExpiryQueue
}

/**
 * The Lambda handler of a message route: admission (connection known, within its rate), message rules, core, answer. Every failure
 * becomes one `error` message with the request's id where it can be read; the socket stays open.
 */
export function createRoute(
  options: RouteOptions,
): (event: APIGatewayProxyWebsocketEventV2) => Promise<RouteAnswer> {
  return async (event) => {
    try {
      const connection = await admit(event.requestContext, options)
      const envelope = openMessage(event.body)
      const answer = await answerTo(envelope, options.handlers, {
        connection,
        receivedAtMs: event.requestContext.requestTimeEpoch,
      })
      return { statusCode: 200, body: JSON.stringify(answer) }
    } catch (error) {
      report(error, event, options.telemetry)
      const told = isThrottled(error) ? overloaded(error) : error
      return { statusCode: 200, body: JSON.stringify(errorMessage(told, readId(event.body))) }
    } finally {
      options.telemetry.flush()
    }
  }
}

/** As the SDK marks what a service refused for its rate, after its own attempts (`$retryable`, or the error's name). */
function isThrottled(error: unknown): boolean {
  return error instanceof Error && THROTTLES.has(error.name)
}
const THROTTLES = new Set([
  'ThrottlingException',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
])

const overloaded = (cause: unknown): ProtocolError =>
  new ProtocolError(
    'OVERLOADED',
    'The database takes no more for the moment; repeat in a second.',
    {
      retryAfterMs: 1_000,
      cause,
    },
  )

/** By the time at which API Gateway took the message: a function that is slow to run must not make a burst look calm. */
async function admit(
  { connectionId, requestTimeEpoch }: APIGatewayProxyWebsocketEventV2['requestContext'],
  options: RouteOptions,
): Promise<Connection> {
  const admission = await options.connections.admit(connectionId, requestTimeEpoch)
  switch (admission.outcome) {
    case 'admitted':
      return requireValid(admission.connection, options.clock)
    case 'limited':
      options.telemetry.metrics.count(names.rateLimited)
      await reportAbuse(connectionId, admission.strikes, options.expiryQueue)
      throw new ProtocolError(
        'RATE_LIMITED',
        `Too many messages on this connection; wait ${admission.retryAfterMs} ms.`,
        { retryAfterMs: admission.retryAfterMs },
      )
    case 'unknown':
      await endSocket({ connectionId, reason: admission.closedFor ?? 'unknown' }, options)
      throw endedError(admission.closedFor)
  }
}

/** A socket without a row is of no use to anybody: `expire` ends it (MESSAGE-21), if not now then at its next message. */
async function endSocket(
  wake: ExpiryMessage,
  { expiryQueue, telemetry }: RouteOptions,
): Promise<void> {
  try {
    await expiryQueue.send(wake, 0)
  } catch (error) {
    telemetry.log.warn('wake-up not sent', { ...wake }, error)
  }
}

/** Why the server takes nothing more from a socket that is still open. */
function endedError(closedFor: CloseReason | undefined): ProtocolError {
  if (closedFor === 'token') return tokenExpired()
  return closedFor === 'revoked'
    ? new ProtocolError('REVOKED', 'The access was revoked by an administrator.')
    : connectionUnknown()
}

const tokenExpired = (): ProtocolError =>
  new ProtocolError(
    'TOKEN_EXPIRED',
    'The token of this connection has expired; open a new connection with a new token.',
  )

/** A token that has ended gives no more access, whatever the socket's age (MESSAGE-12). */
function requireValid(connection: Connection, clock: Clock): Connection {
  if (connection.expiresAt * 1_000 > clock.now()) return connection
  throw tokenExpired()
}

async function answerTo(
  envelope: Envelope,
  handlers: RouteHandlers,
  call: RouteCall,
): Promise<ServerMessage> {
  const { action } = envelope
  const handle = handlers[action]
  if (!handle) {
    throw new ProtocolError('UNKNOWN_ACTION', 'This action is not served on this route.')
  }
  // The message was checked against the schema of the very action whose handler this is.
  const run = handle as (message: ClientMessage, call: RouteCall) => Promise<ServerMessage>
  return run(checkMessage(action, envelope), call)
}

function report(
  error: unknown,
  event: APIGatewayProxyWebsocketEventV2,
  telemetry: Telemetry,
): void {
  const { connectionId, routeKey } = event.requestContext
  if (error instanceof ProtocolError) {
    telemetry.metrics.count(names.messagesRejected)
    if (error.code === 'FORBIDDEN') telemetry.metrics.count(names.entitlementDenied)
    telemetry.log.info('message refused', { connectionId, routeKey, code: error.code })
    return
  }
  telemetry.metrics.count(names.messagesFailed)
  telemetry.log.error('message failed', { connectionId, routeKey }, error)
}
