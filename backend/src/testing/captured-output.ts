import { afterEach, beforeEach } from 'vitest'

/** What each test of the file writes to standard output and error, in place of the terminal; emptied before each. */
export function capturedOutput(): string[] {
  const written: string[] = []
  const streams = [process.stdout, process.stderr]
  const originals = streams.map((stream) => stream.write.bind(stream))
  beforeEach(() => {
    written.length = 0
    for (const stream of streams) {
      stream.write = (chunk: string | Uint8Array) => {
        written.push(chunk.toString())
        return true
      }
    }
  })
  afterEach(() => {
    streams.forEach((stream, i) => {
      stream.write = originals[i] as typeof stream.write
    })
  })
  return written
}
