import { AwsError } from '../../platform/errors.ts'
import type { Fields } from '../../platform/fields.ts'
import type { Shard } from './shard.ts'

/** KINESIS-8. */
const LIFETIME_MS = 5 * 60_000

/** A place in a shard. */
export interface ShardIterator {
  readonly streamName: string
  readonly shardId: string
  /** Records after this one; null = from the oldest. */
  readonly after: string | null
  readonly issuedMs: number
}

export function encodeIterator(iterator: ShardIterator): string {
  return Buffer.from(JSON.stringify(iterator)).toString('base64')
}

/** Throws AwsError `ExpiredIteratorException` after five minutes, `InvalidArgumentException` for what is no iterator. */
export function decodeIterator(token: string, nowMs: number): ShardIterator {
  let iterator: ShardIterator
  try {
    iterator = JSON.parse(Buffer.from(token, 'base64').toString()) as ShardIterator
  } catch (cause) {
    throw new AwsError('InvalidArgumentException', 'Invalid ShardIterator.', { cause })
  }
  if (nowMs - iterator.issuedMs > LIFETIME_MS) {
    throw new AwsError(
      'ExpiredIteratorException',
      `Iterator expired. The iterator was created ${Math.round((nowMs - iterator.issuedMs) / 1000)} seconds ago; it lives 300 seconds.`,
    )
  }
  return iterator
}

/** Where `GetShardIterator` starts: the sequence number before the first record wanted, undefined = from the oldest. */
export function startOf(shard: Shard, input: Fields, beforeTime: number): string | undefined {
  switch (input.text('ShardIteratorType')) {
    case 'TRIM_HORIZON':
      return undefined
    case 'LATEST':
      return shard.latest()
    case 'AFTER_SEQUENCE_NUMBER':
      return input.text('StartingSequenceNumber')
    case 'AT_SEQUENCE_NUMBER':
      return (BigInt(input.text('StartingSequenceNumber')) - 1n).toString()
    case 'AT_TIMESTAMP': {
      const first = shard.firstSince(beforeTime)
      return first ? (BigInt(first.sequenceNumber) - 1n).toString() : shard.latest()
    }
    default:
      throw new AwsError(
        'InvalidArgumentException',
        `ShardIteratorType ${input.text('ShardIteratorType')} is not one of TRIM_HORIZON, LATEST, AT_SEQUENCE_NUMBER, AFTER_SEQUENCE_NUMBER, AT_TIMESTAMP`,
      )
  }
}
