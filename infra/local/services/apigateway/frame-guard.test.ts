import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createFrameGuard } from './frame-guard.ts'

const LIMIT = 300

/** A masked frame with a payload of zeros. */
function frame(bytes: number, first = 0x81): Buffer {
  const length =
    bytes < 126
      ? Buffer.of(0x80 | bytes)
      : bytes < 65_536
        ? Buffer.of(0x80 | 126, bytes >> 8, bytes & 0xff)
        : Buffer.of(0x80 | 127, 0, 0, 0, 0, 0, bytes >> 16, (bytes >> 8) & 0xff, bytes & 0xff)
  return Buffer.concat([Buffer.of(first), length, Buffer.alloc(4 + bytes)])
}

describe('frame guard', () => {
  it('APIGW-84: trips exactly when one of the frames is too long, however the bytes are cut, and knows what came before', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.integer({ min: 0, max: 310 }), fc.constant(70_000)), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 20 }),
        (lengths, cuts) => {
          const guard = createFrameGuard(LIMIT)
          const bytes = Buffer.concat(lengths.map((length) => frame(length)))
          for (let at = 0, cut = 0; at < bytes.length; cut++) {
            const step = cuts[cut % cuts.length] ?? 1
            guard.read(bytes.subarray(at, at + step))
            at += step
          }
          const before = lengths.findIndex((length) => length > LIMIT)
          expect(guard.messagesBeforeTooLong()).toBe(before < 0 ? undefined : before)
        },
      ),
    )
  })

  it('counts a fragmented message once and control frames not at all', () => {
    const guard = createFrameGuard(LIMIT)
    const [TEXT, MORE, LAST, PING] = [0x01, 0x00, 0x80, 0x89]
    for (const first of [TEXT, PING, MORE, LAST]) guard.read(frame(5, first))
    guard.read(frame(LIMIT + 1))
    expect(guard.messagesBeforeTooLong()).toBe(1)
  })
})
