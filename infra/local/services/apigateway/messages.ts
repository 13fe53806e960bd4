import type { AccessLogEntry } from './access-log.ts'
import { writeAccessLog } from './access-log.ts'
import type { Connection } from './connection.ts'
import { disconnectEvent, messageEvent } from './events.ts'
import type { EventMoment } from './events.ts'
import type { GatewayDependencies } from './handshake.ts'
import { newId } from './ids.ts'
import { proxyResponse } from './invoke-integration.ts'
import { routesOf, withStageVariables } from './model.ts'
import type { Route } from './model.ts'

/** Routes that only the life of a connection calls (APIGW-12). */
const LIFECYCLE = new Set(['$connect', '$disconnect'])

/**
 * Runs the route that a message selects (APIGW-1–APIGW-12) and sends what the client is to see: the route response (APIGW-75), or an error frame (APIGW-10,
 * APIGW-77, APIGW-81). Messages of one connection run at the same time (APIGW-13). Never rejects.
 */
export async function dispatchMessage(
  dependencies: GatewayDependencies,
  connection: Connection,
  body: string,
): Promise<void> {
  const { traffic, throttles, clock } = dependencies
  const { api, stage } = connection
  const moment: EventMoment = { requestId: newId(), timeMs: clock.now() }
  const route = selectRoute(connection, body)
  const routeKey = route?.routeKey ?? '$default'
  const message: Message = { moment, routeKey, messageId: newId() }
  traffic.count(stage, routeKey, 'MessageCount')
  if (!throttles.takeMessage(stage, routeKey)) {
    traffic.count(stage, routeKey, 'ClientError')
    sendError(connection, message, 'Too Many Requests')
    log(dependencies, connection, message, { status: 429 })
    return
  }
  const integration = api.integrations.get(route?.integrationId ?? '')
  if (!route || !integration) {
    traffic.count(stage, routeKey, 'ClientError')
    sendError(connection, message, 'Forbidden')
    log(dependencies, connection, message, { status: 403 })
    return
  }
  const outcome = await dependencies.invoke({
    functionArn: withStageVariables(integration.functionArn, stage),
    timeoutMs: integration.timeoutMs,
    event: messageEvent(connection.facts, moment, { ...message, body }),
    source: `${api.id}/${stage.name}/${routeKey}`,
    abandoned: connection.ended,
  })
  traffic.integrationLatency(stage, routeKey, outcome.facts.latencyMs)
  const response = outcome.kind === 'answered' ? proxyResponse(outcome.payload) : undefined
  if (!response) {
    traffic.count(stage, routeKey, 'IntegrationError')
    sendError(connection, message, 'Internal server error')
    log(dependencies, connection, message, { status: 500, integration: outcome.facts })
    return
  }
  // APIGW-76: a status of 400 or 500 is neither shown to the client nor ends the connection.
  if (response.statusCode >= 400) traffic.count(stage, routeKey, 'IntegrationError')
  // APIGW-74: without a route response the client sees nothing.
  if (route.selectsResponse && route.hasResponse && response.body !== undefined) {
    traffic.count(stage, routeKey, 'MessageCount')
    connection.send(Buffer.from(response.body))
  }
  log(dependencies, connection, message, {
    status: response.statusCode,
    integration: { ...outcome.facts, status: response.statusCode },
  })
}

interface Message {
  readonly moment: EventMoment
  readonly routeKey: string
  readonly messageId: string
}

/** APIGW-7–APIGW-9, APIGW-12: an exact match, or `$default`. */
function selectRoute(connection: Connection, body: string): Route | undefined {
  const routes = routesOf(connection.api, connection.stage)
  const key = connection.api.selectRoute(body)
  const selected = LIFECYCLE.has(key) ? undefined : routes.get(key)
  return selected ?? routes.get('$default')
}

/** The frames that API Gateway itself sends; `requestId` is the one of the message (APIGW-78). */
function sendError(connection: Connection, message: Message, text: string): void {
  connection.send(
    Buffer.from(
      `{"message": "${text}", "connectionId":"${connection.facts.connectionId}", "requestId":"${message.moment.requestId}"}`,
    ),
  )
}

function log(
  { logs }: GatewayDependencies,
  connection: Connection,
  message: Message,
  rest: Pick<AccessLogEntry, 'status' | 'integration'>,
): void {
  writeAccessLog(logs, connection.stage, {
    facts: connection.facts,
    eventType: 'MESSAGE',
    ...message,
    ...rest,
  })
}

/** Runs `$disconnect` (APIGW-91), unless a fault loses it (APIGW-92). Its result is ignored (APIGW-93). Never rejects. */
export async function dispatchDisconnect(
  dependencies: GatewayDependencies,
  connection: Pick<Connection, 'facts' | 'api' | 'stage'>,
  disconnect: { readonly code: number; readonly reason: string },
): Promise<void> {
  const { clock, faults, traffic, invoke, logs } = dependencies
  const { api, stage, facts } = connection
  const fault = faults.at('gateway.disconnect', facts.connectionId)
  if (fault?.kind === 'drop') return
  if (fault?.kind === 'delay') await new Promise<void>((resolve) => clock.after(fault.ms, resolve))
  const route = routesOf(api, stage).get('$disconnect')
  const integration = api.integrations.get(route?.integrationId ?? '')
  const moment: EventMoment = { requestId: newId(), timeMs: clock.now() }
  const entry = { facts, moment, eventType: 'DISCONNECT', routeKey: '$disconnect' } as const
  if (!integration) {
    writeAccessLog(logs, stage, { ...entry, status: 200 })
    return
  }
  const outcome = await invoke({
    functionArn: withStageVariables(integration.functionArn, stage),
    timeoutMs: integration.timeoutMs,
    event: disconnectEvent(facts, moment, disconnect),
    source: `${api.id}/${stage.name}/$disconnect`,
  })
  traffic.integrationLatency(stage, '$disconnect', outcome.facts.latencyMs)
  if (outcome.kind === 'failed') traffic.count(stage, '$disconnect', 'IntegrationError')
  const status = outcome.kind === 'failed' ? 500 : 200
  writeAccessLog(logs, stage, { ...entry, status, integration: outcome.facts })
}
