import { fstatSync, ftruncateSync, writeSync } from 'node:fs'

/** Writes all of `bytes` at the end of an open file, or nothing: after a failure the file ends where it ended before. Returns their number. */
export function appendAll(fd: number, bytes: Buffer): number {
  const before = fstatSync(fd).size
  try {
    for (let written = 0; written < bytes.length;) {
      written += writeSync(fd, bytes, written)
    }
  } catch (error) {
    ftruncateSync(fd, before)
    throw error
  }
  return bytes.length
}
