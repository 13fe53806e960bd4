import { expect, it } from 'vitest'
import { encodePosition } from './position.ts'
import { readingIdAt, readingIds } from './reading-ids.ts'

const FIRST = 49_590_338_271_490_256_608_559_692_538n * 10n ** 27n
const positions = Array.from({ length: 60_000 }, (_, i) =>
  encodePosition(i, (FIRST + BigInt(Math.floor(i / 3))).toString(), i % 3),
)

it('readings of one device have names of their own, and each is read back from any block', () => {
  const ids = readingIds(positions)
  const all = positions.map((_, row) => readingIdAt(ids, row))
  // 60,000 names of 30 bits: by chance about two pairs are alike, and a reader compares only readings of one time.
  expect(new Set(all).size).toBeGreaterThan(60_000 - 12)
  const [last = ''] = positions.slice(-1)
  expect(readingIdAt(readingIds([last]), 0)).toBe(all.at(-1))
})

it('a position whose time was raised names the same reading', () => {
  const sequence = FIRST.toString()
  expect(readingIds([encodePosition(5, sequence)])).toBe(readingIds([encodePosition(9, sequence)]))
})

it.each([[undefined], [''], ['abc'], ['abcd!']])('ids of %j name nothing', (ids) => {
  expect(readingIdAt(ids, 0)).toBeUndefined()
})
