/**
 * A position: where a device's reading stands in the stream, as one opaque, fixed-width string that sorts as text.
 *
 * It is the arrival time (9 characters, base 36, epoch milliseconds) and the Kinesis sequence number (up to 186 bits, 32
 * characters over an alphabet whose characters sort as ASCII). The order of two positions of one device is the order of their
 * sequence numbers (aws-behaviour K7: decimal strings, compare as integers); the time only helps to find the row.
 */

const ALPHABET = '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz'
const TIME_WIDTH = 9
const SEQUENCE_WIDTH = 32
const SHAPE = /^[0-9a-z]{9}[-0-9A-Z_a-z]{32}$/

/** 41 characters; compare with {@link comparePositions}. */
export type Position = string

export function encodePosition(arrivalMs: number, sequenceNumber: string): Position {
  const time = Math.max(0, Math.trunc(arrivalMs)).toString(36).padStart(TIME_WIDTH, '0')
  let rest = BigInt(sequenceNumber)
  let text = ''
  for (let i = 0; i < SEQUENCE_WIDTH; i++) {
    text = (ALPHABET[Number(rest & 63n)] ?? '-') + text
    rest >>= 6n
  }
  return time + text
}

export function decodePosition(position: Position): { arrivalMs: number; sequenceNumber: string } {
  let sequence = 0n
  for (const character of position.slice(TIME_WIDTH)) {
    sequence = (sequence << 6n) | BigInt(ALPHABET.indexOf(character))
  }
  return {
    arrivalMs: Number.parseInt(position.slice(0, TIME_WIDTH), 36),
    sequenceNumber: sequence.toString(),
  }
}

export function isPosition(value: unknown): value is Position {
  return typeof value === 'string' && SHAPE.test(value)
}

/** Negative, zero or positive, by sequence number. Only positions of one device may be compared. */
export function comparePositions(a: Position, b: Position): number {
  const left = a.slice(TIME_WIDTH)
  const right = b.slice(TIME_WIDTH)
  return left < right ? -1 : left > right ? 1 : 0
}
