import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { metrics, METRICS_NAMESPACE } from '../../../backend/src/contract.ts'
import { sourcesOf, synthesize } from '../stack.fixture.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

interface MetricSeries {
  readonly Namespace: string
  readonly MetricName: string
  readonly Dimensions: readonly { readonly Name: string; readonly Value: unknown }[]
  readonly Period: number
}
interface Alarm {
  readonly AlarmName: string
  readonly AlarmDescription: string
  readonly TreatMissingData?: string
  readonly AlarmActions?: readonly unknown[]
  readonly OKActions?: readonly unknown[]
  readonly EvaluationPeriods: number
  readonly DatapointsToAlarm: number
  readonly Statistic?: string
  readonly Metrics?: readonly {
    readonly Expression?: string
    readonly MetricStat?: {
      readonly Metric: Omit<MetricSeries, 'Period'>
      readonly Period: number
    }
  }[]
}

/** What AWS emits, as far as alarms use it: namespace → metric → names of its dimensions (docs/facts/alerts.md, IOT-72–IOT-74, APIGW-108). */
const emittedByAws: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'AWS/IoT': {
    Failure: 'ActionType,RuleName',
    ErrorActionFailure: 'ActionType,RuleName',
    RuleMessageThrottled: 'RuleName',
    'PublishIn.Throttle': 'Protocol',
    'PublishIn.AuthError': 'Protocol',
  },
  'AWS/Kinesis': {
    IncomingRecords: 'StreamName',
    WriteProvisionedThroughputExceeded: 'StreamName',
  },
  'AWS/Lambda': {
    IteratorAge: 'FunctionName',
    Errors: 'FunctionName',
    Throttles: 'FunctionName',
    Duration: 'FunctionName',
  },
  'AWS/SQS': {
    ApproximateNumberOfMessagesVisible: 'QueueName',
    ApproximateNumberOfMessagesNotVisible: 'QueueName',
  },
  'AWS/ApiGateway': { ConnectCount: 'ApiId,Stage', ExecutionError: 'ApiId,Stage' },
  'AWS/DynamoDB': { ReadThrottleEvents: 'TableName', WriteThrottleEvents: 'TableName' },
}

let alarms: readonly Alarm[]
beforeAll(() => {
  alarms = synthesize().properties('AWS::CloudWatch::Alarm') as unknown as readonly Alarm[]
})

function seriesOf(alarm: Alarm): readonly MetricSeries[] {
  if (!alarm.Metrics) return [alarm as unknown as MetricSeries]
  return alarm.Metrics.flatMap(({ MetricStat }) =>
    MetricStat ? [{ ...MetricStat.Metric, Period: MetricStat.Period }] : [],
  )
}

describe('alarms', () => {
  it('say what is wrong, who notices and which section of the runbook helps (CONFIG-9)', () => {
    const runbook = readFileSync(`${root}docs/runbook.md`, 'utf8')
    const sections = [...runbook.matchAll(/^## (\S+)$/gm)].map(([, name]) => name)
    for (const { AlarmName, AlarmDescription } of alarms) {
      const name = AlarmName.replace(/^Gaugeline-/, '')
      expect(AlarmDescription).toMatch(
        new RegExp(`^P[123] \\| [^|]+ \\| [^|]+ \\| Runbook: docs/runbook.md#${name}$`),
      )
      expect(sections).toContain(name)
    }
    expect(sections.length, 'no section without an alarm').toBe(alarms.length)
  })

  it('tell people when they go off and when it is over, and say what silence means (CONFIG-9)', () => {
    for (const alarm of alarms) {
      expect(alarm.AlarmActions, alarm.AlarmName).toHaveLength(1)
      expect(alarm.OKActions, alarm.AlarmName).toHaveLength(1)
      expect(['breaching', 'notBreaching']).toContain(alarm.TreatMissingData)
    }
  })

  it('have windows that CloudWatch accepts (CONFIG-8)', () => {
    for (const alarm of alarms)
      for (const { Period } of seriesOf(alarm)) {
        expect(Period % 60).toBe(0)
        expect(Period * alarm.EvaluationPeriods).toBeLessThanOrEqual(86_400)
        expect(alarm.DatapointsToAlarm).toBeLessThanOrEqual(alarm.EvaluationPeriods)
      }
  })

  it('watch metrics that are emitted, under exactly the dimensions they are emitted with (CONFIG-10)', () => {
    const keyOf = new Map<string, string>(Object.entries(metrics).map(([key, name]) => [name, key]))
    const sources = new Map<string, string>()
    for (const alarm of alarms)
      for (const { Namespace, MetricName, Dimensions } of seriesOf(alarm)) {
        const names = Dimensions.map(({ Name }) => Name)
          .sort()
          .join()
        if (Namespace === METRICS_NAMESPACE) {
          expect(names).toBe('service')
          const service = String(Dimensions[0]!.Value)
          const text = sources.get(service) ?? sourcesOf(service)
          sources.set(service, text)
          expect(text, `${alarm.AlarmName}: ${service} emits ${MetricName}`).toMatch(
            new RegExp(`\\.${keyOf.get(MetricName)!}\\b`),
          )
        } else
          expect(emittedByAws[Namespace]?.[MetricName], `${Namespace} ${MetricName}`).toBe(names)
      }
  })

  it('use no average for a latency, and at most ten metrics each (CW-27)', () => {
    for (const alarm of alarms) {
      expect(alarm.Statistic, alarm.AlarmName).not.toBe('Average')
      expect(seriesOf(alarm).length).toBeLessThanOrEqual(10)
    }
  })

  it('take silence for a fault only where a schedule says that something is due', () => {
    const breaching = alarms.filter(({ TreatMissingData }) => TreatMissingData === 'breaching')
    expect(breaching.map(({ AlarmName }) => AlarmName).sort()).toEqual(['Gaugeline-sweeper-silent'])
  })
})
