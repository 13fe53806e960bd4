import { Duration } from 'aws-cdk-lib'
import { Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import type { Construct } from 'constructs'
import { metrics } from '../../../backend/src/contract.ts'
import { type Notifications, sumOf } from '../monitoring/notifications.ts'
import type { ServiceFunction } from '../service-function.ts'
import type { SocketApi } from './socket-api.ts'

export interface RouteAlarmsProps {
  readonly api: SocketApi
  readonly authorizer: ServiceFunction
  /** Verifies tokens as well, at `refresh`. */
  readonly session: ServiceFunction
  /**
   * Every function behind a route. Not the authorizer: it refuses a token by throwing, so that its errors say nothing (APIGW-62); what it cannot
   * decide has an alarm of its own.
   */
  readonly functions: readonly ServiceFunction[]
  readonly notifications: Notifications
}

const missing = TreatMissingData.NOT_BREACHING
/** 80 % of the account's 500 new connections a second (APIGW-96). */
const CONNECT_STORM_PER_MINUTE = 24_000

/** The alarms of sockets and messages (ALERT-24, ALERT-29, ALERT-31–ALERT-33, ALERT-36, ALERT-51). */
export function addRouteAlarms(owner: Construct, props: RouteAlarmsProps): void {
  addConnectAlarms(owner, props)
  addMessageAlarms(owner, props)
}

function addConnectAlarms(
  owner: Construct,
  { api, authorizer, session, notifications }: RouteAlarmsProps,
): void {
  notifications.alarm(owner, {
    name: 'connects-denied',
    severity: 'P2',
    what: 'Many sockets are refused because of their token',
    impact: 'People cannot get live data, or somebody is trying',
    metric: authorizer.metric(metrics.connectDenied).with({ period: Duration.minutes(5) }),
    threshold: 20,
    datapoints: [1, 2],
    missing,
  })
  notifications.alarm(owner, {
    name: 'connects-undecided',
    severity: 'P1',
    what: "Sockets get no verdict: the identity provider's keys cannot be had",
    impact: 'Whoever has no socket yet gets none; open ones go on',
    metric: authorizer.metric(metrics.connectUndecided),
    threshold: 0,
    datapoints: [3, 5],
    missing,
  })
  notifications.alarm(owner, {
    name: 'jwks-fetch-failures',
    severity: 'P2',
    what: "The identity provider's keys cannot be fetched",
    impact: 'Sign-ins with a new key are refused; known keys go on working',
    metric: sumOf(
      {
        authorizer: authorizer.metric(metrics.jwksFetchFailed),
        session: session.metric(metrics.jwksFetchFailed),
      },
      'key sets not fetched',
    ),
    threshold: 0,
    datapoints: [3, 5],
    missing,
  })
  notifications.alarm(owner, {
    name: 'connect-storm',
    severity: 'P2',
    what: 'New sockets come at 80 % of what the account may accept',
    impact: 'Further sockets are refused with 429 and come back later',
    metric: apiMetric(api, 'ConnectCount'),
    threshold: CONNECT_STORM_PER_MINUTE,
    datapoints: [2, 3],
    missing,
  })
}

function addMessageAlarms(
  owner: Construct,
  { api, functions, notifications }: RouteAlarmsProps,
): void {
  const errors = Object.fromEntries(
    functions.map(({ name, function: lambda }) => [
      name,
      lambda.metricErrors({ period: Duration.minutes(1) }),
    ]),
  )
  notifications.alarm(owner, {
    name: 'route-errors',
    severity: 'P2',
    what: 'Functions behind the WebSocket API end with an error or run out of time',
    impact: 'Requests of dashboards are answered with Internal server error',
    metric: sumOf(errors, 'errors'),
    threshold: 0,
    datapoints: [2, 5],
    missing,
  })
  notifications.alarm(owner, {
    name: 'messages-failed',
    severity: 'P2',
    what: 'Messages of dashboards are answered with INTERNAL or OVERLOADED',
    impact: 'What people ask for, send or write is not done; the dashboard says so',
    metric: sumOf(
      Object.fromEntries(
        answering(functions).map((target) => [target.name, target.metric(metrics.messagesFailed)]),
      ),
      'failed messages',
    ),
    threshold: 0,
    datapoints: [2, 5],
    missing,
  })
  notifications.alarm(owner, {
    name: 'socket-execution-errors',
    severity: 'P2',
    what: 'API Gateway cannot invoke a function',
    impact: 'Requests of dashboards are answered with Internal server error',
    metric: apiMetric(api, 'ExecutionError'),
    threshold: 0,
    datapoints: [3, 5],
    missing,
  })
}

/** Those that answer messages: what fails there is an answer, not an error of the function. */
function answering(functions: readonly ServiceFunction[]): readonly ServiceFunction[] {
  return functions.filter(({ name }) => name !== 'connect' && name !== 'disconnect')
}

/** A metric of the stage (APIGW-107, APIGW-108). */
function apiMetric({ apiId, stageName }: SocketApi, metricName: string): Metric {
  return new Metric({
    namespace: 'AWS/ApiGateway',
    metricName,
    dimensionsMap: { ApiId: apiId, Stage: stageName },
    statistic: Stats.SUM,
    period: Duration.minutes(1),
  })
}
