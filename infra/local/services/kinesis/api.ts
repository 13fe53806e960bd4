import { AwsError } from '../../platform/errors.ts'
import type { Fields } from '../../platform/fields.ts'
import { jsonApi, type JsonOperation } from '../../platform/json-api.ts'
import type { ApiHandler, ApiRequest, Authorization, Clock, Streams } from '../../platform/types.ts'
import { decodeIterator, encodeIterator, startOf } from './iterator.ts'
import type { Shard } from './shard.ts'
import type { Stream } from './stream.ts'

/** KINESIS-4. */
const MAX_PUT_RECORDS = 500
const MAX_PUT_BYTES = 10 * 1024 * 1024
/** KINESIS-1. */
const MAX_READ_RECORDS = 10_000
const MAX_READ_BYTES = 10 * 1024 * 1024

export interface KinesisApiOptions {
  readonly clock: Clock
  readonly authorization: Authorization
  readonly streams: Streams
  find(name: string): Stream
  names(): readonly string[]
  /** Throws AwsError when a shard is read too often (KINESIS-1). */
  admitRead(stream: Stream, shardId: string): void
}

/** The Kinesis Data Streams API, the operations a producer or a plain consumer uses. */
export function kinesisApi(options: KinesisApiOptions): ApiHandler {
  const allowed = (input: Fields, request: ApiRequest): Stream => {
    const stream = options.find(streamNameOf(input))
    options.authorization.check(request.principal, `kinesis:${request.operation}`, stream.arn)
    return stream
  }
  const operations: Record<string, JsonOperation> = {
    ListStreams: (_, request) => {
      options.authorization.check(request.principal, 'kinesis:ListStreams', '*')
      return { StreamNames: [...options.names()].sort(), HasMoreStreams: false }
    },
    DescribeStream: (input, request) => {
      const stream = allowed(input, request)
      return {
        StreamDescription: { ...summaryOf(stream), Shards: shardsOf(stream), HasMoreShards: false },
      }
    },
    DescribeStreamSummary: (input, request) => {
      const stream = allowed(input, request)
      const counts = { OpenShardCount: stream.shards.length, ConsumerCount: 0 }
      return { StreamDescriptionSummary: { ...summaryOf(stream), ...counts } }
    },
    ListShards: (input, request) => ({ Shards: shardsOf(allowed(input, request)) }),
    GetShardIterator: (input, request) => {
      const stream = allowed(input, request)
      const shard = stream.shard(input.text('ShardId'))
      const timestamp = Number(input.value('Timestamp') ?? 0) * 1000
      const after = startOf(shard, input, timestamp) ?? null
      const place = { streamName: stream.name, shardId: shard.shardId, after }
      return { ShardIterator: encodeIterator({ ...place, issuedMs: options.clock.monotonic() }) }
    },
    GetRecords: (input, request) => getRecords(options, input, request),
    PutRecord: async (input, request) => {
      const stream = allowed(input, request)
      const put = await options.streams.put({ streamName: stream.name, ...recordOf(input) })
      return { ShardId: put.shardId, SequenceNumber: put.sequenceNumber }
    },
    PutRecords: (input, request) => putRecords(options, allowed(input, request), input),
  }
  return jsonApi(['kinesis'], operations)
}

function streamNameOf(input: Fields): string {
  const arn = input.optionalText('StreamARN')
  return arn === undefined ? input.text('StreamName') : arn.slice(arn.lastIndexOf('/') + 1)
}

function recordOf(input: Fields): { partitionKey: string; data: Buffer; explicitHashKey?: string } {
  const explicitHashKey = input.optionalText('ExplicitHashKey')
  return {
    partitionKey: input.text('PartitionKey'),
    data: Buffer.from(input.text('Data'), 'base64'),
    ...(explicitHashKey === undefined ? {} : { explicitHashKey }),
  }
}

function getRecords(options: KinesisApiOptions, input: Fields, request: ApiRequest): unknown {
  const nowMs = options.clock.monotonic()
  const iterator = decodeIterator(input.text('ShardIterator'), nowMs)
  const stream = options.find(iterator.streamName)
  options.authorization.check(request.principal, 'kinesis:GetRecords', stream.arn)
  options.admitRead(stream, iterator.shardId)
  const limit = Math.min(input.optionalInteger('Limit') ?? MAX_READ_RECORDS, MAX_READ_RECORDS)
  const after = iterator.after ?? undefined
  const records = options.streams.read(stream.name, iterator.shardId, after, limit, MAX_READ_BYTES)
  const last = records.at(-1)
  const next = { ...iterator, after: last?.sequenceNumber ?? iterator.after, issuedMs: nowMs }
  return {
    Records: records.map((record) => ({
      SequenceNumber: record.sequenceNumber,
      ApproximateArrivalTimestamp: record.approximateArrivalMs / 1000,
      Data: record.data.toString('base64'),
      PartitionKey: record.partitionKey,
    })),
    NextShardIterator: encodeIterator(next),
    MillisBehindLatest: behindLatestMs(stream.shard(iterator.shardId), next.after, nowMs),
  }
}

function behindLatestMs(shard: Shard, after: string | null, nowMs: number): number {
  const next = shard.read(after ?? undefined, 1, 1)[0]
  return next ? nowMs - next.arrivedMs : 0
}

/** KINESIS-4: not atomic; the answer keeps the order of the request, each record with its own outcome. */
async function putRecords(
  options: KinesisApiOptions,
  stream: Stream,
  input: Fields,
): Promise<unknown> {
  const records = input.nestedList('Records').map(recordOf)
  const bytes = records.reduce((sum, record) => sum + record.data.length, 0)
  if (records.length === 0 || records.length > MAX_PUT_RECORDS || bytes > MAX_PUT_BYTES) {
    throw new AwsError(
      'ValidationException',
      `PutRecords takes 1 to ${MAX_PUT_RECORDS} records and ${MAX_PUT_BYTES} bytes; it got ${records.length} and ${bytes}`,
    )
  }
  const results = await Promise.all(
    records.map(async (record) => {
      try {
        const put = await options.streams.put({ streamName: stream.name, ...record })
        return { SequenceNumber: put.sequenceNumber, ShardId: put.shardId }
      } catch (error) {
        if (!(error instanceof AwsError)) throw error
        if (error.code === 'ValidationException') throw error
        const isThrottle = error.code === 'ProvisionedThroughputExceededException'
        return {
          ErrorCode: isThrottle ? error.code : 'InternalFailure',
          ErrorMessage: error.message,
        }
      }
    }),
  )
  const failed = results.filter((result) => 'ErrorCode' in result).length
  return { FailedRecordCount: failed, EncryptionType: 'NONE', Records: results }
}

function summaryOf(stream: Stream): Record<string, unknown> {
  return {
    StreamName: stream.name,
    StreamARN: stream.arn,
    StreamStatus: 'ACTIVE',
    StreamModeDetails: { StreamMode: stream.mode },
    RetentionPeriodHours: stream.retentionHours,
    StreamCreationTimestamp: stream.createdMs / 1000,
    EnhancedMonitoring: [{ ShardLevelMetrics: [] }],
    EncryptionType: 'NONE',
  }
}

function shardsOf(stream: Stream): readonly unknown[] {
  return stream.shards.map((shard) => ({
    ShardId: shard.shardId,
    HashKeyRange: {
      StartingHashKey: shard.range.start.toString(),
      EndingHashKey: shard.range.end.toString(),
    },
    SequenceNumberRange: {
      StartingSequenceNumber: shard.read(undefined, 1, 1)[0]?.sequenceNumber ?? '0',
    },
  }))
}
