import type { StreamRecordOut } from '../../platform/types.ts'
import type { HashRange } from './hash-range.ts'
import { compareSequence } from '../../platform/sequence.ts'

/** Rough cost of a record beside its data. */
const RECORD_OVERHEAD_BYTES = 250
const COMPACT_AT = 4096

/** The records of one shard, in order, in memory. */
export interface Shard {
  readonly shardId: string
  readonly range: HashRange
  append(record: StreamRecordOut): void
  /** After `after` (undefined = from the oldest), at most `limit` and about `maxBytes`, at least one if there is any. */
  read(after: string | undefined, limit: number, maxBytes: number): readonly StreamRecordOut[]
  /** The first record at or after a time; undefined when there is none. */
  firstSince(ms: number): StreamRecordOut | undefined
  /** The highest ever; undefined = no record yet. */
  latest(): string | undefined
  /** Arrival of the latest record, epoch ms; 0 = no record yet. */
  lastArrivalMs(): number
  /** Sequence number of the record just before the oldest that is left, if any was ever removed. */
  trimmedTo(): string | undefined
  /** Removes from the oldest on while `isGone` says so. */
  trim(isGone: (record: StreamRecordOut) => boolean): void
  bytes(): number
}

export function createShard(shardId: string, range: HashRange): Shard {
  let records: StreamRecordOut[] = []
  let first = 0
  let bytes = 0
  let last: StreamRecordOut | undefined
  let trimmed: string | undefined

  const size = (record: StreamRecordOut): number => record.data.length + RECORD_OVERHEAD_BYTES
  const indexWhere = (isAtOrAfter: (record: StreamRecordOut) => boolean): number => {
    let low = first
    let high = records.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const record = records[middle]
      if (record && isAtOrAfter(record)) high = middle
      else low = middle + 1
    }
    return low
  }

  return {
    shardId,
    range,
    append(record) {
      records.push(record)
      bytes += size(record)
      last = record
    },
    read(after, limit, maxBytes) {
      if (after !== undefined && last && compareSequence(last.sequenceNumber, after) <= 0) return []
      const start =
        after === undefined
          ? first
          : indexWhere((record) => compareSequence(record.sequenceNumber, after) > 0)
      let end = start
      for (let room = maxBytes; end < records.length && end - start < limit; end++) {
        room -= records[end]?.data.length ?? 0
        if (room < 0 && end > start) break
      }
      return records.slice(start, end)
    },
    firstSince: (ms) => records[indexWhere((record) => record.approximateArrivalMs >= ms)],
    latest: () => last?.sequenceNumber,
    lastArrivalMs: () => last?.approximateArrivalMs ?? 0,
    trimmedTo: () => trimmed,
    trim(isGone) {
      for (let record = records[first]; record && isGone(record); record = records[first]) {
        bytes -= size(record)
        trimmed = record.sequenceNumber
        first++
      }
      if (first >= COMPACT_AT && first * 2 >= records.length) {
        records = records.slice(first)
        first = 0
      }
    },
    bytes: () => bytes,
  }
}
