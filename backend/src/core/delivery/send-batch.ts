import { metrics as names } from '../../contract.ts'
import type { DeviceTopic } from '../../protocol/index.ts'
import { createCircuitBreakers, type CircuitBreakers } from '../dispatch/circuit-breaker.ts'
import { dispatch } from '../dispatch/dispatch.ts'
import { createLatencyEstimate, type LatencyEstimate } from '../dispatch/latency-estimate.ts'
import { createNotices, type Notices } from '../dispatch/notices.ts'
import { createPostResults } from '../dispatch/post-results.ts'
import { createBacklog, type Backlog } from '../fanout/backlog.ts'
import { createEntitlementCheck } from '../fanout/entitlement.ts'
import { fanOut, type FanOut } from '../fanout/fan-out.ts'
import type { Push } from '../fanout/outbound-messages.ts'
import type { ViewMemory } from '../fanout/render-view.ts'
import type { DeliverPorts } from './ports.ts'

/** What lives between batches in one execution environment, and may be lost at any time. */
export interface SendMemory {
  readonly views: ViewMemory
  readonly notices: Notices
  readonly breakers: CircuitBreakers
  readonly latency: LatencyEstimate
  readonly backlog: Backlog
}

export function createSendMemory(): SendMemory {
  return {
    views: new Map(),
    notices: createNotices(),
    breakers: createCircuitBreakers(),
    latency: createLatencyEstimate(),
    backlog: createBacklog(),
  }
}

/** What a batch has for the sockets. */
interface Outgoing extends Pick<FanOut, 'kept' | 'pushes' | 'startedMs'> {
  /** How long ago the batch's last record came into the stream, in ms. */
  readonly ageMs: number
  /** Epoch ms after which nothing new is begun. */
  readonly deadlineMs: number
}

/**
 * Looks who watches, sends everybody his part, and acts on what became of it. Throws when who watches could not be read: then nothing has
 * been sent.
 */
export async function sendBatch(
  { kept, pushes, startedMs, ageMs, deadlineMs }: Outgoing,
  ports: DeliverPorts,
  memory: SendMemory,
): Promise<void> {
  const { audiences, clock, metrics, log, posts } = ports
  const topics = [...new Set([...kept.map((device) => device.topic), ...pushes.flatMap(topicsOf)])]
  const issuers = [...new Set(pushes.flatMap(issuersOf))]
  const asOfMs = clock.now()
  const audience = await audiences.load(topics, issuers)
  metrics.count(names.subscriptionsRead, audience.rowsRead)
  const { views, notices, breakers, latency, backlog } = memory
  const announced = ports.subscriberCounts?.announce(topics, audience, asOfMs)
  const nowMs = clock.now()
  const { outbound, shed } = fanOut({
    ...{ kept, pushes, audience, startedMs, nowMs, backlog },
    isBehind: backlog.isBehind(ageMs),
    memory: views,
    noticesFor: (connectionId, pace) => notices.take(connectionId, pace),
  })
  if (shed > 0) metrics.count(names.readingsShed, shed)
  const entitlement = createEntitlementCheck(
    { audiences, clock, log, topics, issuers },
    { audience, asOfMs },
  )
  const results = createPostResults({ notices, breakers }, ports, deadlineMs)
  await dispatch(outbound, {
    ...{ posts, clock, entitlement, breakers, latency, deadlineMs },
    onResult: (result) => {
      results.add(result)
    },
  })
  await Promise.all([results.finish(), announced])
}

function topicsOf(push: Push): readonly DeviceTopic[] {
  return push.to === 'watchers' ? [push.topic] : []
}

function issuersOf(push: Push): readonly string[] {
  return push.to === 'connections' ? push.connections.map(({ issuer }) => issuer) : []
}
