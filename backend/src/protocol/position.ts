/**
 * A position: where a device's reading stands in the stream, as one opaque, fixed-width string that sorts as text.
 *
 * It is the arrival time (9 characters, base 36, epoch milliseconds), the Kinesis sequence number (up to 186 bits, 32 characters
 * over an alphabet whose characters sort as ASCII) and the reading's place in its record (2 characters: a payload may hold many
 * readings). The order of two positions of one device is the order of their sequence numbers (KINESIS-7: decimal strings,
 * compare as integers), then of their places; the time only helps to find the row.
 */

const ALPHABET = '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz'
const TIME_WIDTH = 9
const SEQUENCE_WIDTH = 32
const INDEX_WIDTH = 2
const SHAPE = /^[0-9a-z]{9}[-0-9A-Z_a-z]{34}$/

/** 43 characters; compare with {@link comparePositions}. */
export type Position = string

/** `index`: the reading's place in its record, 0 to 4,095. */
export function encodePosition(arrivalMs: number, sequenceNumber: string, index = 0): Position {
  const sequence = encodeNumber(BigInt(sequenceNumber), SEQUENCE_WIDTH)
  return encodeTime(arrivalMs) + sequence + encodeNumber(BigInt(index), INDEX_WIDTH)
}

/** Not after any position of a reading that arrived at `arrivalMs` or later, as text. For finding rows, not a reading's position. */
export function earliestPosition(arrivalMs: number): Position {
  return encodeTime(arrivalMs) + '-'.repeat(SEQUENCE_WIDTH + INDEX_WIDTH)
}

export function decodePosition(position: Position): {
  arrivalMs: number
  sequenceNumber: string
  index: number
} {
  const sequenceEnd = TIME_WIDTH + SEQUENCE_WIDTH
  return {
    arrivalMs: arrivalOf(position),
    sequenceNumber: decodeNumber(position.slice(TIME_WIDTH, sequenceEnd)).toString(),
    index: Number(decodeNumber(position.slice(sequenceEnd))),
  }
}

/** Epoch ms at which the reading came into the stream. */
export function arrivalOf(position: Position): number {
  return Number.parseInt(position.slice(0, TIME_WIDTH), 36)
}

export function isPosition(value: unknown): value is Position {
  return typeof value === 'string' && SHAPE.test(value)
}

/** Sequence number and place: what a reading is known by, whatever its time was raised to ({@link notBefore}). Of one device. */
export function placeOf(position: Position): string {
  return position.slice(TIME_WIDTH)
}

/** Negative, zero or positive, by sequence number and place. Only positions of one device may be compared. */
export function comparePositions(a: Position, b: Position): number {
  const left = placeOf(a)
  const right = placeOf(b)
  return left < right ? -1 : left > right ? 1 : 0
}

/**
 * `position`, its time raised to that of `other`: arrival times are approximate (KINESIS-15), and one device's positions must
 * sort as text the way they compare.
 */
export function notBefore(position: Position, other: Position): Position {
  const time = other.slice(0, TIME_WIDTH)
  return position.slice(0, TIME_WIDTH) < time ? time + position.slice(TIME_WIDTH) : position
}

function encodeTime(arrivalMs: number): string {
  return Math.max(0, Math.trunc(arrivalMs)).toString(36).padStart(TIME_WIDTH, '0')
}

function encodeNumber(value: bigint, width: number): string {
  let rest = value
  let text = ''
  for (let i = 0; i < width; i++) {
    text = (ALPHABET[Number(rest & 63n)] ?? '-') + text
    rest >>= 6n
  }
  return text
}

function decodeNumber(text: string): bigint {
  let value = 0n
  for (const character of text) value = (value << 6n) | BigInt(ALPHABET.indexOf(character))
  return value
}
