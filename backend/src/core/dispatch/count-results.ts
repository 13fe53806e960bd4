import { metrics as names } from '../../contract.ts'
import type { MetricSink } from '../telemetry-sink.ts'
import type { Frame } from '../blocks/frames.ts'
import type { PostOutcome } from './ports.ts'
import type { DispatchResult } from './send-messages.ts'

const outcomeMetrics = {
  ok: names.postsOk,
  gone: names.postsGone,
  throttled: names.postsThrottled,
  slow: names.postsSlow,
  failed: names.postsFailed,
  forbidden: names.postsForbidden,
} as const satisfies Record<PostOutcome, string>

/** What became of a batch's posts, as counts. */
export interface ResultCounts {
  add(result: DispatchResult): void
  emit(metrics: MetricSink): void
}

export function createResultCounts(): ResultCounts {
  /** Readings accepted by the gateway, by whole milliseconds since the broker took them. */
  const latencies = new Map<number, number>()
  const totals = new Map<PostOutcome, number>()
  let delivered = 0
  let shed = 0
  return {
    add(result) {
      for (const [outcome, count] of Object.entries(result.posts) as [PostOutcome, number][]) {
        totals.set(outcome, (totals.get(outcome) ?? 0) + count)
      }
      for (const { frame, acceptedMs } of result.delivered) {
        for (const { body } of frame.entries) {
          delivered += body.readings
          for (const brokerMs of body.brokerMs) {
            const ms = Math.max(0, acceptedMs - brokerMs)
            latencies.set(ms, (latencies.get(ms) ?? 0) + 1)
          }
        }
      }
      shed += result.unsent.reduce((sum, frame) => sum + readingsOf(frame), 0)
    },
    emit(metrics) {
      for (const [outcome, count] of totals)
        if (count > 0) metrics.count(outcomeMetrics[outcome], count)
      if (delivered > 0) metrics.count(names.readingsDelivered, delivered)
      if (shed > 0) metrics.count(names.readingsShed, shed)
      metrics.durations(names.deliveryLatency, latencies)
    },
  }
}

function readingsOf({ entries }: Frame): number {
  return entries.reduce((sum, { body }) => sum + body.readings, 0)
}
