import type { Queue } from './queue.ts'

/** The attributes of a queue, those named or, with `All`, every one. Values are strings. */
export function attributesOf(
  queue: Queue,
  names: readonly string[],
): Readonly<Record<string, string>> {
  const { settings, createdMs, policy } = queue
  const counts = queue.counts()
  const created = String(Math.floor(createdMs / 1000))
  const all: Record<string, string | undefined> = {
    QueueArn: settings.arn,
    ApproximateNumberOfMessages: String(counts.visible),
    ApproximateNumberOfMessagesNotVisible: String(counts.notVisible),
    ApproximateNumberOfMessagesDelayed: String(counts.delayed),
    CreatedTimestamp: created,
    LastModifiedTimestamp: created,
    VisibilityTimeout: String(settings.visibilityTimeoutSeconds),
    MaximumMessageSize: String(settings.maxMessageBytes),
    MessageRetentionPeriod: String(settings.retentionSeconds),
    DelaySeconds: String(settings.delaySeconds),
    ReceiveMessageWaitTimeSeconds: String(settings.receiveWaitSeconds),
    SqsManagedSseEnabled: 'true',
    Policy: policy,
    RedrivePolicy:
      settings.redrive &&
      JSON.stringify({
        deadLetterTargetArn: settings.redrive.deadLetterArn,
        maxReceiveCount: settings.redrive.maxReceiveCount,
      }),
  }
  return Object.fromEntries(
    Object.entries(all).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && (names.includes('All') || names.includes(entry[0])),
    ),
  )
}
