import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createHttpServer } from '../../platform/http-server.ts'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { systemClock } from '../../platform/clock.ts'
import { StartError } from '../../platform/errors.ts'
import type { HostMap } from '../../platform/host-map.ts'
import type {
  Account,
  Authorization,
  Clock,
  Faults,
  Functions,
  LogSink,
  Metrics,
  ResourceService,
} from '../../platform/types.ts'
import type { Connection } from './connection.ts'
import { MAX_MESSAGE_BYTES, openConnection } from './connection.ts'
import { decideHandshake } from './handshake.ts'
import type { GatewayDependencies, HandshakeOutcome } from './handshake.ts'
import { integrationInvoker } from './invoke-integration.ts'
import { createManagement } from './management.ts'
import { dispatchDisconnect, dispatchMessage } from './messages.ts'
import { createModel } from './model.ts'
import type { Api, Stage } from './model.ts'
import type { Principals } from './permission.ts'
import { apiGatewayProviders } from './providers.ts'
import { parseTarget } from './target.ts'
import type { Target } from './target.ts'
import { awsLimits, createThrottles } from './throttles.ts'
import type { AccountLimits } from './throttles.ts'
import { createTraffic } from './traffic.ts'

export interface ApiGatewayOptions {
  readonly clock: Clock
  readonly account: Account
  readonly functions: Functions
  readonly authorization: Authorization
  /** Whose access key that is; keys that nobody gave out are the local developer's. */
  readonly principals: Principals
  readonly metrics: Metrics
  readonly logs: LogSink
  readonly faults: Faults
  /** 0 = any free port. */
  readonly port: number
  readonly host?: '127.0.0.1' | '::1'
  /** Told where each API's host name is served. */
  readonly hostMap?: HostMap
  /** The clock of those who sign requests; the machine's unless given. */
  readonly signingClock?: Clock
  readonly limits?: Partial<AccountLimits>
  /** MGMT-8: bytes a client may be behind; default 1 MiB. */
  readonly maxBufferedBytes?: number
}

export interface ApiGateway extends ResourceService {
  readonly port: number
  /** `ws://127.0.0.1:PORT/{stage}` and `http://127.0.0.1:PORT/{stage}` for the stage of the template's API. */
  urls(stage: string): { readonly websocket: string; readonly management: string }
  /** Connections open now. */
  connectionCount(): number
}

/** API Gateway WebSocket APIs on one machine: sockets, routes, authorizer, `@connections` (APIGW-1–APIGW-109, MGMT-1–MGMT-19, CFN-1–CFN-9). */
export function createApiGateway(options: ApiGatewayOptions): ApiGateway {
  const { clock, account } = options
  const maxBufferedBytes = options.maxBufferedBytes ?? 1_048_576
  const signingClock = options.signingClock ?? systemClock()
  const model = createModel()
  const connections = new Map<string, Connection>()
  const throttles = createThrottles(clock, { ...awsLimits, ...options.limits })
  const traffic = createTraffic(clock, options.metrics)
  const dependencies: GatewayDependencies = {
    ...options,
    signingClock,
    throttles,
    traffic,
    invoke: integrationInvoker(options),
  }
  const management = createManagement({
    ...options,
    signingClock,
    throttles,
    traffic,
    connections,
    maxBufferedBytes,
  })
  const accepted = new WeakMap<IncomingMessage, HandshakeOutcome & { accepted: true }>()
  const targets = new WeakMap<IncomingMessage, { readonly api: Api; readonly stage: Stage }>()
  /** Of open connections and of pending handshakes. */
  const sockets = new Set<Duplex>()
  let stopping = false

  const webSockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    clientTracking: false,
    maxPayload: MAX_MESSAGE_BYTES,
    // APIGW-25, APIGW-26: only what `$connect` answered.
    handleProtocols: (_, request) => accepted.get(request)?.subprotocol ?? false,
    // APIGW-14: `ws` has checked the headers and waits for this answer before it says 101.
    verifyClient: ({ req }, answer) => {
      void decide(req).then((outcome) => {
        if (!outcome.accepted) {
          answer(false, outcome.status, outcome.body, jsonHeaders)
          return
        }
        accepted.set(req, outcome)
        answer(true)
      })
    },
  })

  function decide(request: IncomingMessage): Promise<HandshakeOutcome> {
    const target = targetOf(request)
    return decideHandshake(dependencies, {
      ...target,
      rawUrl: request.url ?? '/',
      rawHeaders: request.rawHeaders,
      headers: request.headers,
      rawQuery: parseTarget(request.url).rawQuery,
      sourceIp: request.socket.remoteAddress ?? '127.0.0.1',
    })
  }

  function targetOf(request: IncomingMessage): { api: Api; stage: Stage } {
    const target = targets.get(request)
    if (!target) throw new TypeError('a handshake without a stage')
    return target
  }

  webSockets.on('connection', (webSocket, request: IncomingMessage) => {
    const outcome = accepted.get(request)
    if (!outcome) return
    const connection = openConnection({
      ...targetOf(request),
      webSocket,
      socket: request.socket,
      facts: outcome.facts,
      clock,
      maxBufferedBytes,
      onMessage: (from, body) => dispatchMessage(dependencies, from, body),
      onEnd: (ended, code, reason) => {
        connections.delete(ended.facts.connectionId)
        if (!stopping) void dispatchDisconnect(dependencies, ended, { code, reason })
      },
    })
    connections.set(outcome.facts.connectionId, connection)
  })

  function onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy())
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    const refusal = refuseTarget(request)
    if ('api' in refusal) {
      targets.set(request, refusal)
      webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        webSockets.emit('connection', webSocket, request)
      })
    } else {
      socket.end(
        `HTTP/1.1 ${refusal.status} ${refusal.text}\r\nConnection: close\r\n${refusal.header ?? ''}Content-Type: application/json\r\nContent-Length: ${refusal.body.length}\r\n\r\n${refusal.body}`,
      )
    }
  }

  /** The stage that a handshake is for, or why it is refused before anything is run. */
  function refuseTarget(
    request: IncomingMessage,
  ):
    | { api: Api; stage: Stage }
    | { status: number; text: string; body: string; /** A whole line. */ header?: string } {
    if ((request.url?.length ?? 0) > MAX_URL_LENGTH)
      return { status: 414, text: 'URI Too Long', body: '{"message":"Request URI too long"}' } // APIGW-28
    // RFC 6455 4.1: a handshake is HTTP/1.1 or later.
    if (request.httpVersion === '1.0')
      return { status: 426, text: 'Upgrade Required', body: '{"message":"Upgrade Required"}' }
    // RFC 6455 4.2.1: 13 and no other. `ws` would also speak 8, an old draft in which the Origin has another name.
    if (request.headers['sec-websocket-version'] !== '13')
      return {
        status: 400,
        text: 'Bad Request',
        body: '{"message":"Bad Request"}',
        header: 'Sec-WebSocket-Version: 13\r\n',
      }
    if (request.rawHeaders.join('').length > MAX_HEADER_BYTES)
      return {
        status: 431,
        text: 'Request Header Fields Too Large',
        body: '{"message":"Request Header Fields Too Large"}',
      }
    const target = parseTarget(request.url)
    const resolved = isServedHost(request)
      ? model.resolve(hostOf(request), target.stage)
      : undefined
    // APIGW-22
    if (!resolved || target.rest !== '') return { status: 403, text: 'Forbidden', body: FORBIDDEN }
    return resolved
  }

  /** A page of another origin could reach 127.0.0.1 under its own name (DNS rebinding); names of this machine and of the APIs only. */
  function isServedHost(request: IncomingMessage): boolean {
    const host = hostOf(request)
    return LOCAL_HOSTS.has(host) || model.isApiHost(host)
  }

  /** Everything but a handshake. SDKs send no `Origin`: a page of whatever origin has nothing to ask here. */
  function onRequest(request: IncomingMessage, response: ServerResponse): void {
    const target = parseTarget(request.url)
    const resolved = isServedHost(request)
      ? model.resolve(hostOf(request), target.stage)
      : undefined
    const connectionId = connectionIdOf(target)
    if (!resolved || isFromPage(request)) {
      reply(response, 403, { message: 'Forbidden' }, { 'x-amzn-ErrorType': 'ForbiddenException' }) // MGMT-6
    } else if (connectionId !== undefined && isManagementMethod(request.method)) {
      management(request, response, { ...resolved, connectionId })
    } else if (target.rest === '') {
      reply(response, 426, { message: 'Upgrade Required' }, { upgrade: 'websocket' }) // APIGW-23
    } else {
      reply(response, 403, { message: 'Missing Authentication Token' }, missingToken)
    }
  }

  const server = createHttpServer(onRequest, { keepAliveTimeout: KEEP_ALIVE_MS })
  server.on('upgrade', onUpgrade)
  const port = () => (server.address() as AddressInfo).port
  const host = options.host ?? '127.0.0.1'
  const address = () => `${host === '::1' ? '[::1]' : host}:${port()}`

  return {
    name: 'apigateway',
    providers: apiGatewayProviders({
      account,
      model,
      onApi: (domainName) => options.hostMap?.add(domainName, address()),
    }),
    get port() {
      return port()
    },
    urls: (stage) => ({
      websocket: `ws://${address()}/${stage}`,
      management: `http://${address()}/${stage}`,
    }),
    connectionCount: () => connections.size,
    async start() {
      await listen(server, options.port, host)
      traffic.start()
    },
    async stop() {
      stopping = true
      for (const socket of sockets) socket.destroy()
      traffic.stop()
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

/** APIGW-28. */
const MAX_URL_LENGTH = 4096
/** All names and values together; documented for HTTP APIs, taken to hold here too (HANDSHAKE-11). */
const MAX_HEADER_BYTES = 10_240
/** Longer than any SDK keeps an idle socket, so that none is closed under a request. */
const KEEP_ALIVE_MS = 120_000
const FORBIDDEN = '{"message":"Forbidden"}'
const LOCAL_HOSTS = new Set(['127.0.0.1', 'localhost', '[::1]'])
const jsonHeaders = { 'Content-Type': 'application/json' }
const missingToken = { 'x-amzn-ErrorType': 'MissingAuthenticationTokenException' }

function isManagementMethod(method: string | undefined): boolean {
  return method === 'POST' || method === 'GET' || method === 'DELETE'
}

/** Sent by a browser for some page: no SDK does that. */
function isFromPage({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'] ?? 'none'
  return headers.origin !== undefined || site !== 'none'
}

function connectionIdOf(target: Target): string | undefined {
  return /^@connections\/([^/]+)$/.exec(target.rest)?.[1]
}

function hostOf(request: IncomingMessage): string {
  return (request.headers.host ?? '').toLowerCase().replace(/:\d+$/, '')
}

function reply(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>>,
): void {
  response.writeHead(status, { ...jsonHeaders, ...headers }).end(JSON.stringify(body))
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(
        new StartError(
          cause.code === 'EADDRINUSE' ? 'PORT_IN_USE' : 'CANNOT_LISTEN',
          `WebSocket port ${port} on ${host}: ${cause.code === 'EADDRINUSE' ? 'in use; choose another or 0 for any' : cause.message}`,
          { cause },
        ),
      )
    })
    server.listen(port, host, resolve)
  })
}
