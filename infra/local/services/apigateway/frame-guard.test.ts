import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createFrameGuard } from './frame-guard.ts'

const LIMIT = 300

/** A masked frame with a payload of zeros. */
function frame(bytes: number): Buffer {
  const length =
    bytes < 126
      ? Buffer.of(0x80 | bytes)
      : bytes < 65_536
        ? Buffer.of(0x80 | 126, bytes >> 8, bytes & 0xff)
        : Buffer.of(0x80 | 127, 0, 0, 0, 0, 0, bytes >> 16, (bytes >> 8) & 0xff, bytes & 0xff)
  return Buffer.concat([Buffer.of(0x81), length, Buffer.alloc(4 + bytes)])
}

it('W84: trips exactly when one of the frames is too long, however the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.integer({ min: 0, max: 310 }), fc.constant(70_000)), { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 20 }),
      (lengths, cuts) => {
        let trips = 0
        const guard = createFrameGuard(LIMIT, () => trips++)
        const bytes = Buffer.concat(lengths.map(frame))
        for (let at = 0, cut = 0; at < bytes.length; cut++) {
          const step = cuts[cut % cuts.length] ?? 1
          guard(bytes.subarray(at, at + step))
          at += step
        }
        expect(trips).toBe(lengths.some((length) => length > LIMIT) ? 1 : 0)
      },
    ),
  )
})
