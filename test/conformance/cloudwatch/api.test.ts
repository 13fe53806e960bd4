import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  CloudWatchClient,
  DescribeAlarmHistoryCommand,
  DescribeAlarmsCommand,
  DisableAlarmActionsCommand,
  GetDashboardCommand,
  GetMetricDataCommand,
  GetMetricStatisticsCommand,
  ListMetricsCommand,
  PutMetricDataCommand,
  SetAlarmStateCommand,
} from '@aws-sdk/client-cloudwatch'
import { createEndpoint } from '../../../infra/local/services/endpoint/index.ts'
import type { Endpoint } from '../../../infra/local/services/endpoint/index.ts'
import { TOPIC, account, startCloudWatch } from './support.ts'
import type { CloudWatchBench } from './support.ts'

describe('the CloudWatch API, called by the real SDK', () => {
  let bench: CloudWatchBench
  let endpoint: Endpoint
  let client: CloudWatchClient

  beforeEach(async () => {
    bench = await startCloudWatch()
    endpoint = createEndpoint({ clock: bench.clock, account, port: 0, principals: () => undefined })
    endpoint.mount(bench.cloudwatch.api)
    await endpoint.start()
    client = new CloudWatchClient({
      endpoint: endpoint.url,
      region: 'eu-west-1',
      maxAttempts: 1,
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    })
  })
  afterEach(async () => {
    client.destroy()
    await endpoint.stop()
  })

  it('describes metric alarms by prefix, and composites only when asked', async () => {
    bench.alarm({ AlarmName: 'a-one' })
    bench.alarm({ AlarmName: 'b-two' })
    bench.composite({ AlarmName: 'a-page', AlarmRule: 'ALARM("a-one")' })
    const metric = await client.send(new DescribeAlarmsCommand({ AlarmNamePrefix: 'a-' }))
    expect(metric.MetricAlarms?.map((alarm) => alarm.AlarmName)).toEqual(['a-one'])
    expect(metric.CompositeAlarms).toEqual([])
    expect(metric.MetricAlarms?.[0]?.StateUpdatedTimestamp).toEqual(new Date(bench.clock.now()))
    const both = await client.send(
      new DescribeAlarmsCommand({ AlarmTypes: ['CompositeAlarm', 'MetricAlarm'] }),
    )
    expect(both.CompositeAlarms?.map((alarm) => [alarm.AlarmName, alarm.StateValue])).toEqual([
      ['a-page', 'OK'],
    ])
    expect(both.MetricAlarms).toHaveLength(2)
  })

  it('CW-23: SetAlarmState runs the actions and lasts until the next evaluation', async () => {
    bench.alarm({})
    await client.send(
      new SetAlarmStateCommand({ AlarmName: 'errors', StateValue: 'ALARM', StateReason: 'drill' }),
    )
    expect(bench.messages.at(-1)).toMatchObject({
      topicArn: TOPIC,
      body: { NewStateReason: 'drill' },
    })
    await bench.minutes(2)
    expect(bench.state('errors')).toBe('OK')
    const { AlarmHistoryItems } = await client.send(
      new DescribeAlarmHistoryCommand({ AlarmName: 'errors', HistoryItemType: 'StateUpdate' }),
    )
    expect(AlarmHistoryItems?.map((item) => item.HistorySummary)).toEqual([
      'Alarm updated from ALARM to OK',
      'Alarm updated from INSUFFICIENT_DATA to ALARM',
    ])
  })

  it('DisableAlarmActions mutes an alarm', async () => {
    bench.alarm({})
    await client.send(new DisableAlarmActionsCommand({ AlarmNames: ['errors'] }))
    await client.send(
      new SetAlarmStateCommand({ AlarmName: 'errors', StateValue: 'ALARM', StateReason: 'drill' }),
    )
    expect(bench.messages).toEqual([])
  })

  it('an alarm that does not exist is ResourceNotFound', async () => {
    const call = client.send(
      new SetAlarmStateCommand({ AlarmName: 'nope', StateValue: 'OK', StateReason: 'x' }),
    )
    await expect(call).rejects.toMatchObject({ name: 'ResourceNotFound' })
  })

  it('CW-37: what PutMetricData puts, GetMetricData, GetMetricStatistics and ListMetrics give back', async () => {
    const at = new Date(bench.clock.now())
    const Dimensions = [{ Name: 'site', Value: 'a' }]
    await client.send(
      new PutMetricDataCommand({
        Namespace: 'Shop',
        MetricData: [
          {
            MetricName: 'Orders',
            Dimensions,
            Timestamp: at,
            Values: [1, 2.5],
            Counts: [3, 2],
            Unit: 'Count',
          },
        ],
      }),
    )
    const span = { StartTime: at, EndTime: new Date(at.getTime() + 60_000) }
    const metric = { Namespace: 'Shop', MetricName: 'Orders', Dimensions }
    const data = await client.send(
      new GetMetricDataCommand({
        ...span,
        MetricDataQueries: [
          { Id: 'm1', MetricStat: { Metric: metric, Period: 60, Stat: 'Sum' } },
          { Id: 'e1', Expression: 'm1 / 2', Label: 'half' },
        ],
      }),
    )
    expect(data.MetricDataResults).toMatchObject([
      { Id: 'm1', Label: 'Orders', Values: [8], Timestamps: [at], StatusCode: 'Complete' },
      { Id: 'e1', Label: 'half', Values: [4] },
    ])
    const statistics = await client.send(
      new GetMetricStatisticsCommand({
        ...metric,
        ...span,
        Period: 60,
        Statistics: ['SampleCount', 'Maximum'],
        ExtendedStatistics: ['p50'],
      }),
    )
    expect(statistics.Datapoints).toMatchObject([
      { SampleCount: 5, Maximum: 2.5, ExtendedStatistics: { p50: 1 } },
    ])
    const listed = await client.send(
      new ListMetricsCommand({ Namespace: 'Shop', Dimensions: [{ Name: 'site' }] }),
    )
    expect(listed.Metrics).toEqual([metric])
  })

  it('LAMBDA-28: the error rate of a function is 100*Errors/Invocations, and nothing while it is idle', async () => {
    const at = new Date(bench.clock.now())
    const put = (name: string, value: number): void => {
      bench.cloudwatch.put({
        namespace: 'AWS/Lambda',
        name,
        dimensions: { FunctionName: 'deliver' },
        value,
        timestampMs: at.getTime(),
      })
    }
    put('Invocations', 4)
    put('Errors', 1)
    const stat = (Id: string, MetricName: string) => ({
      Id,
      ReturnData: false,
      MetricStat: {
        Metric: {
          Namespace: 'AWS/Lambda',
          MetricName,
          Dimensions: [{ Name: 'FunctionName', Value: 'deliver' }],
        },
        Period: 60,
        Stat: 'Sum',
      },
    })
    const { MetricDataResults } = await client.send(
      new GetMetricDataCommand({
        StartTime: at,
        EndTime: new Date(at.getTime() + 300_000),
        MetricDataQueries: [
          stat('errors', 'Errors'),
          stat('invocations', 'Invocations'),
          { Id: 'rate', Expression: '100*errors/invocations' },
        ],
      }),
    )
    expect(MetricDataResults).toMatchObject([{ Id: 'rate', Values: [25], Timestamps: [at] }])
  })

  it('a namespace of AWS is refused', async () => {
    const call = client.send(
      new PutMetricDataCommand({
        Namespace: 'AWS/Shop',
        MetricData: [{ MetricName: 'a', Value: 1 }],
      }),
    )
    await expect(call).rejects.toMatchObject({ name: 'InvalidParameterValueException' })
  })

  it('gives a dashboard back, and refuses one with a wrong widget', async () => {
    const create = (body: object): void => {
      void bench.cloudwatch.providers
        .find((provider) => provider.type === 'AWS::CloudWatch::Dashboard')!
        .create({
          logicalId: 'D',
          type: 'AWS::CloudWatch::Dashboard',
          properties: { DashboardName: 'overview', DashboardBody: JSON.stringify(body) },
        })
    }
    const widget = (metrics: unknown): object => ({
      widgets: [
        { type: 'metric', width: 12, height: 6, properties: { region: 'eu-west-1', metrics } },
      ],
    })
    create(
      widget([
        ['Shop', 'Orders', 'site', 'a', { stat: 'p99' }],
        [{ expression: 'm1 / 2', id: 'e1' }],
      ]),
    )
    const { DashboardBody } = await client.send(
      new GetDashboardCommand({ DashboardName: 'overview' }),
    )
    expect(DashboardBody).toContain('Orders')
    expect(() => {
      create(widget([['Shop', 'Orders', 'site']]))
    }).toThrow(/widget 0: a metric has a namespace/)
    expect(() => {
      create(widget([['Shop', 'Orders', { stat: 'median' }]]))
    }).toThrow(/"median" is not a statistic/)
    expect(() => {
      create(widget([[{ expression: 'm1 /' }]]))
    }).toThrow(/widget 0: unexpected/)
  })
})
