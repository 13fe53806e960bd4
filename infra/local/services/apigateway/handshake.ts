import { randomBytes } from 'node:crypto'
import type { Clock, Faults, LogSink } from '../../platform/types.ts'
import type { AccessLogEntry, IntegrationFacts } from './access-log.ts'
import { writeAccessLog } from './access-log.ts'
import { authorizerEvent, connectEvent, queryMaps } from './events.ts'
import type { ConnectionFacts, EventMoment, HandshakeRequest } from './events.ts'
import { hasIdentity } from './identity-sources.ts'
import { newId } from './ids.ts'
import { proxyResponse } from './invoke-integration.ts'
import type { IntegrationOutcome, InvokeIntegration } from './invoke-integration.ts'
import { routesOf, withStageVariables } from './model.ts'
import type { Api, Route, Stage } from './model.ts'
import { refusalOf } from './permission.ts'
import type { PermissionDependencies } from './permission.ts'
import { evaluateAuthorizer } from './policy.ts'
import type { Throttles } from './throttles.ts'
import type { Traffic } from './traffic.ts'

export interface GatewayDependencies extends PermissionDependencies {
  readonly clock: Clock
  readonly logs: LogSink
  readonly faults: Faults
  readonly invoke: InvokeIntegration
  readonly throttles: Throttles
  readonly traffic: Traffic
}

/** An upgrade request on a known stage. */
export interface Handshake {
  readonly api: Api
  readonly stage: Stage
  readonly rawUrl: string
  readonly rawHeaders: readonly string[]
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly rawQuery: string
  readonly sourceIp: string
}

export type HandshakeOutcome =
  | {
      readonly accepted: true
      readonly facts: ConnectionFacts
      /** APIGW-25: the one the `$connect` function answered. */
      readonly subprotocol: string | undefined
    }
  | { readonly accepted: false; readonly status: number; readonly body: string }

interface Refusal {
  readonly status: number
  readonly message: string
  readonly responseType: string
}

const AUTHORIZER_TIMEOUT_MS = 30_000

const unauthorized: Refusal = {
  status: 401,
  message: 'Unauthorized',
  responseType: 'UNAUTHORIZED',
}
const denied: Refusal = {
  status: 403,
  message: 'User is not authorized to access this resource',
  responseType: 'ACCESS_DENIED',
}
const authorizerFailed: Refusal = {
  status: 500,
  message: 'Internal server error',
  responseType: 'AUTHORIZER_FAILURE',
}
const throttled: Refusal = { status: 429, message: 'Too Many Requests', responseType: 'THROTTLED' }

/**
 * Decides about a handshake (APIGW-14–APIGW-28, APIGW-52–APIGW-73): identity sources, authorizer, `$connect`, in this order (APIGW-72). The upgrade stays pending
 * meanwhile. Never rejects.
 */
export async function decideHandshake(
  dependencies: GatewayDependencies,
  handshake: Handshake,
): Promise<HandshakeOutcome> {
  const { clock, throttles } = dependencies
  const { api, stage } = handshake
  const moment: EventMoment = { requestId: newId(), timeMs: clock.now() }
  const facts: ConnectionFacts = {
    connectionId: newId(),
    apiId: api.id,
    stage: stage.name,
    domainName: api.domainName,
    connectedAtMs: moment.timeMs,
    sourceIp: handshake.sourceIp,
    userAgent: single(handshake.headers['user-agent']),
    stageVariables: stage.variables,
    authorizer: undefined,
  }
  const attempt: Attempt = { dependencies, handshake, moment, facts }
  if (!throttles.takeConnect(stage)) return refuse(attempt, throttled) // APIGW-101
  const route = routesOf(api, stage).get('$connect')
  if (!route) return accept(attempt, undefined, 200) // APIGW-15
  const authorized = await authorize(attempt, route)
  if (authorized.refusal) return refuse(attempt, authorized.refusal, authorized)
  return runConnect(attempt, route, authorized.authorizer)
}

interface Attempt {
  readonly dependencies: GatewayDependencies
  readonly handshake: Handshake
  readonly moment: EventMoment
  readonly facts: ConnectionFacts
}

interface Authorized {
  readonly refusal?: Refusal
  readonly authorizer?: IntegrationFacts
}

async function authorize(attempt: Attempt, route: Route): Promise<Authorized> {
  if (route.authorizationType === 'NONE') return {}
  const { api, stage } = attempt.handshake
  const { account } = attempt.dependencies
  const methodArn = `arn:aws:execute-api:${account.region}:${account.accountId}:${api.id}/${stage.name}/$connect`
  if (route.authorizationType === 'AWS_IAM') return checkIam(attempt, methodArn)
  return runAuthorizer(attempt, route, methodArn)
}

/** APIGW-73: a signed query (or header), allowed `execute-api:Invoke` on `$connect`. */
function checkIam(attempt: Attempt, methodArn: string): Authorized {
  const { rawUrl, headers } = attempt.handshake
  const refusal = refusalOf(
    attempt.dependencies,
    { method: 'GET', rawUrl, headers, body: Buffer.alloc(0) },
    { action: 'execute-api:Invoke', resource: methodArn },
  )
  return refusal === undefined ? {} : { refusal: { ...denied, message: refusal } }
}

async function runAuthorizer(
  attempt: Attempt,
  route: Route,
  methodArn: string,
): Promise<Authorized> {
  const { handshake, facts, moment, dependencies } = attempt
  const { api, stage } = handshake
  const authorizer = api.authorizers.get(route.authorizerId ?? '')
  if (!authorizer) return { refusal: authorizerFailed }
  const request = proxyRequest(attempt)
  const event = authorizerEvent(facts, moment, { ...request, methodArn })
  // APIGW-59: a missing identity is refused without calling the function.
  const identified = hasIdentity(authorizer.identitySources, {
    headers: handshake.headers,
    query: queryMaps(handshake.rawQuery).queryStringParameters,
    stageVariables: stage.variables,
    context: (event as { requestContext: Record<string, unknown> }).requestContext,
  })
  if (!identified) return { refusal: unauthorized }
  const outcome = await dependencies.invoke({
    functionArn: withStageVariables(authorizer.functionArn, stage),
    timeoutMs: AUTHORIZER_TIMEOUT_MS,
    event,
    source: `${api.id}/authorizers/${authorizer.id}`,
  })
  return judge(attempt, outcome, methodArn)
}

/** APIGW-61–APIGW-69: what the authorizer's answer means. */
function judge(attempt: Attempt, outcome: IntegrationOutcome, methodArn: string): Authorized {
  const authorizer = outcome.facts
  if (outcome.kind === 'failed') {
    const isRefusal = outcome.why === 'function' && outcome.errorMessage === 'Unauthorized' // APIGW-61
    return { refusal: isRefusal ? unauthorized : authorizerFailed, authorizer }
  }
  const answer = evaluateAuthorizer(outcome.payload, methodArn)
  if (!answer) return { refusal: authorizerFailed, authorizer } // APIGW-63
  attempt.facts.authorizer = {
    ...answer.context,
    principalId: answer.principalId,
    integrationLatency: authorizer.latencyMs,
  }
  return answer.allows ? { authorizer } : { refusal: denied, authorizer } // APIGW-62
}

async function runConnect(
  attempt: Attempt,
  route: Route,
  authorizer: IntegrationFacts | undefined,
): Promise<HandshakeOutcome> {
  const { dependencies, handshake, facts, moment } = attempt
  const { api, stage } = handshake
  const integration = api.integrations.get(route.integrationId ?? '')
  if (!integration) return accept(attempt, undefined, 200, { ...(authorizer && { authorizer }) })
  dependencies.traffic.count(stage, '$connect', 'ConnectCount')
  const outcome = await dependencies.invoke({
    functionArn: withStageVariables(integration.functionArn, stage),
    timeoutMs: integration.timeoutMs,
    event: connectEvent(facts, moment, proxyRequest(attempt)),
    source: `${api.id}/${stage.name}/$connect`,
  })
  dependencies.traffic.integrationLatency(stage, '$connect', outcome.facts.latencyMs)
  const log = { integration: outcome.facts, ...(authorizer && { authorizer }) }
  const response = outcome.kind === 'answered' ? proxyResponse(outcome.payload) : undefined
  if (!response) {
    // APIGW-18: 502; CFN-9: without the permission to call the function 500.
    const status = outcome.kind === 'failed' && outcome.why === 'permission' ? 500 : 502
    return refuse(
      attempt,
      { status, message: 'Internal server error', responseType: 'INTEGRATION_FAILURE' },
      log,
    )
  }
  const { statusCode } = response
  if (statusCode >= 200 && statusCode < 300)
    return accept(attempt, subprotocolOf(response.headers), statusCode, log)
  const refusal = { status: statusCode, message: 'Forbidden', responseType: 'INTEGRATION_STATUS' }
  return refuse(attempt, refusal, log) // APIGW-17
}

function proxyRequest({ handshake, moment }: Attempt): HandshakeRequest {
  return {
    rawHeaders: handshake.rawHeaders,
    rawQuery: handshake.rawQuery,
    traceId: `Root=1-${Math.floor(moment.timeMs / 1000).toString(16)}-${randomBytes(12).toString('hex')}`,
  }
}

function accept(
  attempt: Attempt,
  subprotocol: string | undefined,
  status: number,
  log: Partial<AccessLogEntry> = {},
): HandshakeOutcome {
  writeLog(attempt, status, log)
  return { accepted: true, facts: attempt.facts, subprotocol }
}

function refuse(
  attempt: Attempt,
  refusal: Refusal,
  log: Partial<AccessLogEntry> = {},
): HandshakeOutcome {
  const { facts, moment, dependencies, handshake } = attempt
  // A status that HTTP does not know as a failure cannot end a handshake.
  const status = refusal.status >= 300 && refusal.status <= 599 ? refusal.status : 502
  countFailure(dependencies.traffic, handshake.stage, refusal)
  writeLog(attempt, status, { ...log, error: refusal })
  const body = JSON.stringify({
    message: refusal.message,
    connectionId: facts.connectionId,
    requestId: moment.requestId,
  })
  return { accepted: false, status, body }
}

/** APIGW-107: before the integration it is the client's error, in it the integration's. */
function countFailure(traffic: Traffic, stage: Stage, refusal: Refusal): void {
  if (refusal.responseType.startsWith('INTEGRATION'))
    traffic.count(stage, '$connect', 'IntegrationError')
  else if (refusal.status >= 500) traffic.count(stage, '$connect', 'ExecutionError')
  else traffic.count(stage, '$connect', 'ClientError')
}

function writeLog(attempt: Attempt, status: number, log: Partial<AccessLogEntry>): void {
  const { integration, authorizer, error } = log
  writeAccessLog(attempt.dependencies.logs, attempt.handshake.stage, {
    facts: attempt.facts,
    moment: attempt.moment,
    eventType: 'CONNECT',
    routeKey: '$connect',
    status,
    ...(integration && { integration }),
    ...(authorizer && { authorizer }),
    ...(error && { error }),
  })
}

function subprotocolOf(headers: Readonly<Record<string, unknown>>): string | undefined {
  const name = Object.keys(headers).find((key) => key.toLowerCase() === 'sec-websocket-protocol')
  const value = name === undefined ? undefined : headers[name]
  return typeof value === 'string' ? value : undefined
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}
