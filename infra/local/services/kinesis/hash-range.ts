import { createHash } from 'node:crypto'

export interface HashRange {
  readonly start: bigint
  readonly end: bigint
}

const SPACE = 1n << 128n

/** The whole hash space in `count` equal parts, as a new stream has it. */
export function hashRanges(count: number): readonly HashRange[] {
  const width = SPACE / BigInt(count)
  return Array.from({ length: count }, (_, index) => ({
    start: width * BigInt(index),
    end: index === count - 1 ? SPACE - 1n : width * BigInt(index + 1) - 1n,
  }))
}

/** KINESIS-5: MD5 of the partition key (UTF-8) as a 128-bit integer. */
export function hashKeyOf(partitionKey: string): bigint {
  return BigInt(`0x${createHash('md5').update(partitionKey).digest('hex')}`)
}
