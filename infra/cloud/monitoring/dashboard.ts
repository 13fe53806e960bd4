import {
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  Stats,
} from 'aws-cdk-lib/aws-cloudwatch'
import { Construct } from 'constructs'
import { metrics } from '../../../backend/src/contract.ts'
import { nameInAccount } from '../name-in-account.ts'
import type { ServiceFunction } from '../service-function.ts'
import type { RouteFunctions } from '../socket-api/route-functions.ts'
import { type Notifications, sumOf } from './notifications.ts'

export interface OperationsDashboardProps {
  readonly notifications: Notifications
  readonly deliver: ServiceFunction
  readonly sweeper: ServiceFunction
  readonly redrive: ServiceFunction
  readonly routes: RouteFunctions
}

/** One page for the on-call engineer: alarms first, then the path of a reading from left to right, then people. Every metric of contract.ts is on it. */
export class OperationsDashboard extends Construct {
  constructor(scope: Construct, id: string, props: OperationsDashboardProps) {
    super(scope, id)
    const { deliver, sweeper, redrive, routes, notifications } = props
    const { authorizer, command } = routes
    new Dashboard(this, 'Dashboard', {
      dashboardName: nameInAccount(this),
      widgets: [
        [
          new AlarmStatusWidget({
            title: 'Alarms',
            alarms: notifications.alarms,
            width: 24,
            height: 6,
          }),
        ],
        [
          graph('Readings', [
            deliver.metric(metrics.readingsReceived),
            deliver.metric(metrics.readingsDelivered),
            deliver.metric(metrics.readingsRejected),
            deliver.metric(metrics.readingsShed),
            deliver.metric(metrics.readingsDuplicate),
            deliver.metric(metrics.sequenceConflicts),
            deliver.metric(metrics.deviceMismatches),
            redrive.metric(metrics.recordsRedriven),
          ]),
          graph('Broker to socket, ms', [
            deliver.metric(metrics.deliveryLatency, 'p50'),
            deliver.metric(metrics.deliveryLatency, 'p99'),
          ]),
          graph('Behind the stream, ms', [
            deliver.function.metric('IteratorAge', { statistic: Stats.MAXIMUM }),
          ]),
        ],
        [
          graph('Posts', [
            deliver.metric(metrics.postsOk),
            deliver.metric(metrics.postsGone),
            deliver.metric(metrics.postsThrottled),
            deliver.metric(metrics.postsSlow),
            deliver.metric(metrics.postsFailed),
            deliver.metric(metrics.postsForbidden),
            deliver.metric(metrics.gapNotices),
          ]),
          graph('Sockets', [
            sweeper.metric(metrics.connections, Stats.MAXIMUM),
            sweeper.metric(metrics.subscriptions, Stats.MAXIMUM),
            sweeper.metric(metrics.zombieRows, Stats.MAXIMUM),
          ]),
          graph('deliver, ms', [
            deliver.function.metricDuration({ statistic: 'p50' }),
            deliver.function.metricDuration({ statistic: 'p99' }),
          ]),
        ],
        [
          graph('Handshakes', [
            authorizer.metric(metrics.connectAllowed),
            authorizer.metric(metrics.connectDenied),
            authorizer.metric(metrics.connectUndecided),
          ]),
          graph("The issuer's keys: asked, not had, age in s of an old set in use", [
            ofAll([authorizer, routes.session], metrics.jwksFetches),
            ofAll([authorizer, routes.session], metrics.jwksFetchFailed),
            authorizer.metric(metrics.jwksStaleSeconds, Stats.MAXIMUM),
          ]),
          graph('Messages refused', [
            ofAll(routes.messageFunctions, metrics.messagesRejected),
            ofAll(routes.messageFunctions, metrics.messagesFailed),
            ofAll(routes.messageFunctions, metrics.rateLimited),
            ofAll(routes.messageFunctions, metrics.entitlementDenied),
          ]),
        ],
        [
          graph('Commands', [
            command.metric(metrics.commandsSent),
            sweeper.metric(metrics.commandsExpired),
          ]),
          graph('Subscription rows read by deliver', [deliver.metric(metrics.subscriptionsRead)]),
          graph('The watch on silence', [
            deliver.metric(metrics.heartbeat, Stats.SAMPLE_COUNT),
            sweeper.metric(metrics.newestReadingAge, Stats.MAXIMUM),
          ]),
        ],
      ],
    })
  }
}

/** One line for several functions that emit the same metric. */
const ofAll = (
  functions: readonly ServiceFunction[],
  metric: (typeof metrics)[keyof typeof metrics],
): IMetric =>
  sumOf(
    Object.fromEntries(
      functions.map((one, index) => [
        `${metric.charAt(0).toLowerCase()}${metric.slice(1)}${index}`,
        one.metric(metric),
      ]),
    ),
    metric,
  )

function graph(title: string, left: IMetric[]): IWidget {
  return new GraphWidget({ title, left, width: 8, height: 6 })
}
