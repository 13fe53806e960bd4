import { arrivalOf, comparePositions, type Block, type DeviceTopic } from '../../protocol/index.ts'
import type { Connection } from '../connections/ports.ts'
import { lastPosition } from '../blocks/device-block.ts'
import type { SubscriptionRow } from '../subscriptions/ports.ts'
import type { StreamReading } from '../telemetry/reading.ts'
import { packFrames, serializeBlock, type BlockBody, type Entry } from '../blocks/frames.ts'
import type { Notices } from '../dispatch/notices.ts'
import type { DeviceNews } from '../ingest/keep-readings.ts'
import type { Audience } from '../delivery/ports.ts'
import { mayAct, maySee, type Claim } from './entitlement.ts'
import type { Mail } from '../dispatch/send-messages.ts'
import { renderView, viewKey, type View, type ViewMemory } from '../selection/view.ts'

/** A message that is not readings. */
export type Push =
  | { readonly to: 'watchers'; readonly topic: DeviceTopic; readonly message: string }
  | {
      readonly to: 'connections'
      readonly connections: readonly Connection[]
      readonly message: string
    }

export interface Addressing {
  readonly news: readonly DeviceNews[]
  readonly pushes: readonly Push[]
  readonly audience: Audience
  /** Epoch ms at which the batch began. */
  readonly startedMs: number
  /** Epoch ms. */
  readonly nowMs: number
  readonly memory: ViewMemory
  readonly notices: Notices
}

interface Basket {
  connectedAt: number | undefined
  readonly claims: Claim[]
  readonly entries: Entry[]
  readonly messages: string[]
}

/** Who gets what of a batch: entitled, unexpired, unrevoked owners only; each view of a device is rendered and serialized once. */
export function addressMail(addressing: Addressing): readonly Mail[] {
  const { news, pushes, audience, notices, nowMs } = addressing
  const baskets = new Map<string, Basket>()
  const basketOf = (connectionId: string, connectedAt: number): Basket => {
    const known = baskets.get(connectionId)
    const basket = known ?? { connectedAt, claims: [], entries: [], messages: [] }
    baskets.set(connectionId, basket)
    return basket
  }
  const rowsOf = (topic: DeviceTopic): readonly SubscriptionRow[] =>
    latestOfEach(audience.rowsFor(topic).filter((row) => maySee({ row, topic }, audience, nowMs)))
  for (const { topic, ...device } of news) {
    const bodies = renderer({ topic, ...device }, addressing)
    for (const row of rowsOf(topic)) {
      const isSlow = audience.pace(row.connectionId) === 'slow'
      const view: View = isSlow && row.mode === 'complete' ? { ...row, isSlow } : row
      const entries = bodies(view).map((body) => ({ sid: row.sid, topic, body }))
      if (entries.length === 0) continue
      const basket = basketOf(row.connectionId, row.connectedAt)
      basket.claims.push({ row, topic })
      basket.entries.push(...entries)
    }
  }
  for (const push of pushes) {
    for (const [connectionId, { connectedAt, claim }] of receiversOf(push, rowsOf, addressing)) {
      const basket = basketOf(connectionId, connectedAt)
      basket.claims.push(claim)
      basket.messages.push(push.message)
    }
  }
  return [...baskets].map(([connectionId, { connectedAt, claims, entries, messages }]) => ({
    connectionId,
    connectedAt,
    claims,
    messages: [...notices.take(connectionId, audience.pace(connectionId)), ...messages],
    frames: packFrames(entries),
  }))
}

/** Each connection once. */
function receiversOf(
  push: Push,
  rowsOf: (topic: DeviceTopic) => readonly SubscriptionRow[],
  { audience, nowMs }: Addressing,
): ReadonlyMap<string, { readonly connectedAt: number; readonly claim: Claim }> {
  if (push.to === 'watchers') {
    const { topic } = push
    return new Map(
      rowsOf(topic).map((row) => [
        row.connectionId,
        { connectedAt: row.connectedAt, claim: { row, topic } },
      ]),
    )
  }
  return new Map(
    push.connections
      .filter((owner) => mayAct(owner, audience, nowMs))
      .map((owner) => [owner.connectionId, { connectedAt: owner.connectedAt, claim: { owner } }]),
  )
}

/** While a subscription is being replaced both rows may stand: the later message holds. */
function latestOfEach(rows: readonly SubscriptionRow[]): readonly SubscriptionRow[] {
  const newest = new Map<string, SubscriptionRow>()
  for (const row of rows) {
    const id = `${row.connectionId}|${row.sid}`
    const known = newest.get(id)
    if (!known || known.messageId < row.messageId) newest.set(id, row)
  }
  return [...newest.values()]
}

/** The serialized blocks of one device in a view; equal views share them. */
function renderer(
  device: DeviceNews,
  { memory, startedMs, nowMs }: Addressing,
): (view: View) => readonly BlockBody[] {
  const cache = new Map<string, readonly BlockBody[]>()
  return (view) => {
    const key = viewKey(view)
    const known = cache.get(key)
    if (known) return known
    const blocks = renderView(view, device.blocks, { memory, nowMs })
    const bodies = blocks.map((block) =>
      serializeBlock(
        { ...block, ...hopsOf(block, device, startedMs, nowMs) },
        brokerTimes(block, device.fresh),
      ),
    )
    cache.set(key, bodies)
    return bodies
  }
}

/** When the broker took the block's readings; of a thinned block the newest ones. */
function brokerTimes({ prev, position, ts }: Block, fresh: readonly StreamReading[]): number[] {
  const covered = fresh.filter(
    (reading) =>
      comparePositions(reading.position, position) <= 0 &&
      (prev === null || comparePositions(reading.position, prev) > 0),
  )
  return ts.length === 0 ? [] : covered.slice(-ts.length).map(({ brokerMs }) => brokerMs)
}

/** Where the time of the batch's last reading went; not for what was read again from the history. */
function hopsOf(
  block: Block,
  { fresh, blocks }: DeviceNews,
  startedMs: number,
  nowMs: number,
): { hops?: readonly number[] } {
  const newest = fresh.at(-1)
  const last = blocks.at(-1)
  if (!newest || !last || block.position !== lastPosition(last)) return {}
  const arrivalMs = arrivalOf(newest.position)
  const deviceMs = newest.quality === null ? newest.brokerMs - newest.ts : 0
  const hops = [deviceMs, arrivalMs - newest.brokerMs, startedMs - arrivalMs, nowMs - startedMs]
  return { hops: hops.map((ms) => Math.max(0, Math.round(ms))) }
}
