import { Duration } from 'aws-cdk-lib'
import { MathExpression, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import type { Foundation } from './foundation.ts'

/** Throttled requests of the tables on the path of a reading, one alarm (reliability (d) A43). */
export function addTableAlarms({ notifications, tables }: Foundation): void {
  const { history, subscriptions, connections } = tables.all
  const options = { statistic: Stats.SUM, period: Duration.minutes(1) }
  const usingMetrics = Object.fromEntries(
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
    metric: new MathExpression({
      // A missing value counts as 0 in arithmetic (aws-behaviour A27).
      expression: Object.keys(usingMetrics).join(' + '),
      usingMetrics,
      period: Duration.minutes(1),
      label: 'throttled requests',
    }),
    threshold: 0,
    datapoints: [3, 5],
    // AWS/DynamoDB alarms ignore missing data whatever is set (A21): this one is never relied on to clear.
    missing: TreatMissingData.NOT_BREACHING,
  })
}
