import { beforeEach, describe, expect, it } from 'vitest'
import { START_MS, TOPIC, startCloudWatch } from './support.ts'
import type { CloudWatchBench } from './support.ts'

describe('metric alarms', () => {
  let bench: CloudWatchBench
  beforeEach(async () => {
    bench = await startCloudWatch()
  })

  it('CW-1: a new alarm has insufficient data, and its first evaluation is at the next minute', async () => {
    bench.alarm({})
    expect(bench.state('errors')).toBe('INSUFFICIENT_DATA')
    await bench.minutes(2)
    expect(bench.state('errors')).toBe('OK')
  })

  it('CW-3, CW-22: tells once when it goes off and once when it is over', async () => {
    bench.alarm({})
    await bench.minutes(2)
    bench.messages.length = 0
    bench.errors(3)
    await bench.minutes(2)
    expect(bench.state('errors')).toBe('ALARM')
    expect(bench.messages.map((message) => message.subject)).toEqual([
      'ALARM: "errors" in EU (Ireland)',
    ])
    await bench.minutes(10)
    expect(bench.messages.map((message) => message.subject)).toEqual([
      'ALARM: "errors" in EU (Ireland)',
      'OK: "errors" in EU (Ireland)',
    ])
  })

  it('CW-31, CW-32: the message has the documented keys and reason', async () => {
    bench.alarm({ DatapointsToAlarm: 1 })
    await bench.minutes(2)
    bench.errors(3)
    await bench.minutes(2)
    const { topicArn, body } = bench.messages.at(-1)!
    expect(topicArn).toBe(TOPIC)
    expect(body).toMatchObject({
      AlarmName: 'errors',
      AWSAccountId: '000000000000',
      NewStateValue: 'ALARM',
      OldStateValue: 'OK',
      NewStateReason:
        'Threshold Crossed: 1 out of the last 1 datapoints [3.0 (23/11/26 03:02:00)] was greater than the threshold (0.0) (minimum 1 datapoint for OK -> ALARM transition).',
      Region: 'EU (Ireland)',
      AlarmArn: 'arn:aws:cloudwatch:eu-west-1:000000000000:alarm:errors',
      Trigger: {
        MetricName: 'Errors',
        Namespace: 'Shop',
        StatisticType: 'Statistic',
        Statistic: 'SUM',
        Dimensions: [],
        Period: 60,
        EvaluationPeriods: 1,
        DatapointsToAlarm: 1,
        ComparisonOperator: 'GreaterThanThreshold',
        Threshold: 0,
        TreatMissingData: 'notBreaching',
      },
    })
  })

  it('sends the event CloudWatch Alarm State Change with both states and the configuration', async () => {
    bench.alarm({})
    await bench.minutes(2)
    bench.errors(1)
    await bench.minutes(2)
    expect(bench.events.at(-1)).toMatchObject({
      source: 'aws.cloudwatch',
      detailType: 'CloudWatch Alarm State Change',
      resources: ['arn:aws:cloudwatch:eu-west-1:000000000000:alarm:errors'],
      detail: {
        alarmName: 'errors',
        state: { value: 'ALARM', timestamp: '2026-11-23T03:03:03.000+0000' },
        previousState: { value: 'OK' },
        configuration: {
          description: 'P2 | Errors',
          metrics: [
            {
              metricStat: {
                metric: { namespace: 'Shop', name: 'Errors', dimensions: {} },
                period: 60,
                stat: 'Sum',
              },
              returnData: true,
            },
          ],
        },
      },
    })
  })

  it('CW-34: a function as an action gets the documented payload', async () => {
    bench.alarm({ AlarmActions: ['arn:aws:lambda:eu-west-1:000000000000:function:page'] })
    await bench.minutes(2)
    bench.errors(1)
    await bench.minutes(2)
    expect(bench.invoked[0]).toMatchObject({
      invocationType: 'Event',
      payload: {
        source: 'aws.cloudwatch',
        accountId: '000000000000',
        alarmData: { alarmName: 'errors' },
      },
    })
  })

  it('CW-22: ActionsEnabled false mutes the actions, not the event', async () => {
    bench.alarm({ ActionsEnabled: false })
    await bench.minutes(2)
    expect(bench.messages).toEqual([])
    expect(bench.events).toHaveLength(1)
  })

  it('CW-27: a ratio with a floor does not divide by zero and does not page for one error', async () => {
    const stat = (id: string, name: string) => ({
      Id: id,
      ReturnData: false,
      MetricStat: { Metric: { Namespace: 'Shop', MetricName: name }, Period: 60, Stat: 'Sum' },
    })
    bench.alarm({
      AlarmName: 'ratio',
      Namespace: undefined,
      MetricName: undefined,
      Statistic: undefined,
      Period: undefined,
      Threshold: 0.1,
      Metrics: [
        { Id: 'e1', Expression: 'IF(all > 10, bad / all, 0)', ReturnData: true },
        stat('bad', 'Errors'),
        stat('all', 'Calls'),
      ],
    })
    const calls = (value: number): void => {
      bench.cloudwatch.put({
        namespace: 'Shop',
        name: 'Calls',
        dimensions: {},
        value,
        timestampMs: bench.clock.now(),
      })
    }
    bench.errors(1)
    calls(1)
    await bench.minutes(2)
    expect(bench.state('ratio')).toBe('OK')
    bench.errors(5)
    calls(20)
    await bench.minutes(2)
    expect(bench.state('ratio')).toBe('ALARM')
  })

  it('CW-39: a composite follows its children, and a suppressor in ALARM holds its actions back', async () => {
    bench.alarm({})
    bench.alarm({ AlarmName: 'deploying', MetricName: 'Deploying' })
    await bench.minutes(2)
    bench.composite({
      AlarmName: 'page',
      AlarmRule: 'ALARM("errors") AND NOT ALARM(other)',
      AlarmActions: [TOPIC],
      ActionsSuppressor: 'deploying',
      ActionsSuppressorWaitPeriod: 120,
      ActionsSuppressorExtensionPeriod: 300,
    })
    bench.messages.length = 0
    for (const name of ['Errors', 'Deploying']) {
      bench.cloudwatch.put({
        namespace: 'Shop',
        name,
        dimensions: {},
        value: 1,
        timestampMs: bench.clock.now(),
      })
    }
    await bench.minutes(2)
    expect(bench.state('page')).toBe('ALARM')
    expect(bench.messages.map((message) => message.subject)).not.toContain(
      'ALARM: "page" in EU (Ireland)',
    )
    const paged = (): number =>
      bench.messages.filter((message) => message.subject.startsWith('ALARM: "page"')).length
    const minutesWithErrors = async (count: number): Promise<void> => {
      for (let minute = 0; minute < count; minute++) {
        bench.errors(1)
        await bench.minutes(1)
      }
    }
    // The deployment is over within six minutes, the extension of five minutes only after that.
    await minutesWithErrors(6)
    expect(bench.state('deploying')).toBe('OK')
    expect(paged()).toBe(0)
    await minutesWithErrors(5)
    expect(bench.state('page')).toBe('ALARM')
    expect(paged()).toBe(1)
  })

  it('CW-27: an expression with a function that is not there is refused when the alarm is made', () => {
    const Metrics = [{ Id: 'e1', Expression: "SEARCH('x', 'Sum')", Period: 60, ReturnData: true }]
    const none = {
      MetricName: undefined,
      Namespace: undefined,
      Statistic: undefined,
      Period: undefined,
    }
    expect(() => {
      bench.alarm({ ...none, Metrics })
    }).toThrow(/SEARCH is not emulated/)
  })

  it('CW-2: a window that CloudWatch would refuse is refused', () => {
    expect(() => {
      bench.alarm({ Period: 45 })
    }).toThrow(/10, 20, 30 or a multiple of 60/)
    expect(() => {
      bench.alarm({ Period: 300, EvaluationPeriods: 289 })
    }).toThrow(/86400/)
    expect(() => {
      bench.alarm({ Period: 3600, EvaluationPeriods: 169 })
    }).toThrow(/604800/)
  })

  it('CW-3: an alarm with a short period is evaluated every ten seconds', async () => {
    bench.alarm({ Period: 10 })
    bench.cloudwatch.put({
      namespace: 'Shop',
      name: 'Errors',
      dimensions: {},
      value: 1,
      timestampMs: START_MS + 1000,
      storageResolution: 1,
    })
    await bench.clock.advance(14_000)
    expect(bench.state('errors')).toBe('ALARM')
  })
})
