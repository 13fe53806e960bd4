import type { Position } from './position.ts'

/**
 * Which readings a block holds, named alike wherever they come from (push, resume, history page, thinned window), so that a reader who gets
 * one twice knows it. A name is made of the reading's place in the stream, not of what the device says: two readings that are alike in
 * everything have two.
 */

const ALPHABET = '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz'
const WIDTH = 5
const BITS = 6
/** Where the sequence number begins in a position. Its time may have been raised when it was kept. */
const TIME_WIDTH = 9

/** Five characters for each reading: 30 bits of FNV-1a over its sequence number and place. */
export function readingIds(positions: readonly Position[]): string {
  return positions.map(idOf).join('')
}

/** The name of the reading in this row, as a number below 2^30; undefined where the block names none. */
export function readingIdAt(ids: string | undefined, row: number): number | undefined {
  if (ids === undefined) return undefined
  let id = 0
  for (let i = row * WIDTH; i < (row + 1) * WIDTH; i++) {
    const digit = ALPHABET.indexOf(ids.charAt(i))
    if (i >= ids.length || digit < 0) return undefined
    id = id * 64 + digit
  }
  return id
}

function idOf(position: Position): string {
  let hash = 0x811c9dc5
  for (let i = TIME_WIDTH; i < position.length; i++) {
    hash = Math.imul(hash ^ position.charCodeAt(i), 0x01000193)
  }
  // The last characters differ most and were mixed least.
  hash ^= hash >>> 15
  hash = Math.imul(hash, 0x2c1b3c6d)
  hash ^= hash >>> 12
  let text = ''
  for (let digit = WIDTH - 1; digit >= 0; digit--) {
    text += ALPHABET.charAt((hash >>> (digit * BITS)) & 63)
  }
  return text
}
