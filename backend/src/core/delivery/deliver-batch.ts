import { metrics as names } from '../../contract.ts'
import type { DeviceTopic, Presence } from '../../protocol/index.ts'
import { applyPresence, unknownHead } from '../history/device-head.ts'
import { laneOf } from '../history/lanes.ts'
import {
  decodeRecord,
  type Decoded,
  type PresenceEvent,
  type Reject,
  type ResultEvent,
  type StreamItem,
} from '../telemetry/decode-record.ts'
import type { StreamReading } from '../telemetry/reading.ts'
import { ingest } from './ingest.ts'
import { addressMail, type Push } from './address-mail.ts'
import { createNotices, type Notices } from './notices.ts'
import { postFrames } from './post-frames.ts'
import type { DeliverPorts } from './ports.ts'
import { settleReceipts } from './settle-receipts.ts'
import type { ViewMemory } from './view.ts'

export interface Batch {
  /** All of one shard (aws-behaviour K12), in stream order. */
  readonly items: readonly StreamItem[]
  /** Epoch ms after which nothing new is begun. */
  readonly deadlineMs: number
}

/** What lives between batches in one execution environment, and may be lost at any time. */
interface Memory {
  readonly views: ViewMemory
  readonly notices: Notices
}

/** The fan-out, with the memory that its views keep between batches. */
export function createDeliver(ports: DeliverPorts): (batch: Batch) => Promise<void> {
  const memory: Memory = { views: new Map(), notices: createNotices() }
  return (batch) => deliverBatch(batch, ports, memory)
}

/**
 * The fan-out of one batch: validate, keep, match, send. Order matters (docs/architecture.md): history, heads, then the look at who
 * watches, so that a subscriber either is seen here or finds everything in his history answer.
 *
 * Throws only when the batch could not be kept (the stream gives it again); what cannot be sent is left to resume.
 */
async function deliverBatch(
  batch: Batch,
  ports: DeliverPorts,
  { views, notices }: Memory,
): Promise<void> {
  const startedMs = ports.clock.now()
  const shardId = batch.items[0]?.shardId
  if (shardId === undefined) return
  const { readings, rejects, presence, results } = sort(batch.items.map(decodeRecord))
  const [{ news, duplicates }] = await Promise.all([
    ingest(shardId, readings, ports),
    ports.rejects.write(rejects),
  ])
  const pushes: readonly Push[] = [
    ...(await keepPresence(shardId, presence, ports)),
    ...(await applyResults(results, ports)),
  ]
  countBatch(ports, { readings, rejects, duplicates })
  const topics = [...news.map((device) => device.topic), ...pushes.flatMap(topicOf)]
  if (topics.length === 0 && pushes.length === 0) return
  const audience = await ports.audiences.load(topics)
  const nowMs = ports.clock.now()
  const addressing = { news, pushes, audience, startedMs, nowMs, memory: views, notices }
  const { mails, connectedAt, rowsRead } = addressMail(addressing)
  ports.metrics.count(names.subscriptionsRead, rowsRead)
  const receipts = await postFrames(mails, ports, batch.deadlineMs)
  await settleReceipts(receipts, { connectedAt, notices }, ports)
}

interface Sorted {
  readonly readings: StreamReading[]
  readonly rejects: Reject[]
  readonly presence: PresenceEvent[]
  readonly results: ResultEvent[]
}

function sort(records: readonly Decoded[]): Sorted {
  const sorted: Sorted = { readings: [], rejects: [], presence: [], results: [] }
  for (const record of records) {
    if (record.kind === 'telemetry') sorted.readings.push(...record.readings)
    else if (record.kind === 'presence') sorted.presence.push(record.event)
    else if (record.kind === 'result') sorted.results.push(record.event)
    else sorted.rejects.push(record.reject)
  }
  return sorted
}

/** Puts presence into the heads of the client's devices; what changed is pushed. A client that never sent telemetry has no device. */
async function keepPresence(
  shardId: string,
  events: readonly PresenceEvent[],
  { history }: DeliverPorts,
): Promise<readonly Push[]> {
  const pushes: Push[] = []
  for (const event of events) {
    for (const topic of await history.devicesOf(event.clientId)) {
      const lane = laneOf(topic)
      const heads = new Map((await history.headsOf(shardId, [lane])).get(lane))
      const head = applyPresence(heads.get(topic) ?? unknownHead(event.clientId), event)
      if (!head) continue
      await history.writeHeads(shardId, new Map([[lane, heads.set(topic, head)]]))
      pushes.push({ to: 'watchers', topic, message: JSON.stringify(presenceOf(topic, event)) })
    }
  }
  return pushes
}

function presenceOf(topic: DeviceTopic, { online, atMs, reason }: PresenceEvent): Presence {
  return { type: 'presence', topic, online, at: atMs, ...(reason === undefined ? {} : { reason }) }
}

async function applyResults(
  events: readonly ResultEvent[],
  { results }: DeliverPorts,
): Promise<readonly Push[]> {
  const pushes: Push[] = []
  for (const event of events) {
    const change = await results.apply(event)
    if (!change) continue
    const message = JSON.stringify(change.update)
    pushes.push({ to: 'connections', connectionIds: change.connectionIds, message })
  }
  return pushes
}

function topicOf(push: Push): readonly DeviceTopic[] {
  return push.to === 'watchers' ? [push.topic] : []
}

function countBatch(
  { metrics, log }: DeliverPorts,
  found: { readings: readonly unknown[]; rejects: readonly Reject[]; duplicates: number },
): void {
  metrics.count(names.heartbeat)
  metrics.count(names.readingsReceived, found.readings.length)
  if (found.duplicates > 0) metrics.count(names.readingsDuplicate, found.duplicates)
  if (found.rejects.length === 0) return
  metrics.count(names.readingsRejected, found.rejects.length)
  const [first] = found.rejects
  log.warn('records rejected', {
    count: found.rejects.length,
    firstReason: first?.reason ?? '',
    firstTopic: first?.topic ?? '',
  })
}
