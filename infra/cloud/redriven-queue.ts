import { Duration } from 'aws-cdk-lib'
import { Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import type { Construct } from 'constructs'
import type { Foundation } from './foundation.ts'
import { sumOf, type AlarmDefinition } from './monitoring/notifications.ts'

/** How long `redrive` may run; a message that it could not bring back is hidden for twice as long, which is the pause between attempts. */
export const REDRIVE_TIMEOUT_SECONDS = 30
const VISIBILITY_SECONDS = 2 * REDRIVE_TIMEOUT_SECONDS
/** An attempt a minute: about half a day, well within the 24 h that the stream keeps its records. */
const MAX_RECEIVES = 600

export interface RedrivenQueueProps {
  readonly foundation: Foundation
  /** Takes what could not be brought back for half a day. */
  readonly undeliverable: Queue
  readonly alarm: Pick<AlarmDefinition, 'name' | 'severity' | 'what' | 'impact'>
}

/**
 * A queue that `redrive` empties within seconds, with an alarm when it has not been empty for 12 of 15 minutes (a metric
 * that comes late must not end the alarm, and late ones are filled with 0). Not the age of the oldest message:
 * SQS leaves messages that were received three times or more out of that metric, which are the ones that matter here.
 */
export function redrivenQueue(
  owner: Construct,
  id: string,
  { foundation, undeliverable, alarm }: RedrivenQueueProps,
): Queue {
  const queue = new Queue(owner, id, {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
    visibilityTimeout: Duration.seconds(VISIBILITY_SECONDS),
    deadLetterQueue: { queue: undeliverable, maxReceiveCount: MAX_RECEIVES },
    removalPolicy: foundation.disposable,
  })
  const options = { statistic: Stats.MAXIMUM, period: Duration.minutes(1) }
  foundation.notifications.alarm(owner, {
    ...alarm,
    metric: sumOf(
      {
        visible: queue.metricApproximateNumberOfMessagesVisible(options),
        hidden: queue.metricApproximateNumberOfMessagesNotVisible(options),
      },
      'Waiting messages',
    ),
    threshold: 0,
    datapoints: [12, 15],
    missing: TreatMissingData.NOT_BREACHING,
  })
  return queue
}
