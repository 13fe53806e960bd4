import { describe, expect, it } from 'vitest'
import { textFrames } from './text-frames.ts'

describe('textFrames', () => {
  it.each([
    [0, [0x81, 0]],
    [125, [0x81, 125]],
    [126, [0x81, 126, 0, 126]],
    [32_768, [0x81, 126, 0x80, 0]],
  ])('RFC 6455 5.2: %i bytes are one final text frame', (bytes, header) => {
    const frames = textFrames(Buffer.alloc(bytes, 'x'))
    expect([...frames.subarray(0, header.length)]).toEqual(header)
    expect(frames).toHaveLength(header.length + bytes)
  })

  it('MGMT-15: one byte more goes into a continuation frame', () => {
    const frames = textFrames(Buffer.alloc(32_769, 'x'))
    expect([...frames.subarray(0, 4)]).toEqual([0x01, 126, 0x80, 0])
    expect([...frames.subarray(4 + 32_768)]).toEqual([0x80, 1, 'x'.charCodeAt(0)])
  })

  it('MGMT-14: bytes that are no UTF-8 are replaced', () => {
    expect(
      textFrames(Buffer.from([0xff]))
        .subarray(2)
        .toString(),
    ).toBe('\ufffd')
  })
})
