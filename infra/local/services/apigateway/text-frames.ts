import { isUtf8 } from 'node:buffer'

/** MGMT-15: API Gateway splits what it sends into frames of at most 32 KB. */
export const MAX_FRAME_BYTES = 32_768

/**
 * One text message as the bytes of its frames (RFC 6455, unmasked, uncompressed), in one buffer, so that a message costs one write.
 * MGMT-14: what is posted as bytes arrives as text; bytes that are no UTF-8 are replaced, since a client must fail on them.
 */
export function textFrames(message: Buffer): Buffer {
  const payload = isUtf8(message) ? message : Buffer.from(message.toString('utf8'))
  const frames = Math.max(1, Math.ceil(payload.length / MAX_FRAME_BYTES))
  const buffer = Buffer.allocUnsafe(payload.length + frames * 4)
  let at = 0
  for (let frame = 0; frame < frames; frame++) {
    const start = frame * MAX_FRAME_BYTES
    const end = Math.min(payload.length, start + MAX_FRAME_BYTES)
    at = writeHeader(buffer, at, {
      opcode: frame === 0 ? 0x1 : 0x0,
      fin: frame === frames - 1,
      bytes: end - start,
    })
    at += payload.copy(buffer, at, start, end)
  }
  return buffer.subarray(0, at)
}

function writeHeader(
  buffer: Buffer,
  at: number,
  frame: { readonly opcode: number; readonly fin: boolean; readonly bytes: number },
): number {
  buffer[at] = (frame.fin ? 0x80 : 0) | frame.opcode
  if (frame.bytes < 126) {
    buffer[at + 1] = frame.bytes
    return at + 2
  }
  buffer[at + 1] = 126
  buffer.writeUInt16BE(frame.bytes, at + 2)
  return at + 4
}
