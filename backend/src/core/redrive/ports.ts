import type { Clock } from '../clock.ts'
import type { Rejects } from '../ingest/ports.ts'
import type { StreamItem } from '../telemetry/decode-record.ts'
import type { Log, MetricSink } from '../telemetry-sink.ts'

/** A record on its way to the stream. */
export interface OutgoingRecord {
  readonly partitionKey: string
  readonly data: Uint8Array
}

/** A record that the stream still has. */
export interface KeptRecord extends StreamItem {
  readonly partitionKey: string
}

/** Both ends inclusive, decimal. */
export interface StreamRange {
  readonly shardId: string
  readonly startSequenceNumber: string
  readonly endSequenceNumber: string
}

export interface Stream {
  /** Records that were not taken; the others are in the stream for good. One attempt; throws when the stream cannot be reached. */
  put<T extends OutgoingRecord>(records: readonly T[]): Promise<readonly T[]>
  /** The records of a range, page by page, in order; those that retention has taken are missing. */
  read(range: StreamRange): AsyncIterable<readonly KeptRecord[]>
}

export interface RedrivePorts {
  readonly stream: Stream
  readonly rejects: Rejects
  readonly clock: Clock
  readonly pause: (ms: number) => Promise<void>
  readonly metrics: MetricSink
  readonly log: Log
}
