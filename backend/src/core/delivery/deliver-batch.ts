import type { DeviceTopic, Refusals } from '../../protocol/index.ts'
import {
  decodeRecord,
  type Decoded,
  type PresenceEvent,
  type Reject,
  type ResultEvent,
  type StreamItem,
} from '../telemetry/decode-record.ts'
import type { Push } from '../fanout/outbound-messages.ts'
import type { StreamReading } from '../telemetry/reading.ts'
import { keepReadings } from '../ingest/keep-readings.ts'
import { applyResults } from './command-pushes.ts'
import { countBatch, type Finding } from '../ingest/count-batch.ts'
import type { DeliverPorts } from './ports.ts'
import { keepPresence, type KeptPresence } from '../ingest/keep-presence.ts'
import { awaitAll } from '../run-pool.ts'
import { createSendMemory, sendBatch, type SendMemory } from './send-batch.ts'

export interface Batch {
  /** All of one shard (KINESIS-12), in stream order. */
  readonly items: readonly StreamItem[]
  /** Epoch ms after which nothing new is begun. */
  readonly deadlineMs: number
  /** How long ago the last record came into the stream, in ms. */
  readonly ageMs: number
}

/** The fan-out, with what it remembers between batches; all of that may be lost at any time. */
export function createDeliver(ports: DeliverPorts): (batch: Batch) => Promise<void> {
  const memory = createSendMemory()
  return async (batch) => {
    try {
      await deliverBatch(batch, ports, memory)
    } catch (error) {
      const { shardId = '', sequenceNumber = '' } = batch.items[0] ?? {}
      const facts = { shardId, firstSequenceNumber: sequenceNumber, records: batch.items.length }
      ports.log.error('the batch failed, the stream gives it again', facts, error)
      throw error
    }
  }
}

/**
 * The fan-out of one batch: validate, keep, match, send. Order matters (docs/architecture.md): history, heads, then the look at who
 * watches, so that a subscriber either is seen here or finds everything in his history answer.
 *
 * Throws only when the batch could not be kept (the stream gives it again); what cannot be sent is left to resume.
 */
async function deliverBatch(batch: Batch, ports: DeliverPorts, memory: SendMemory): Promise<void> {
  const startedMs = ports.clock.now()
  const shardId = batch.items[0]?.shardId
  if (shardId === undefined) return
  const sorted = sort(batch.items.map(decodeRecord))
  const { rejects, presence, results } = sorted
  const [readingsKept] = await awaitAll([
    keepReadings(shardId, sorted, ports),
    ports.rejects.write(rejects),
  ])
  const pushes = [
    ...(await keepPresence(shardId, presence, ports)).map(pushOf),
    ...readingsKept.refusals.map(pushOf),
    ...(await applyResults(results, ports)),
  ]
  countBatch({ ...sorted, ...readingsKept }, ports)
  const { kept } = readingsKept
  if (kept.length === 0 && pushes.length === 0) return
  const { deadlineMs, ageMs } = batch
  await sendBatch({ kept, pushes, startedMs, ageMs, deadlineMs }, ports, memory)
}

function pushOf(news: KeptPresence | Refusals): Push {
  return { to: 'watchers', topic: news.topic as DeviceTopic, message: JSON.stringify(news) }
}

interface Sorted {
  readonly readings: StreamReading[]
  readonly misnamed: Finding
  readonly rejects: Reject[]
  readonly presence: PresenceEvent[]
  readonly results: ResultEvent[]
}

function sort(records: readonly Decoded[]): Sorted {
  const misnamed = { count: 0, firstTopic: '' }
  const sorted: Sorted = { readings: [], misnamed, rejects: [], presence: [], results: [] }
  for (const record of records) {
    if (record.kind === 'telemetry') {
      sorted.readings.push(...record.readings)
      if (record.misnamed > 0) misnamed.firstTopic ||= record.readings[0]?.topic ?? ''
      misnamed.count += record.misnamed
      if (record.reject) sorted.rejects.push(record.reject)
    } else if (record.kind === 'presence') sorted.presence.push(record.event)
    else if (record.kind === 'result') sorted.results.push(record.event)
    else sorted.rejects.push(record.reject)
  }
  return sorted
}
