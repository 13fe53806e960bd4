import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  arrivalOf,
  comparePositions,
  decodePosition,
  earliestPosition,
  encodePosition,
  isPosition,
  notBefore,
} from './position.ts'

const place = fc.record({
  arrivalMs: fc.integer({ min: 0, max: 4_102_444_800_000 }),
  sequenceNumber: fc.bigInt({ min: 0n, max: 2n ** 186n - 1n }).map(String),
  index: fc.integer({ min: 0, max: 499 }),
})
const encode = ({ arrivalMs, sequenceNumber, index }: ReturnType<typeof decodePosition>) =>
  encodePosition(arrivalMs, sequenceNumber, index)

describe('positions', () => {
  it('hold what they were made of', () => {
    fc.assert(
      fc.property(place, (one) => {
        expect(isPosition(encode(one))).toBe(true)
        expect(decodePosition(encode(one))).toEqual(one)
      }),
    )
  })

  it('KINESIS-7: compare as the sequence numbers do as integers, then by place in the record', () => {
    fc.assert(
      fc.property(place, place, (a, b) => {
        const left = BigInt(a.sequenceNumber) * 4_096n + BigInt(a.index)
        const right = BigInt(b.sequenceNumber) * 4_096n + BigInt(b.index)
        const expected = left < right ? -1 : left > right ? 1 : 0
        expect(comparePositions(encode(a), encode(b))).toBe(expected)
      }),
    )
  })

  it('sort as text after the earliest position of their time, and before that of the next millisecond', () => {
    fc.assert(
      fc.property(place, (one) => {
        expect(earliestPosition(one.arrivalMs) <= encode(one)).toBe(true)
        expect(encode(one) < earliestPosition(one.arrivalMs + 1)).toBe(true)
      }),
    )
  })

  it('take a later time without changing their order', () => {
    fc.assert(
      fc.property(place, place, (a, b) => {
        const raised = notBefore(encode(a), encode(b))
        expect(comparePositions(raised, encode(a))).toBe(0)
        expect(arrivalOf(raised)).toBe(Math.max(a.arrivalMs, b.arrivalMs))
      }),
    )
  })
})
