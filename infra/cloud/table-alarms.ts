import { Duration } from 'aws-cdk-lib'
import { Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import type { Foundation } from './foundation.ts'
import { sumOf } from './monitoring/notifications.ts'

/** Throttled requests of the tables on the path of a reading, one alarm (ALERT-43). */
export function addTableAlarms({ notifications, tables }: Foundation): void {
  const { history, subscriptions, connections } = tables.all
  const options = { statistic: Stats.SUM, period: Duration.minutes(1) }
  const throttled = Object.fromEntries(
    Object.entries({ history, subscriptions, connections }).flatMap(([name, table]) => [
      [`${name}Reads`, table.metric('ReadThrottleEvents', options)],
      [`${name}Writes`, table.metric('WriteThrottleEvents', options)],
    ]),
  )
  notifications.alarm(tables, {
    name: 'tables-throttled',
    severity: 'P2',
    what: 'DynamoDB throttles requests to History, Subscriptions or Connections',
    impact: 'Charts lag; subscribing is slow',
    metric: sumOf(throttled, 'throttled requests'),
    threshold: 0,
    datapoints: [3, 5],
    // AWS/DynamoDB alarms ignore missing data whatever is set (CW-21); the sum has none missing.
    missing: TreatMissingData.NOT_BREACHING,
  })
}
