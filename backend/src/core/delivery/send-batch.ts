import { metrics as names } from '../../contract.ts'
import type { DeviceTopic } from '../../protocol/index.ts'
import { addressMail, type Addressing, type Push } from '../fanout/fan-out.ts'
import { createAftermath } from '../dispatch/post-results.ts'
import { countReceipts } from '../dispatch/count-results.ts'
import { createNotices, type Notices } from '../dispatch/notices.ts'
import type { DeliverPorts } from './ports.ts'
import { postFrames } from '../dispatch/dispatch.ts'
import { createQuarantine, type Quarantine } from '../dispatch/circuit-breaker.ts'
import { createRights } from '../fanout/entitlement.ts'
import { createTempo, type Tempo } from '../dispatch/latency-estimate.ts'
import type { ViewMemory } from '../selection/view.ts'

/** What lives between batches in one execution environment, and may be lost at any time. */
export interface SendMemory {
  readonly views: ViewMemory
  readonly notices: Notices
  readonly quarantine: Quarantine
  readonly tempo: Tempo
}

export function createSendMemory(): SendMemory {
  return {
    views: new Map(),
    notices: createNotices(),
    quarantine: createQuarantine(),
    tempo: createTempo(),
  }
}

/** What a batch has for the sockets. */
interface Outgoing extends Pick<Addressing, 'news' | 'pushes' | 'startedMs'> {
  /** Epoch ms after which nothing new is begun. */
  readonly deadlineMs: number
}

/**
 * Looks who watches, sends everybody his part, and acts on what became of it. Throws when who watches could not be read: then nothing has
 * been sent.
 */
export async function sendBatch(
  { news, pushes, startedMs, deadlineMs }: Outgoing,
  ports: DeliverPorts,
  memory: SendMemory,
): Promise<void> {
  const { audiences, clock, metrics, log } = ports
  const topics = [...new Set([...news.map((device) => device.topic), ...pushes.flatMap(topicsOf)])]
  const issuers = [...new Set(pushes.flatMap(issuersOf))]
  const asOfMs = clock.now()
  const audience = await audiences.load(topics, issuers)
  metrics.count(names.subscriptionsRead, audience.rowsRead)
  const { views, notices, quarantine, tempo } = memory
  const nowMs = clock.now()
  const telling = ports.demand?.tell(topics, audience, asOfMs)
  const mails = addressMail({ news, pushes, audience, startedMs, nowMs, memory: views, notices })
  const rights = createRights({ audiences, clock, log, topics, issuers }, { audience, asOfMs })
  const aftermath = createAftermath({ notices, quarantine }, ports, deadlineMs)
  const receipts = await postFrames(mails, {
    posts: ports.posts,
    clock,
    rights,
    quarantine,
    tempo,
    deadlineMs,
    onReceipt: aftermath.take,
  })
  await Promise.all([aftermath.done(), telling])
  countReceipts(receipts, metrics)
}

function topicsOf(push: Push): readonly DeviceTopic[] {
  return push.to === 'watchers' ? [push.topic] : []
}

function issuersOf(push: Push): readonly string[] {
  return push.to === 'connections' ? push.connections.map(({ issuer }) => issuer) : []
}
