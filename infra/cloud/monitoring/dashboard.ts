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
import type { Notifications } from './notifications.ts'

export interface OperationsDashboardProps {
  readonly notifications: Notifications
  readonly deliver: ServiceFunction
  readonly sweeper: ServiceFunction
  readonly redrive: ServiceFunction
}

/** One page for the on-call engineer: alarms first, then the path of a reading from left to right. */
export class OperationsDashboard extends Construct {
  constructor(scope: Construct, id: string, props: OperationsDashboardProps) {
    super(scope, id)
    const { deliver, sweeper, redrive, notifications } = props
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
      ],
    })
  }
}

function graph(title: string, left: IMetric[]): IWidget {
  return new GraphWidget({ title, left, width: 8, height: 6 })
}
