import { limits, SUBPROTOCOL } from '../../protocol/index.ts'
import type { Clock } from '../clock.ts'
import type { Identity } from '../auth/identity.ts'
import type { RevocationChecks } from '../auth/ports.ts'
import { readHeader, readOffer } from '../auth/handshake.ts'
import type { Connection, Connections, ExpiryQueue } from './ports.ts'
import { queueTokenExpiry } from './token-end.ts'

/** A live dashboard pings every 25 s (limits.pingIntervalMs): after three missed pings a row no longer counts against the cap. */
export const SILENT_AFTER_MS = 3 * limits.pingIntervalMs

export interface ConnectRequest {
  readonly connectionId: string
  readonly headers: Readonly<Record<string, string | undefined>> | undefined
  /** From the authorizer's context. */
  readonly identity: Identity | undefined
}

/** A `$connect` event as far as it is used: the handshake's headers, and what the authorizer said (APIGW-31, APIGW-69). */
export interface ConnectEvent {
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly requestContext: {
    readonly connectionId: string
    readonly authorizer?: Readonly<Record<string, unknown>>
  }
}

export interface ConnectPorts {
  readonly connections: Connections
  readonly revocations: RevocationChecks
  readonly expiryQueue: ExpiryQueue
  readonly allowedOrigins: readonly string[]
  readonly clock: Clock
}

/** A handshake's answer: API Gateway gives the status to the client as it is (APIGW-17). */
export interface ConnectAnswer {
  readonly statusCode: number
  readonly headers?: Readonly<Record<string, string>>
  /** Why it was refused; logged, API Gateway does not send it. */
  readonly reason?: string
}

/**
 * Accepts or refuses a handshake whose token is already verified. Answers `gaugeline.v1` and never the bearer entry (APIGW-25).
 * A missing Origin is a client that is not a browser: allowed, the token is what protects then.
 */
export async function connect(
  request: ConnectRequest,
  ports: ConnectPorts,
): Promise<ConnectAnswer> {
  const refusal = checkHandshake(request, ports.allowedOrigins)
  if (refusal) return refusal
  const { identity, connectionId } = request
  if (!identity) return { statusCode: 401, reason: 'IDENTITY_MISSING' }
  const nowMs = ports.clock.now()
  const connection: Connection = {
    ...identity,
    connectionId,
    connectedAt: nowMs,
    lastSeenAt: nowMs,
    revision: 1,
  }
  if ((await ports.connections.open(connection)) === 'closed') {
    return { statusCode: 410, reason: 'ALREADY_CLOSED' }
  }
  const late = await checkOpened(connection, ports)
  if (late) {
    await ports.connections.close(connectionId, nowMs)
    return late
  }
  await queueTokenExpiry(connection, ports)
  return { statusCode: 200, headers: { 'Sec-WebSocket-Protocol': SUBPROTOCOL } }
}

function checkHandshake(
  { headers }: ConnectRequest,
  allowedOrigins: readonly string[],
): ConnectAnswer | undefined {
  const origin = readHeader(headers, 'Origin')
  if (origin !== undefined && !allowedOrigins.includes(origin) && !isOwnAddress(origin, headers)) {
    return { statusCode: 403, reason: 'ORIGIN_NOT_ALLOWED' }
  }
  const offer = readOffer(headers)
  if (!offer.offersProtocol || offer.repeats) {
    return { statusCode: 400, reason: 'SUBPROTOCOL_REQUIRED' }
  }
  return undefined
}

/** The API's own address, which some clients that are no browsers send (Python's websocket-client): no page is served there. */
function isOwnAddress(origin: string, headers: ConnectRequest['headers']): boolean {
  const host = readHeader(headers, 'Host')
  return host !== undefined && URL.canParse(origin) && new URL(origin).host === host
}

/**
 * What can only be decided once the row is there. A revocation is written before the user's rows are read, this row before the
 * revocation is read: one of the two sees the other.
 */
async function checkOpened(
  connection: Connection,
  ports: ConnectPorts,
): Promise<ConnectAnswer | undefined> {
  if (await ports.revocations.isRevoked(connection)) return { statusCode: 403, reason: 'REVOKED' }
  if (await hasRoom(connection, ports)) return undefined
  return { statusCode: 429, reason: 'CONNECTION_LIMIT' }
}

/**
 * Whether this connection is within its user's cap. The row is written before the count, so two at once cannot both slip in. Rows of
 * sockets that fell silent (a lost `$disconnect`) do not lock their user out: they are handed to `expire` and not counted.
 */
async function hasRoom(connection: Connection, ports: ConnectPorts): Promise<boolean> {
  const { connections } = ports
  if ((await connections.countOfUser(connection.user)) <= limits.connectionsPerUser) return true
  const all = await connections.ofUser(connection.user)
  const silent = all.filter((one) => one.lastSeenAt < connection.connectedAt - SILENT_AFTER_MS)
  for (const { connectionId } of silent) {
    await ports.expiryQueue.send({ connectionId, reason: 'silent' }, 0)
  }
  const lively = all.filter((one) => !silent.includes(one))
  const rank = lively.findIndex((one) => one.connectionId === connection.connectionId)
  return rank < limits.connectionsPerUser
}
