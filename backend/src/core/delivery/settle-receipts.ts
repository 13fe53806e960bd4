import { metrics as names } from '../../contract.ts'
import type { Frame } from './frames.ts'
import type { Notices } from './notices.ts'
import type { DeliverPorts, PostOutcome } from './ports.ts'
import type { Receipt } from './post-frames.ts'

/** A socket younger than this may be `gone` only because its handshake is not over (aws-behaviour M12, reliability P10). */
const GRACE_MS = 10_000
/** How long a connection gets single readings after it was throttled for the last time. */
const QUIET_MS = 10_000

const outcomeMetrics = {
  ok: names.postsOk,
  gone: names.postsGone,
  throttled: names.postsThrottled,
  slow: names.postsSlow,
  failed: names.postsFailed,
  forbidden: names.postsForbidden,
} as const satisfies Record<PostOutcome, string>

interface Known {
  /** Epoch ms, by connection. */
  readonly connectedAt: ReadonlyMap<string, number>
  readonly notices: Notices
}

/** Counts what became of a batch's posts and acts on it: gone connections go, throttled ones get less, a refused role is shouted about. */
export async function settleReceipts(
  receipts: readonly Receipt[],
  { connectedAt, notices }: Known,
  ports: DeliverPorts,
): Promise<void> {
  countReceipts(receipts, ports)
  const nowMs = ports.clock.now()
  for (const receipt of receipts) {
    const { connectionId, outcome } = receipt
    const gaps = notices.note(receipt)
    if (gaps > 0) ports.metrics.count(names.gapNotices, gaps)
    const ageMs = nowMs - (connectedAt.get(connectionId) ?? 0)
    if (outcome === 'gone' && ageMs >= GRACE_MS) await ports.removeConnection(connectionId)
  }
  const throttled = receipts.filter(({ outcome }) => outcome === 'throttled')
  await Promise.all(
    throttled.map(({ connectionId }) => ports.audiences.slowDown(connectionId, nowMs + QUIET_MS)),
  )
  const forbidden = receipts.find(({ outcome }) => outcome === 'forbidden')
  if (forbidden) {
    // Our role or the endpoint's stage is wrong: nobody gets anything, and no row is to blame (reliability F35).
    ports.log.error('posts to connections are forbidden: check the role and the endpoint', {
      connectionId: forbidden.connectionId,
    })
  }
}

function countReceipts(receipts: readonly Receipt[], { metrics }: DeliverPorts): void {
  const latencies: number[] = []
  const totals = new Map<PostOutcome, number>()
  let delivered = 0
  let shed = 0
  for (const receipt of receipts) {
    for (const [outcome, count] of Object.entries(receipt.posts) as [PostOutcome, number][]) {
      totals.set(outcome, (totals.get(outcome) ?? 0) + count)
    }
    for (const { frame, acceptedMs } of receipt.delivered) {
      for (const { body } of frame.entries) {
        delivered += body.readings
        if (body.brokerMs !== undefined) latencies.push(Math.max(0, acceptedMs - body.brokerMs))
      }
    }
    shed += receipt.unsent.reduce((sum, frame) => sum + readingsOf(frame), 0)
  }
  for (const [outcome, count] of totals)
    if (count > 0) metrics.count(outcomeMetrics[outcome], count)
  if (delivered > 0) metrics.count(names.readingsDelivered, delivered)
  if (shed > 0) metrics.count(names.readingsShed, shed)
  metrics.durations(names.deliveryLatency, latencies)
}

function readingsOf({ entries }: Frame): number {
  return entries.reduce((sum, { body }) => sum + body.readings, 0)
}
