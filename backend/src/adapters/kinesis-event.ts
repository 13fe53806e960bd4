import type { KinesisStreamRecord } from 'aws-lambda'
import type { StreamItem } from '../core/telemetry/decode-record.ts'

/** A record of a Kinesis event (KINESIS-15: `eventID` is `<shard>:<sequence number>`, the arrival is in seconds). */
export function toStreamItem({ eventID, kinesis }: KinesisStreamRecord): StreamItem {
  return {
    shardId: eventID.slice(0, eventID.indexOf(':')),
    sequenceNumber: kinesis.sequenceNumber,
    arrivalMs: Math.round(kinesis.approximateArrivalTimestamp * 1_000),
    data: Buffer.from(kinesis.data, 'base64'),
  }
}
