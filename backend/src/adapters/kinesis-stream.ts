import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  PutRecordsCommand,
  type _Record,
} from '@aws-sdk/client-kinesis'
import type { KeptRecord, OutgoingRecord, Stream, StreamRange } from '../core/redrive/ports.ts'

/** PutRecords takes 500 records and 10 MB (KINESIS-4); a chunk stays well below the second. */
const CHUNK_RECORDS = 500
const CHUNK_BYTES = 4 * 1024 * 1024
const PAGE_RECORDS = 500

/** The stream for what is put back onto it. */
export function kinesisStream(at: {
  readonly client: KinesisClient
  readonly streamName: string
}): Stream {
  return {
    async put(records) {
      const chunks = [...chunksOf(records)]
      const outcomes: PromiseSettledResult<typeof records>[] = []
      for (const chunk of chunks)
        outcomes.push(...(await Promise.allSettled([putChunk(at, chunk)])))
      const failures = outcomes.filter((outcome) => outcome.status === 'rejected')
      if (failures.length > 0 && failures.length === chunks.length) throw failures[0]?.reason
      return outcomes.flatMap((outcome, index) =>
        outcome.status === 'fulfilled' ? outcome.value : (chunks[index] ?? []),
      )
    },
    read: (range) => readRange(at, range),
  }
}

/** The stream of that name with a client of its own. */
export const createKinesisStream = (streamName: string): Stream =>
  kinesisStream({ client: new KinesisClient({ maxAttempts: 2 }), streamName })

type At = Parameters<typeof kinesisStream>[0]

/** PutRecords is not atomic: each record has its own outcome, in the order of the request (KINESIS-4). */
async function putChunk<T extends OutgoingRecord>(
  { client, streamName }: At,
  chunk: readonly T[],
): Promise<readonly T[]> {
  const { Records } = await client.send(
    new PutRecordsCommand({
      StreamName: streamName,
      Records: chunk.map(({ partitionKey, data }) => ({ PartitionKey: partitionKey, Data: data })),
    }),
  )
  return chunk.filter((_, index) => Records?.[index]?.SequenceNumber === undefined)
}

async function* readRange(
  { client, streamName }: At,
  { shardId, startSequenceNumber, endSequenceNumber }: StreamRange,
): AsyncIterable<readonly KeptRecord[]> {
  const { ShardIterator } = await client.send(
    new GetShardIteratorCommand({
      StreamName: streamName,
      ShardId: shardId,
      ShardIteratorType: 'AT_SEQUENCE_NUMBER',
      StartingSequenceNumber: startSequenceNumber,
    }),
  )
  let iterator = ShardIterator
  while (iterator !== undefined) {
    const page = await client.send(
      new GetRecordsCommand({ ShardIterator: iterator, Limit: PAGE_RECORDS }),
    )
    const records = (page.Records ?? []).map((record) => keptRecord(shardId, record))
    const inRange = records.filter(({ sequenceNumber }) =>
      isUpTo(sequenceNumber, endSequenceNumber),
    )
    if (inRange.length > 0) yield inRange
    const isPast = inRange.length < records.length
    const isLast = records.at(-1)?.sequenceNumber === endSequenceNumber
    // An empty page alone means nothing; the tip does.
    const isTip = records.length === 0 && page.MillisBehindLatest === 0
    iterator = isPast || isLast || isTip ? undefined : page.NextShardIterator
  }
}

function keptRecord(shardId: string, record: _Record): KeptRecord {
  return {
    shardId,
    sequenceNumber: record.SequenceNumber ?? '0',
    arrivalMs: record.ApproximateArrivalTimestamp?.getTime() ?? 0,
    partitionKey: record.PartitionKey ?? '',
    data: record.Data ?? new Uint8Array(),
  }
}

/** Sequence numbers are decimal strings of any length (KINESIS-7). */
function isUpTo(sequenceNumber: string, end: string): boolean {
  return BigInt(sequenceNumber) <= BigInt(end)
}

function* chunksOf<T extends OutgoingRecord>(records: readonly T[]): Iterable<readonly T[]> {
  let chunk: T[] = []
  let bytes = 0
  for (const record of records) {
    const size = record.data.length + record.partitionKey.length
    if (chunk.length > 0 && (chunk.length >= CHUNK_RECORDS || bytes + size > CHUNK_BYTES)) {
      yield chunk
      chunk = []
      bytes = 0
    }
    chunk.push(record)
    bytes += size
  }
  if (chunk.length > 0) yield chunk
}
