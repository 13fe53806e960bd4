import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { AwsError } from '../../platform/errors.ts'
import { LostAnswer, passSeam } from '../../platform/seam.ts'
import type {
  Account,
  ApiHandler,
  ApiRequest,
  ApiResponse,
  Clock,
  Faults,
  Service,
} from '../../platform/types.ts'
import { authenticate, type Principals } from './authenticate.ts'
import { errorResponse } from './error-response.ts'
import { listen, type Listener } from './listener.ts'
import { refusal } from './loopback.ts'
import { parseCall, type HttpCall } from './parse-call.ts'

/** Any credentials do and there is no TLS, so nobody else may reach it. */
const HOST = '127.0.0.1'
const MAX_BODY_BYTES = 17 * 1024 * 1024

/** Answers a local control path; called with the whole body. */
export type LocalHandler = (call: HttpCall) => ApiResponse | Promise<ApiResponse>

export interface Endpoint extends Service {
  /** Adds the API of a service under its signing names. */
  mount(handler: ApiHandler): void
  /** Adds a control path such as `/_gaugeline/faults`: same origin rules, no signature. */
  mountLocal(path: string, handler: LocalHandler): void
  /** `http://127.0.0.1:PORT`; after start. */
  readonly url: string
}

export interface EndpointOptions {
  readonly clock: Clock
  readonly account: Account
  readonly principals: Principals
  readonly faults?: Faults
  /** 0 = any. */
  readonly port: number
}

/**
 * The one HTTP front of every emulated AWS API: reads the signature, finds the service by its signing name, and shapes
 * failures as the protocol of the call wants them. Seam `api.<service>`, target = operation.
 */
export function createEndpoint(options: EndpointOptions): Endpoint {
  const handlers = new Map<string, ApiHandler>()
  const local = new Map<string, LocalHandler>()
  let listener: Listener | undefined

  const answer = async (call: HttpCall): Promise<ApiResponse> => {
    const refused = refusal(call)
    if (refused) return refused
    const localHandler = local.get(call.url.split('?', 1)[0] ?? '')
    if (localHandler) return localHandler(call)
    return answerApi(call, { ...options, handlers })
  }

  return {
    name: 'aws-endpoint',
    mount(handler) {
      for (const name of handler.signingNames) handlers.set(name, handler)
    },
    mountLocal(path, handler) {
      local.set(path, handler)
    },
    get url() {
      if (!listener) throw new TypeError('The AWS endpoint has no address before it is started')
      return `http://${HOST}:${listener.port}`
    },
    async start() {
      listener = await listen(
        (request, response) => {
          void serve(request, response, answer)
        },
        { host: HOST, port: options.port },
      )
    },
    async stop() {
      await listener?.close()
      listener = undefined
    },
  }
}

async function answerApi(
  call: HttpCall,
  options: EndpointOptions & {
    readonly handlers: ReadonlyMap<string, ApiHandler>
  },
): Promise<ApiResponse> {
  const requestId = randomUUID()
  const parsed = parseCall(call)
  const contentType = call.headers['content-type'] ?? 'application/json'
  let response: ApiResponse
  try {
    const caller = authenticate(call, options)
    const handler = options.handlers.get(caller.service)
    if (!handler) throw unknownService(caller.service, [...options.handlers.keys()])
    const request: ApiRequest = { ...call, ...parsed, ...caller, requestId }
    await passSeam(options, `api.${caller.service}`, parsed.operation)
    response = await handler.handle(request)
  } catch (error) {
    if (error instanceof LostAnswer) throw error
    response = errorResponse(asAwsError(error), {
      protocol: parsed.protocol === 'rest' && isRestXml(call) ? 'query' : parsed.protocol,
      requestId,
      contentType,
    })
  }
  const defaultType = parsed.protocol === 'query' ? 'text/xml' : contentType
  return {
    ...response,
    headers: { 'content-type': defaultType, 'x-amzn-requestid': requestId, ...response.headers },
  }
}

/** REST services whose clients read errors as XML; none is emulated, and they shall be told so in their own words. */
function isRestXml(call: HttpCall): boolean {
  return /\/(s3|cloudfront|route53)\/aws4_request/.test(call.headers['authorization'] ?? '')
}

function unknownService(service: string, known: readonly string[]): AwsError {
  return new AwsError(
    'UnknownOperationException',
    `The service ${service} is not emulated on one machine; emulated: ${[...known].sort().join(', ')}`,
  )
}

function asAwsError(error: unknown): AwsError {
  if (error instanceof AwsError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new AwsError('InternalFailure', message, { status: 500, cause: error })
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  answer: (call: HttpCall) => Promise<ApiResponse>,
): Promise<void> {
  try {
    const body = await readBody(request)
    const result =
      body === undefined
        ? { status: 413 }
        : await answer({
            method: request.method ?? 'GET',
            url: request.url ?? '/',
            headers: flatHeaders(request),
            body,
          })
    response.writeHead(result.status, lengthOf(result))
    response.end(result.body ?? '')
  } catch {
    // A lost answer on purpose, or a client that left while it was being read: there is nobody to tell.
    response.destroy()
  }
}

function lengthOf(result: ApiResponse): Record<string, string> {
  return { ...result.headers, 'content-length': String(Buffer.byteLength(result.body ?? '')) }
}

function flatHeaders(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  const authority = headers[':authority']
  if (authority !== undefined) headers['host'] ??= authority
  return headers
}

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > MAX_BODY_BYTES) return undefined
    parts.push(part)
  }
  return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts)
}
