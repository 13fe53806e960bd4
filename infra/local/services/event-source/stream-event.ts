import type { StreamRecordOut } from '../../platform/types.ts'

/** The event of a Kinesis batch (KINESIS-15). */
export function streamEvent(
  records: readonly StreamRecordOut[],
  context: {
    readonly shardId: string
    readonly streamArn: string
    readonly region: string
    readonly roleArn: string
  },
): { readonly Records: readonly unknown[] } {
  return {
    Records: records.map((record) => ({
      kinesis: {
        kinesisSchemaVersion: '1.0',
        partitionKey: record.partitionKey,
        sequenceNumber: record.sequenceNumber,
        data: record.data.toString('base64'),
        approximateArrivalTimestamp: record.approximateArrivalMs / 1000,
      },
      eventSource: 'aws:kinesis',
      eventVersion: '1.0',
      eventID: `${context.shardId}:${record.sequenceNumber}`,
      eventName: 'aws:kinesis:record',
      invokeIdentityArn: context.roleArn,
      awsRegion: context.region,
      eventSourceARN: context.streamArn,
    })),
  }
}
