/** What stays the same for the life of a connection. */
export interface ConnectionFacts {
  readonly connectionId: string
  readonly apiId: string
  readonly stage: string
  readonly domainName: string
  readonly connectedAtMs: number
  readonly sourceIp: string
  readonly userAgent: string | undefined
  readonly stageVariables: Readonly<Record<string, string>>
  /** APIGW-69: principal, context and latency of the authorizer, on every later event. */
  authorizer: Readonly<Record<string, string | number>> | undefined
}

/** The handshake as a proxy hands it on. */
export interface HandshakeRequest {
  /** Names and values in the order sent. */
  readonly rawHeaders: readonly string[]
  readonly rawQuery: string
  readonly traceId: string
}

/** Ids and time of one event. */
export interface EventMoment {
  readonly requestId: string
  readonly timeMs: number
}

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')
const two = (value: number) => String(value).padStart(2, '0')

/** APIGW-37: `dd/Mon/yyyy:HH:mm:ss +0000`. */
export function clfTime(timeMs: number): string {
  const time = new Date(timeMs)
  const day = `${two(time.getUTCDate())}/${MONTHS[time.getUTCMonth()]}/${time.getUTCFullYear()}`
  return `${day}:${two(time.getUTCHours())}:${two(time.getUTCMinutes())}:${two(time.getUTCSeconds())} +0000`
}

function requestContext(
  facts: ConnectionFacts,
  moment: EventMoment,
  event: {
    readonly eventType: 'CONNECT' | 'MESSAGE' | 'DISCONNECT'
    readonly routeKey: string
    readonly messageId?: string
    readonly disconnect?: { readonly code: number; readonly reason: string }
  },
): Record<string, unknown> {
  return {
    routeKey: event.routeKey,
    ...(facts.authorizer && { authorizer: facts.authorizer }),
    ...(event.messageId !== undefined && { messageId: event.messageId }),
    ...(event.disconnect && { disconnectStatusCode: event.disconnect.code }),
    eventType: event.eventType,
    extendedRequestId: moment.requestId, // APIGW-36
    requestTime: clfTime(moment.timeMs),
    messageDirection: 'IN', // APIGW-38
    ...(event.disconnect && { disconnectReason: event.disconnect.reason }),
    stage: facts.stage,
    connectedAt: facts.connectedAtMs,
    requestTimeEpoch: moment.timeMs,
    identity: {
      ...(facts.userAgent !== undefined && { userAgent: facts.userAgent }), // APIGW-40
      sourceIp: facts.sourceIp,
    },
    requestId: moment.requestId,
    domainName: facts.domainName,
    connectionId: facts.connectionId,
    apiId: facts.apiId,
  }
}

const ownVariables = (facts: ConnectionFacts) =>
  Object.keys(facts.stageVariables).length > 0 ? { stageVariables: facts.stageVariables } : {} // APIGW-51

/** APIGW-31–APIGW-36: the event of `$connect`. */
export function connectEvent(
  facts: ConnectionFacts,
  moment: EventMoment,
  request: HandshakeRequest,
): object {
  const query = queryMaps(request.rawQuery)
  return {
    ...headerMaps(facts, request, { hopByHop: false }),
    ...(request.rawQuery !== '' && query), // APIGW-32
    ...ownVariables(facts),
    requestContext: requestContext(facts, moment, { eventType: 'CONNECT', routeKey: '$connect' }),
    isBase64Encoded: false,
  }
}

/** APIGW-43, APIGW-44: the event of a message: three members, no headers. */
export function messageEvent(
  facts: ConnectionFacts,
  moment: EventMoment,
  message: { readonly routeKey: string; readonly messageId: string; readonly body: string },
): object {
  return {
    ...ownVariables(facts),
    requestContext: requestContext(facts, moment, {
      eventType: 'MESSAGE',
      routeKey: message.routeKey,
      messageId: message.messageId,
    }),
    body: message.body,
    isBase64Encoded: false,
  }
}

/** APIGW-45, APIGW-46: the event of `$disconnect`. */
export function disconnectEvent(
  facts: ConnectionFacts,
  moment: EventMoment,
  disconnect: { readonly code: number; readonly reason: string },
): object {
  const headers = {
    Host: facts.domainName,
    'x-api-key': '',
    'X-Forwarded-For': '',
    'x-restapi': '',
  }
  return {
    headers,
    multiValueHeaders: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, [value]]),
    ),
    ...ownVariables(facts),
    requestContext: requestContext(facts, moment, {
      eventType: 'DISCONNECT',
      routeKey: '$disconnect',
      disconnect,
    }),
    isBase64Encoded: false,
  }
}

/** APIGW-55–APIGW-57: the event of a REQUEST authorizer. Empty maps are `{}`, hop-by-hop headers are there. */
export function authorizerEvent(
  facts: ConnectionFacts,
  moment: EventMoment,
  request: HandshakeRequest & { readonly methodArn: string },
): object {
  return {
    type: 'REQUEST',
    methodArn: request.methodArn,
    ...headerMaps(facts, request, { hopByHop: true }),
    ...queryMaps(request.rawQuery),
    stageVariables: facts.stageVariables,
    requestContext: requestContext(facts, moment, { eventType: 'CONNECT', routeKey: '$connect' }),
  }
}

/** The last value of each name, and all of them (APIGW-33). */
interface Maps {
  readonly last: Record<string, string>
  readonly all: Record<string, string[]>
}

function collect(pairs: Iterable<readonly [string, string]>): Maps {
  const maps: Maps = { last: {}, all: {} }
  for (const [name, value] of pairs) {
    maps.last[name] = value
    maps.all[name] = [...(maps.all[name] ?? []), value]
  }
  return maps
}

/** Query parameters of a handshake, decoded. */
export function queryMaps(rawQuery: string): {
  queryStringParameters: Record<string, string>
  multiValueQueryStringParameters: Record<string, string[]>
} {
  const { last, all } = collect(new URLSearchParams(rawQuery))
  return { queryStringParameters: last, multiValueQueryStringParameters: all }
}

function headerMaps(
  facts: ConnectionFacts,
  request: HandshakeRequest,
  options: { readonly hopByHop: boolean },
): { headers: Record<string, string>; multiValueHeaders: Record<string, string[]> } {
  const { last, all } = collect(headerPairs(facts, request, options))
  return { headers: last, multiValueHeaders: all }
}

function* headerPairs(
  facts: ConnectionFacts,
  request: HandshakeRequest,
  { hopByHop }: { readonly hopByHop: boolean },
): Generator<readonly [string, string]> {
  if (hopByHop) {
    yield ['Connection', 'upgrade']
    yield ['content-length', '0']
  }
  for (let at = 0; at + 1 < request.rawHeaders.length; at += 2) {
    const name = canonicalName(request.rawHeaders[at] ?? '')
    if (name === 'Connection' || name === 'Content-Length') continue
    if (name === 'Upgrade' && !hopByHop) continue
    // On AWS the Host is the API's; here it would be an address of this machine.
    yield [name, name === 'Host' ? facts.domainName : (request.rawHeaders[at + 1] ?? '')]
  }
  // APIGW-35
  yield ['X-Amzn-Trace-Id', request.traceId]
  yield ['X-Forwarded-For', facts.sourceIp]
  yield ['X-Forwarded-Port', '443']
  yield ['X-Forwarded-Proto', 'https']
}

/** APIGW-34: `sec-websocket-key` → `Sec-WebSocket-Key`. */
function canonicalName(name: string): string {
  return name
    .replace(/(^|-)([a-z])/g, (_, dash: string, letter: string) => dash + letter.toUpperCase())
    .replace(/^Sec-Websocket-/i, 'Sec-WebSocket-')
}
