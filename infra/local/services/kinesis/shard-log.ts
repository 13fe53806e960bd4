import { closeSync, mkdirSync, openSync, readdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { appendAll } from '../../platform/append.ts'
import type { Kept } from '../../platform/kept.ts'
import { damageText, readSealedLines, sealLine } from '../../platform/sealed-lines.ts'
import type { StreamRecordOut } from '../../platform/types.ts'
import { compareSequence } from '../../platform/sequence.ts'

const SEGMENT_BYTES = 16 * 1024 * 1024

type Line = [sequenceNumber: string, arrivalMs: number, partitionKey: string, data: string]

/**
 * The records of a shard on disk: JSON lines with checksums in segments, appended once per turn of the event loop. When `append` has resolved
 * the bytes are with the operating system: they survive `kill -9`, not a power cut (that would need an fsync per turn).
 */
export interface ShardLog {
  /** Throws AwsError `InternalFailure` (500) when the disk refuses; nothing of the failed records remains. */
  append(record: StreamRecordOut): Promise<void>
  /** Deletes segments that end at or before a sequence number; never the one with the highest, from which the next start counts on. */
  trim(upTo: string): void
  /** Writes what waits and closes. */
  close(): void
}

/** What a start finds in the log of a shard. */
export interface Restored {
  record(record: StreamRecordOut): void
  /** So many records cannot be read any more; their sequence numbers stay used. */
  damaged(count: number): void
}

/**
 * Opens the log of a shard and hands over every record kept there, in order. The last line of a segment that a killed process left
 * unfinished is left out; a damaged record is told with file and offset.
 */
export function openShardLog(kept: Kept, restored: Restored): ShardLog {
  const { path: directory, disk } = kept
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const segments = readSegments(kept, restored)
  let next = (segments.at(-1)?.number ?? 0) + 1
  let current = openSegment(directory, next++)
  let bytes = 0
  let lastSequence = ''
  let waiting: { line: string; sequence: string; done: (error?: Error) => void }[] = []

  const flush = (): void => {
    const batch = waiting
    waiting = []
    if (batch.length === 0) return
    try {
      const text = Buffer.from(batch.map((entry) => entry.line).join(''))
      disk.admit()
      bytes += disk.write(() => appendAll(current.fd, text))
      lastSequence = batch.at(-1)?.sequence ?? lastSequence
    } catch (cause) {
      const failure = cause instanceof Error ? cause : new Error(String(cause))
      for (const entry of batch) entry.done(failure)
      return
    }
    for (const entry of batch) entry.done()
    if (bytes >= SEGMENT_BYTES) roll()
  }
  const roll = (): void => {
    try {
      const fresh = openSegment(directory, next)
      closeSync(current.fd)
      segments.push({ ...current, last: lastSequence })
      current = fresh
      next++
      bytes = 0
    } catch (cause) {
      // The segment grows on until another one can be opened.
      disk.failed(cause)
    }
  }

  return {
    append(record) {
      if (waiting.length === 0) setImmediate(flush)
      return new Promise((resolve, reject) => {
        const done = (error?: Error): void => {
          if (error) reject(error)
          else resolve()
        }
        waiting.push({ line: lineOf(record), sequence: record.sequenceNumber, done })
      })
    },
    trim(upTo) {
      const isLast = (): boolean => segments.length === 1 && bytes === 0
      for (
        let oldest = segments[0];
        oldest && !isLast() && compareSequence(oldest.last, upTo) <= 0;
      ) {
        try {
          unlinkSync(oldest.path)
        } catch (cause) {
          disk.failed(cause)
          return
        }
        segments.shift()
        oldest = segments[0]
      }
    },
    close() {
      flush()
      closeSync(current.fd)
    },
  }
}

interface Segment {
  readonly number: number
  readonly path: string
  readonly last: string
}

function lineOf(record: StreamRecordOut): string {
  const line: Line = [
    record.sequenceNumber,
    record.approximateArrivalMs,
    record.partitionKey,
    record.data.toString('base64'),
  ]
  return sealLine(JSON.stringify(line))
}

function readSegments({ path: directory, tell }: Kept, restored: Restored): Segment[] {
  const names = readdirSync(directory).filter((name) => /^\d+\.log$/.test(name))
  const segments: Segment[] = []
  for (const name of names.sort()) {
    const path = join(directory, name)
    const { texts, damaged } = readSealedLines(path)
    if (damaged.length > 0) tell(damageText(path, damaged, 'record'))
    restored.damaged(damaged.length)
    const records = texts.map(recordOf)
    for (const record of records) restored.record(record)
    const last = records.at(-1)?.sequenceNumber
    if (last !== undefined) segments.push({ number: Number.parseInt(name, 10), path, last })
    // A start that received nothing.
    else if (damaged.length === 0) unlinkSync(path)
  }
  return segments
}

function recordOf(text: string): StreamRecordOut {
  const [sequenceNumber, arrivalMs, partitionKey, data] = JSON.parse(text) as Line
  return {
    sequenceNumber,
    approximateArrivalMs: arrivalMs,
    arrivedMs: arrivalMs,
    partitionKey,
    data: Buffer.from(data, 'base64'),
  }
}

function openSegment(directory: string, number: number): Segment & { readonly fd: number } {
  const path = join(directory, `${String(number).padStart(8, '0')}.log`)
  return { number, path, last: '', fd: openSync(path, 'a', 0o600) }
}
