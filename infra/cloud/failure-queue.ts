import { Duration } from 'aws-cdk-lib'
import { Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import type { Construct } from 'constructs'
import type { Foundation } from './foundation.ts'
import type { AlarmDefinition } from './monitoring/notifications.ts'

/**
 * A queue that keeps what could not be processed for 14 days, with an alarm as soon as something waits in it: whatever lies
 * there is data nobody has seen.
 */
export function failureQueue(
  owner: Construct,
  id: string,
  foundation: Foundation,
  alarm: Pick<AlarmDefinition, 'name' | 'severity' | 'what' | 'impact'>,
): Queue {
  const queue = new Queue(owner, id, {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
    removalPolicy: foundation.disposable,
  })
  foundation.notifications.alarm(owner, {
    ...alarm,
    metric: queue.metricApproximateNumberOfMessagesVisible({
      statistic: Stats.MAXIMUM,
      period: Duration.minutes(1),
    }),
    threshold: 0,
    datapoints: [1, 2],
    missing: TreatMissingData.NOT_BREACHING,
  })
  return queue
}
