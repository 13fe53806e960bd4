import { CloudWatchClient, paginateDescribeAlarms } from '@aws-sdk/client-cloudwatch'
import type { AlarmFact, AlarmSource } from '../core/alarms/ports.ts'

/** The stack's alarms, metric and composite, by the prefix of their names. Throws the SDK's errors. */
export function cloudwatchAlarmSource(
  prefix: string,
  client = new CloudWatchClient({ maxAttempts: 3 }),
): AlarmSource {
  return {
    async all() {
      const facts: AlarmFact[] = []
      const input = {
        AlarmNamePrefix: prefix,
        AlarmTypes: ['MetricAlarm' as const, 'CompositeAlarm' as const],
      }
      for await (const page of paginateDescribeAlarms({ client }, input)) {
        for (const alarm of [...(page.MetricAlarms ?? []), ...(page.CompositeAlarms ?? [])]) {
          facts.push(toFact(alarm))
        }
      }
      return facts
    },
  }
}

function toFact(alarm: {
  AlarmName?: string | undefined
  AlarmDescription?: string | undefined
  StateValue?: AlarmFact['state'] | undefined
  StateReason?: string | undefined
  StateUpdatedTimestamp?: Date | undefined
}): AlarmFact {
  return {
    alarm: alarm.AlarmName ?? '',
    description: alarm.AlarmDescription ?? '',
    state: alarm.StateValue ?? 'INSUFFICIENT_DATA',
    reason: alarm.StateReason ?? '',
    since: alarm.StateUpdatedTimestamp?.getTime() ?? 0,
  }
}
