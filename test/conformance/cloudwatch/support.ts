import { manualClock } from '../../../infra/local/platform/clock.ts'
import type { ManualClock } from '../../../infra/local/platform/clock.ts'
import type { BusEvent } from '../../../infra/local/platform/types.ts'
import { createCloudWatch } from '../../../infra/local/services/cloudwatch/index.ts'
import type { CloudWatch } from '../../../infra/local/services/cloudwatch/index.ts'

export const account = { region: 'eu-west-1', accountId: '000000000000', stackName: 'Gaugeline' }
export const TOPIC = 'arn:aws:sns:eu-west-1:000000000000:alarms'
export const START_MS = Date.UTC(2026, 10, 23, 3, 0, 0)

export interface CloudWatchBench {
  readonly clock: ManualClock
  readonly cloudwatch: CloudWatch
  readonly messages: {
    readonly topicArn: string
    readonly subject: string
    readonly body: Record<string, unknown>
  }[]
  readonly events: BusEvent[]
  readonly invoked: { readonly functionName: string; readonly payload: unknown }[]
  /** Creates an alarm as the template does. */
  alarm(properties: Record<string, unknown>): void
  composite(properties: Record<string, unknown>): void
  /** Adds a value of the metric `Shop/Errors`. */
  errors(value: number): void
  minutes(count: number): Promise<void>
  state(name: string): string | undefined
}

export async function startCloudWatch(): Promise<CloudWatchBench> {
  const clock = manualClock(START_MS)
  const messages: CloudWatchBench['messages'] = []
  const events: BusEvent[] = []
  const invoked: CloudWatchBench['invoked'] = []
  const cloudwatch = createCloudWatch({
    clock,
    account,
    topics: {
      async publish(topicArn, { subject = '', body }) {
        messages.push({ topicArn, subject, body: JSON.parse(body) as Record<string, unknown> })
      },
    },
    functions: {
      async invoke(request) {
        invoked.push(request)
        return { requestId: '1', payload: undefined }
      },
      describe: (functionName) => ({ arn: functionName, timeoutSeconds: 3, memoryMb: 128 }),
    },
    events: {
      async put(event) {
        events.push(event)
      },
    },
    authorization: {
      check: () => undefined,
      isAllowed: () => true,
      credentialsFor: () => ({ accessKeyId: '', secretAccessKey: '', sessionToken: '' }),
    },
  })
  await cloudwatch.start()
  const create = (type: string, properties: Record<string, unknown>): void => {
    void cloudwatch.providers
      .find((provider) => provider.type === type)
      ?.create({ logicalId: 'Alarm', type, properties })
  }
  return {
    clock,
    cloudwatch,
    messages,
    events,
    invoked,
    alarm: (properties) => {
      create('AWS::CloudWatch::Alarm', { ...errorsAlarm, ...properties })
    },
    composite: (properties) => {
      create('AWS::CloudWatch::CompositeAlarm', properties)
    },
    errors(value) {
      cloudwatch.put({
        namespace: 'Shop',
        name: 'Errors',
        dimensions: {},
        value,
        timestampMs: clock.now(),
      })
    },
    minutes: (count) => clock.advance(count * 60_000),
    state: (name) =>
      cloudwatch.alarms().find((alarm) => alarm.definition.name === name)?.state.value,
  }
}

const errorsAlarm = {
  AlarmName: 'errors',
  AlarmDescription: 'P2 | Errors',
  Namespace: 'Shop',
  MetricName: 'Errors',
  Statistic: 'Sum',
  Period: 60,
  EvaluationPeriods: 1,
  Threshold: 0,
  ComparisonOperator: 'GreaterThanThreshold',
  TreatMissingData: 'notBreaching',
  AlarmActions: [TOPIC],
  OKActions: [TOPIC],
}
