export interface Frame {
  readonly fin?: boolean
  readonly rsv1?: boolean
  readonly opcode?: number
  readonly payload?: Buffer | string
  readonly masked?: boolean
  /** Announces this length instead of the payload's. */
  readonly length?: number
}

/** One frame as a client sends it (RFC 6455, 5.2), right or wrong. */
export function frame({
  fin = true,
  rsv1 = false,
  opcode = 1,
  payload = '',
  masked = true,
  ...rest
}: Frame): Buffer {
  const data = Buffer.from(payload)
  const length = rest.length ?? data.length
  const first = (fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | opcode
  const mask = masked ? 0x80 : 0
  const extended = Buffer.alloc(length < 126 ? 0 : length < 65_536 ? 2 : 8)
  if (extended.length === 2) extended.writeUInt16BE(length)
  if (extended.length === 8) extended.writeBigUInt64BE(BigInt(length))
  const short = length < 126 ? length : length < 65_536 ? 126 : 127
  const key = masked ? Buffer.from([1, 2, 3, 4]) : Buffer.alloc(0)
  const body = masked ? data.map((byte, index) => byte ^ (1 + (index % 4))) : data
  return Buffer.concat([Buffer.from([first, mask | short]), extended, key, body])
}

export const closeFrame = (code: number, reason: Buffer | string = '') =>
  frame({
    opcode: 8,
    payload: Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]),
  })

/** First byte and payload length of each unmasked frame (RFC 6455, 5.2). */
export function frameLengths(bytes: Buffer): [number, number][] {
  const frames: [number, number][] = []
  for (let at = 0; at < bytes.length;) {
    const length = bytes[at + 1]!
    const [header, payload] = length === 126 ? [4, bytes.readUInt16BE(at + 2)] : [2, length]
    frames.push([bytes[at]!, payload])
    at += header + payload
  }
  return frames
}
