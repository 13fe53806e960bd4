/** What is known of the frames of one client before anybody has read them. */
export interface FrameGuard {
  /** Watches the next bytes. */
  read(chunk: Buffer): void
  /** Whole messages before the first frame that is too long; undefined while there is none. */
  messagesBeforeTooLong(): number | undefined
}

/**
 * Watches the bytes of one client for a frame that announces more than `maxFrameBytes` (APIGW-84): `ws` has a limit per message only (APIGW-85). It
 * reads frame headers and skips payloads, so it costs a few steps per frame.
 */
export function createFrameGuard(maxFrameBytes: number): FrameGuard {
  const header = Buffer.alloc(14)
  let filled = 0
  let skip = 0
  let messages = 0
  let tripped = false
  return {
    messagesBeforeTooLong: () => (tripped ? messages : undefined),
    read(chunk) {
      let at = 0
      while (at < chunk.length && !tripped) {
        if (skip > 0) {
          const step = Math.min(skip, chunk.length - at)
          skip -= step
          at += step
          continue
        }
        header[filled++] = chunk[at++] ?? 0
        if (filled < 2 || filled < headerBytes(header)) continue
        skip = payloadBytes(header)
        filled = 0
        if (skip > maxFrameBytes) tripped = true
        else if (endsMessage(header[0] ?? 0)) messages++
      }
    },
  }
}

/** RFC 6455, 5.2: FIN on a data frame; from 0x8 on opcodes are of control frames. */
function endsMessage(first: number): boolean {
  return (first & 0x80) !== 0 && (first & 0x08) === 0
}

/** RFC 6455, 5.2: two bytes, the extended length, the mask. */
function headerBytes(header: Buffer): number {
  const second = header[1] ?? 0
  const length = second & 0x7f
  return 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + (second & 0x80 ? 4 : 0)
}

function payloadBytes(header: Buffer): number {
  const length = (header[1] ?? 0) & 0x7f
  if (length === 126) return header.readUInt16BE(2)
  if (length === 127) return Number(header.readBigUInt64BE(2))
  return length
}
