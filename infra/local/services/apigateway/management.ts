import { createHash } from 'node:crypto'
import type { Hash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { SignedRequest } from '../../platform/sigv4.ts'
import type { Clock, Faults } from '../../platform/types.ts'
import type { Connection } from './connection.ts'
import { MAX_MESSAGE_BYTES } from './connection.ts'
import { isIdFormat, newId } from './ids.ts'
import type { Api, Stage } from './model.ts'
import { refusalOf } from './permission.ts'
import type { PermissionDependencies } from './permission.ts'
import type { Throttles } from './throttles.ts'
import type { Traffic } from './traffic.ts'

interface ManagementDependencies extends PermissionDependencies {
  readonly clock: Clock
  readonly faults: Faults
  readonly throttles: Throttles
  readonly traffic: Traffic
  readonly connections: ReadonlyMap<string, Connection>
  /** MGMT-8: a client that is further behind gets no more. */
  readonly maxBufferedBytes: number
}

interface Call {
  readonly api: Api
  readonly stage: Stage
  /** Decoded (MGMT-10). */
  readonly connectionId: string
  readonly method: string
  readonly rawUrl: string
  readonly headers: IncomingMessage['headers']
  readonly body: SignedRequest['body']
}

interface Reply {
  readonly status: number
  readonly error?: string
  readonly body?: string
}

const EMPTY = Buffer.alloc(0)

/** The @connections API of a stage (MGMT-1–MGMT-19). */
export function createManagement(dependencies: ManagementDependencies) {
  const { connections, faults, throttles, traffic } = dependencies

  /** The checks before the body counts: signature, permission, id (MGMT-4–MGMT-6, MGMT-11). */
  function resolve(call: Call): Connection | Reply {
    const refusal = authenticate(dependencies, call)
    if (refusal) return refusal
    const { connectionId } = call
    if (!isIdFormat(connectionId))
      return fail(400, 'BadRequestException', `Invalid connectionId: ${connectionId}`)
    if (!throttles.takeCallback()) return fail(429, 'LimitExceededException', 'Rate exceeded')
    const connection = connections.get(connectionId)
    if (connection?.stage.name !== call.stage.name || connection.api !== call.api) return gone
    return connection
  }

  async function answer(call: Call): Promise<Reply> {
    const connection = resolve(call)
    if ('status' in connection) return connection
    if (call.method === 'GET') return describe(connection)
    if (call.method === 'DELETE') {
      connection.close(1000, 'Connection closed')
      return { status: 204 } // MGMT-3
    }
    return post(connection, call.body)
  }

  async function post(connection: Connection, body: Call['body']): Promise<Reply> {
    if (!Buffer.isBuffer(body)) return fail(413, 'PayloadTooLargeException', 'Message too long') // MGMT-7
    const fault = faults.at('management.post', connection.facts.connectionId)
    if (fault?.kind === 'throttle') return fail(429, 'LimitExceededException', 'Rate exceeded')
    if (fault?.kind === 'error')
      return fail(
        fault.status ?? 500,
        fault.code ?? 'InternalServerErrorException',
        fault.message ?? 'Internal server error',
      )
    if (fault?.kind === 'delay')
      await new Promise<void>((done) => dependencies.clock.after(fault.ms, done))
    if (fault?.kind === 'drop') return { status: 200 } // MGMT-13: accepted is not delivered
    if (connection.bufferedBytes() > dependencies.maxBufferedBytes)
      return fail(429, 'LimitExceededException', 'The client side buffer is full')
    connection.send(body)
    traffic.count(connection.stage, '$default', 'MessageCount')
    if (fault?.kind === 'duplicate')
      for (let extra = 0; extra < fault.times; extra++) connection.send(body)
    return { status: 200 }
  }

  /** Reads the body and answers. Never throws. */
  return function handle(
    request: IncomingMessage,
    response: ServerResponse,
    target: Pick<Call, 'api' | 'stage' | 'connectionId'>,
  ): void {
    readBody(request, (body) => {
      const call: Call = {
        ...target,
        method: request.method ?? 'GET',
        rawUrl: request.url ?? '/',
        headers: request.headers,
        body,
      }
      void answer(call).then((reply) => {
        send(response, reply)
      })
    })
  }
}

const gone: Reply = { status: 410, error: 'GoneException' }

function fail(status: number, error: string, message: string): Reply {
  return { status, error, body: JSON.stringify({ message }) }
}

function authenticate(dependencies: ManagementDependencies, call: Call): Reply | undefined {
  const { account } = dependencies
  const { method, api, stage, connectionId } = call
  const refusal = refusalOf(dependencies, call, {
    action: 'execute-api:ManageConnections',
    resource: `arn:aws:execute-api:${account.region}:${account.accountId}:${api.id}/${stage.name}/${method}/@connections/${connectionId}`,
  })
  return refusal === undefined ? undefined : fail(403, 'ForbiddenException', refusal) // MGMT-6, MGMT-11
}

/** MGMT-2. */
function describe(connection: Connection): Reply {
  const { connectedAtMs, sourceIp, userAgent } = connection.facts
  return {
    status: 200,
    body: JSON.stringify({
      connectedAt: new Date(connectedAtMs).toISOString(),
      identity: { sourceIp, userAgent: userAgent ?? '' },
      lastActiveAt: new Date(connection.lastActiveMs()).toISOString(),
    }),
  }
}

/** The body; of one over the limit, which is not kept, the hash that its signature is over. */
function readBody(request: IncomingMessage, done: (body: Call['body']) => void): void {
  const chunks: Buffer[] = []
  let bytes = 0
  let hash: Hash | undefined
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    chunks.push(chunk)
    if (bytes <= MAX_MESSAGE_BYTES) return
    hash ??= createHash('sha256')
    for (const read of chunks.splice(0)) hash.update(read)
  })
  request.on('end', () => {
    const [first] = chunks
    if (hash) done({ sha256: hash.digest('hex') })
    else done(chunks.length === 1 && first ? first : first ? Buffer.concat(chunks) : EMPTY)
  })
}

/** MGMT-9: the error's name is in a header; without it SDKs do not know the class. */
function send(response: ServerResponse, reply: Reply): void {
  const body = reply.body ?? (reply.error === undefined ? '' : '{"message":"Gone"}')
  response
    .writeHead(reply.status, {
      'x-amzn-RequestId': newId(),
      ...(reply.error !== undefined && { 'x-amzn-ErrorType': reply.error }),
      ...(body !== '' && { 'content-type': 'application/json' }),
      ...(reply.status !== 204 && { 'content-length': Buffer.byteLength(body) }),
    })
    .end(body)
}
