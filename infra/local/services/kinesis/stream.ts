import { AwsError } from '../../platform/errors.ts'
import type { Clock, StreamPut, StreamRecordOut } from '../../platform/types.ts'
import { hashKeyOf, hashRanges } from './hash-range.ts'
import { sequenceIndex, sequenceNumber } from '../../platform/sequence.ts'
import { createShard, type Shard } from './shard.ts'
import type { Restored, ShardLog } from './shard-log.ts'

/** KINESIS-3. */
const MAX_RECORD_BYTES = 1024 * 1024
/** KINESIS-1, per shard and second. */
const WRITE_RECORDS_PER_SECOND = 1000
const WRITE_BYTES_PER_SECOND = 1024 * 1024
/** More than this in memory: what every consumer has finished goes before its time. */
const SOFT_BYTES = 128 * 1024 * 1024
/** More than this: puts are refused rather than anything lost. */
const HARD_BYTES = 1024 * 1024 * 1024

export interface StreamOptions {
  readonly name: string
  readonly arn: string
  readonly shardCount: number
  readonly createdMs: number
  readonly mode: 'PROVISIONED' | 'ON_DEMAND'
  readonly clock: Clock
  /** Enforce KINESIS-1. */
  readonly limits: boolean
  /** Opens the durable log of a shard; absent = memory only. */
  readonly openLog?: (shardId: string, restored: Restored) => ShardLog
}

export interface Stream {
  readonly name: string
  readonly arn: string
  readonly createdMs: number
  readonly mode: StreamOptions['mode']
  retentionHours: number
  readonly shards: readonly Shard[]
  readonly listeners: Set<(shardId: string) => void>
  readonly holds: Set<(shardId: string) => string | undefined>
  /** Throws AwsError `ValidationException`, `ProvisionedThroughputExceededException`, `InternalFailure`. */
  put(
    record: Pick<StreamPut, 'partitionKey' | 'explicitHashKey' | 'data'>,
  ): Promise<{ readonly shardId: string; readonly sequenceNumber: string }>
  shard(shardId: string): Shard
  /** KINESIS-8: forgets what is older than the retention. */
  trim(): void
  close(): void
}

export function createStream(options: StreamOptions): Stream {
  const { clock, createdMs } = options
  let index = 0
  const ranges = hashRanges(options.shardCount)
  const shards = ranges.map((range, at) =>
    createShard(`shardId-${String(at).padStart(12, '0')}`, range),
  )
  const logs = shards.map((shard) =>
    options.openLog?.(shard.shardId, {
      record(record) {
        shard.append(record)
        index = Math.max(index, sequenceIndex(record.sequenceNumber) + 1)
      },
      damaged(count) {
        index += count
      },
    }),
  )
  const meters = shards.map(() => createWriteMeter(clock))
  const listeners = new Set<(shardId: string) => void>()
  const holds = new Set<(shardId: string) => string | undefined>()

  const trimShard = (shard: Shard, at: number): void => {
    const oldestMs = clock.monotonic() - stream.retentionHours * 3_600_000
    shard.trim((record) => record.arrivedMs < oldestMs)
    if (shard.bytes() > SOFT_BYTES) {
      const finished = [...holds].map((hold) => hold(shard.shardId))
      shard.trim(
        (record) =>
          shard.bytes() > SOFT_BYTES &&
          finished.every((upTo) => upTo !== undefined && record.sequenceNumber <= upTo),
      )
    }
    const trimmed = shard.trimmedTo()
    if (trimmed !== undefined) logs[at]?.trim(trimmed)
  }

  const stream: Stream = {
    name: options.name,
    arn: options.arn,
    mode: options.mode,
    createdMs,
    retentionHours: 24,
    shards,
    listeners,
    holds,
    async put({ partitionKey, explicitHashKey, data }) {
      refuseInvalid(partitionKey, data)
      const hash = explicitHashKey === undefined ? hashKeyOf(partitionKey) : BigInt(explicitHashKey)
      const at = ranges.findIndex((range) => hash <= range.end)
      const shard = shards[at]
      if (!shard) throw new AwsError('InvalidArgumentException', `Hash key ${hash} is too large`)
      const bytes = data.length + Buffer.byteLength(partitionKey)
      const isRefused = shard.bytes() > HARD_BYTES || (options.limits && !meters[at]?.admit(bytes))
      if (isRefused) throw rateExceeded(shard.shardId, options.name)
      const arrivalMs = Math.max(clock.now(), shard.lastArrivalMs())
      const record: StreamRecordOut = {
        sequenceNumber: sequenceNumber({ createdMs, index: index++, arrivalMs, shardIndex: at }),
        partitionKey,
        data,
        approximateArrivalMs: arrivalMs,
        arrivedMs: clock.monotonic(),
      }
      await logs[at]?.append(record)
      shard.append(record)
      for (const listener of listeners) listener(shard.shardId)
      return { shardId: shard.shardId, sequenceNumber: record.sequenceNumber }
    },
    shard(shardId) {
      const found = shards.find((shard) => shard.shardId === shardId)
      if (found) return found
      throw new AwsError(
        'ResourceNotFoundException',
        `Shard ${shardId} in stream ${options.name} does not exist.`,
      )
    },
    trim() {
      shards.forEach(trimShard)
    },
    close() {
      for (const log of logs) log?.close()
    },
  }
  return stream
}

function refuseInvalid(partitionKey: string, data: Buffer): void {
  if (partitionKey.length < 1 || partitionKey.length > 256) {
    throw new AwsError(
      'ValidationException',
      `Value at 'partitionKey' failed to satisfy constraint: Member must have length between 1 and 256, it has ${partitionKey.length}`,
    )
  }
  if (data.length > MAX_RECORD_BYTES) {
    throw new AwsError(
      'ValidationException',
      `Value at 'data' failed to satisfy constraint: Member must have length less than or equal to ${MAX_RECORD_BYTES}`,
    )
  }
}

/** KINESIS-2. */
function rateExceeded(shardId: string, streamName: string): AwsError {
  return new AwsError(
    'ProvisionedThroughputExceededException',
    `Rate exceeded for shard ${shardId} in stream ${streamName}.`,
  )
}

function createWriteMeter(clock: Clock): { admit(bytes: number): boolean } {
  let second = 0
  let records = 0
  let total = 0
  return {
    admit(bytes) {
      const now = Math.floor(clock.monotonic() / 1000)
      if (now !== second) {
        second = now
        records = 0
        total = 0
      }
      if (records + 1 > WRITE_RECORDS_PER_SECOND || total + bytes > WRITE_BYTES_PER_SECOND)
        return false
      records++
      total += bytes
      return true
    },
  }
}
