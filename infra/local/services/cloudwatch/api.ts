import { AwsError } from '../../platform/errors.ts'
import { fields } from '../../platform/fields.ts'
import type { Fields } from '../../platform/fields.ts'
import { operationOf } from '../../platform/json-api.ts'
import type { Account, ApiHandler, ApiRequest, Authorization, Clock } from '../../platform/types.ts'
import {
  describeAlarmHistory,
  describeAlarms,
  page,
  setAlarmState,
  switchActions,
} from './alarm-api.ts'
import type { AlarmBook } from './alarm-book.ts'
import type { Dashboard, Dashboards } from './dashboards.ts'
import { getMetricData, getMetricStatistics, listMetrics, putMetricData } from './metric-api.ts'
import type { MetricStore } from './metric-store.ts'
import { Timestamp, readInput, writeOutput } from './wire.ts'

interface ApiOptions {
  readonly clock: Clock
  readonly account: Account
  readonly authorization: Authorization
  readonly store: MetricStore
  readonly book: AlarmBook
  readonly dashboards: Dashboards
}

interface Operation {
  run(input: Fields): object
  /** Resources that the caller must be allowed; `*` for operations without any. */
  resources(input: Fields): readonly string[]
}

/** The CloudWatch API (signing name `monitoring`) in JSON 1.0, query and rpc-v2-cbor: what the SDK, the AWS CLI and boto3 speak. */
export function cloudWatchApi(options: ApiOptions): ApiHandler {
  const operations = operationsOf(options)
  return {
    signingNames: ['monitoring'],
    handle(request) {
      return Promise.resolve(answer(request, operations, options.authorization))
    },
  }
}

function answer(
  request: ApiRequest,
  operations: Readonly<Record<string, Operation>>,
  authorization: Authorization,
): ReturnType<typeof writeOutput> {
  const operation = operationOf(request, operations)
  const input = fields(
    readInput(request),
    (message) => new AwsError('InvalidParameterValue', `${request.operation}: ${message}`),
  )
  for (const resource of operation.resources(input)) {
    authorization.check(request.principal, `cloudwatch:${request.operation}`, resource)
  }
  return writeOutput(request, operation.run(input))
}

function operationsOf({
  clock,
  account,
  store,
  book,
  dashboards,
}: ApiOptions): Readonly<Record<string, Operation>> {
  const alarmArn = (name: string): string =>
    `arn:aws:cloudwatch:${account.region}:${account.accountId}:alarm:${name}`
  const everything = (): readonly string[] => ['*']
  const named =
    (member: string) =>
    (input: Fields): readonly string[] => {
      const names =
        member === 'AlarmNames' ? input.texts(member) : [input.optionalText(member) ?? '*']
      return (names.length > 0 ? names : ['*']).map(alarmArn)
    }
  const dashboardArn = (name: string): string =>
    `arn:aws:cloudwatch::${account.accountId}:dashboard/${name}`
  return {
    DescribeAlarms: {
      run: (input) => describeAlarms(book, input),
      // API reference: "You can't return information about composite alarms if your permission has a narrower scope" than `*`.
      resources: (input) =>
        input.texts('AlarmTypes').includes('CompositeAlarm') ? ['*'] : named('AlarmNames')(input),
    },
    DescribeAlarmHistory: {
      run: (input) => describeAlarmHistory(book, input),
      resources: named('AlarmName'),
    },
    SetAlarmState: { run: (input) => setAlarmState(book, input), resources: named('AlarmName') },
    EnableAlarmActions: {
      run: (input) => switchActions(book, input, true),
      resources: named('AlarmNames'),
    },
    DisableAlarmActions: {
      run: (input) => switchActions(book, input, false),
      resources: named('AlarmNames'),
    },
    PutMetricData: { run: (input) => putMetricData(store, clock, input), resources: everything },
    GetMetricData: { run: (input) => getMetricData(store, input), resources: everything },
    GetMetricStatistics: {
      run: (input) => getMetricStatistics(store, input),
      resources: everything,
    },
    ListMetrics: { run: (input) => listMetrics(store, input), resources: everything },
    GetDashboard: {
      run: (input) => getDashboard(dashboards, dashboardArn, input.text('DashboardName')),
      resources: (input) => [dashboardArn(input.text('DashboardName'))],
    },
    ListDashboards: {
      run: (input) => listDashboards(dashboards, dashboardArn, input),
      resources: everything,
    },
  }
}

function getDashboard(dashboards: Dashboards, arn: (name: string) => string, name: string): object {
  const dashboard = dashboards.get(name)
  if (!dashboard) {
    throw new AwsError('ResourceNotFound', `Dashboard ${name} does not exist.`, { status: 404 })
  }
  return { DashboardArn: arn(name), DashboardBody: dashboard.body, DashboardName: name }
}

function listDashboards(
  dashboards: Dashboards,
  arn: (name: string) => string,
  input: Fields,
): object {
  const prefix = input.optionalText('DashboardNamePrefix') ?? ''
  const found = dashboards.list().filter((dashboard) => dashboard.name.startsWith(prefix))
  const { items, nextToken } = page(found, input)
  return { DashboardEntries: items.map((dashboard) => entry(dashboard, arn)), NextToken: nextToken }
}

function entry(dashboard: Dashboard, arn: (name: string) => string): object {
  return {
    DashboardName: dashboard.name,
    DashboardArn: arn(dashboard.name),
    LastModified: new Timestamp(dashboard.modifiedMs),
    Size: dashboard.body.length,
  }
}
