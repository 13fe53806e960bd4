/** What a sequence number is made of. */
export interface SequenceParts {
  /** Of the stream, epoch ms. */
  readonly createdMs: number
  /** Counts the records of the stream. */
  readonly index: number
  readonly arrivalMs: number
  readonly shardIndex: number
}

/**
 * A sequence number in the shape of AWS's: 56 decimal digits, increasing within a shard, not contiguous (KINESIS-7). Its 47 hexadecimal digits
 * hold version, creation time, counter, arrival time and shard.
 */
export function sequenceNumber(parts: SequenceParts): string {
  const hex = (value: number, width: number): string => value.toString(16).padStart(width, '0')
  const seconds = (ms: number): string => hex(Math.floor(ms / 1000), 9)
  const digits = `2${seconds(parts.createdMs)}${hex(parts.index, 17)}00${seconds(parts.arrivalMs)}${hex(parts.shardIndex, 8)}2`
  return BigInt(`0x${digits}`).toString()
}

/** Negative, zero or positive. Equal lengths sort as text, which is much cheaper than BigInt. */
export function compareSequence(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length
  return a < b ? -1 : a > b ? 1 : 0
}

/** The counter inside a sequence number. */
export function sequenceIndex(sequence: string): number {
  return Number.parseInt(BigInt(sequence).toString(16).slice(10, 27), 16)
}
