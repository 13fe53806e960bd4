import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { appendAll } from '../../platform/append.ts'
import type { Kept } from '../../platform/kept.ts'
import type { StreamRecordOut } from '../../platform/types.ts'
import { compareSequence } from './sequence.ts'

const SEGMENT_BYTES = 16 * 1024 * 1024

type Line = [sequenceNumber: string, arrivalMs: number, partitionKey: string, data: string]

/**
 * The records of a shard on disk: JSON lines in segments, appended once per turn of the event loop. When `append` has resolved the bytes
 * are with the operating system: they survive `kill -9`, not a power cut (that would need an fsync per turn).
 */
export interface ShardLog {
  /** Throws AwsError `InternalFailure` (500) when the disk refuses; nothing of the failed records remains. */
  append(record: StreamRecordOut): Promise<void>
  /** Deletes segments that end at or before a sequence number. */
  trim(upTo: string): void
  /** Writes what waits and closes. */
  close(): void
}

/** Opens the log of a shard and hands every record kept there to `restore`, in order. A torn last line is cut off. */
export function openShardLog(
  { path: directory, disk }: Kept,
  restore: (record: StreamRecordOut) => void,
): ShardLog {
  mkdirSync(directory, { recursive: true })
  const segments = readSegments(directory, restore)
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
      for (let oldest = segments[0]; oldest && compareSequence(oldest.last, upTo) <= 0;) {
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
  return `${JSON.stringify(line)}\n`
}

function readSegments(directory: string, restore: (record: StreamRecordOut) => void): Segment[] {
  const names = readdirSync(directory).filter((name) => /^\d+\.log$/.test(name))
  return names.sort().map((name) => {
    const path = join(directory, name)
    let last = ''
    for (const text of readFileSync(path, 'utf8').split('\n')) {
      const record = parseLine(text)
      if (!record) continue
      restore(record)
      last = record.sequenceNumber
    }
    return { number: Number.parseInt(name, 10), path, last }
  })
}

/** A line that a killed process left unfinished was never acknowledged: it is skipped. */
function parseLine(text: string): StreamRecordOut | undefined {
  if (!text.endsWith(']')) return undefined
  try {
    const [sequence, arrivalMs, partitionKey, data] = JSON.parse(text) as Line
    return {
      sequenceNumber: sequence,
      approximateArrivalMs: arrivalMs,
      partitionKey,
      data: Buffer.from(data, 'base64'),
    }
  } catch {
    return undefined
  }
}

function openSegment(directory: string, number: number): Segment & { readonly fd: number } {
  const path = join(directory, `${String(number).padStart(8, '0')}.log`)
  return { number, path, last: '', fd: openSync(path, 'a') }
}
