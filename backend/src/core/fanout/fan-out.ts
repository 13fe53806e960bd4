import {
  arrivalOf,
  comparePositions,
  type Block,
  type DeviceTopic,
  type GapNotice,
} from '../../protocol/index.ts'
import { lastPosition, type DeviceBlock } from '../blocks/device-block.ts'
import type { SubscriptionRow } from '../subscriptions/ports.ts'
import type { StreamReading } from '../telemetry/reading.ts'
import { packFrames, serializeBlock, type BlockBody, type Entry } from '../blocks/frames.ts'
import type { KeptDevice } from '../ingest/keep-readings.ts'
import type { Backlog } from './backlog.ts'
import type { Audience, Pace } from './ports.ts'
import { mayAct, maySee, type Entitlement } from './entitlement.ts'
import type { OutboundMessages, Push } from './outbound-messages.ts'
import { viewKey, type View } from '../selection/view.ts'
import { renderView, type ViewMemory } from './render-view.ts'

export interface FanOut {
  /** What the batch brought, kept. */
  readonly kept: readonly KeptDevice[]
  readonly pushes: readonly Push[]
  readonly audience: Audience
  /** Epoch ms at which the batch began. */
  readonly startedMs: number
  /** Epoch ms. */
  readonly nowMs: number
  readonly memory: ViewMemory
  /** Whether the batch is old: complete subscriptions then get single readings, the newest, and find the others by a resume. */
  readonly isBehind: boolean
  readonly backlog: Pick<Backlog, 'tellsFirst'>
  /** What a connection has not been told yet, as JSON text. */
  readonly noticesFor: (connectionId: string, pace: Pace) => readonly string[]
}

/** Of one connection in a batch. */
const SHED_NOTICES = 3

export interface FannedOut {
  readonly outbound: readonly OutboundMessages[]
  /** Readings that subscriptions asked for and do not get, because the batch is old. */
  readonly shed: number
}

/** What has been found for a connection so far. */
interface Draft {
  readonly connectedAt: number
  readonly entitlements: Entitlement[]
  readonly entries: Entry[]
  readonly messages: string[]
}

/** Who gets what of a batch: entitled, unexpired, unrevoked owners only; each view of a device is rendered and serialized once. */
export function fanOut(batch: FanOut): FannedOut {
  const { kept, pushes, audience, noticesFor, nowMs, isBehind } = batch
  let shed = 0
  const drafts = new Map<string, Draft>()
  const draftOf = (connectionId: string, connectedAt: number): Draft => {
    const known = drafts.get(connectionId)
    const draft = known ?? { connectedAt, entitlements: [], entries: [], messages: [] }
    drafts.set(connectionId, draft)
    return draft
  }
  const rowsOf = (topic: DeviceTopic): readonly SubscriptionRow[] =>
    latestOfEach(audience.rowsFor(topic).filter((row) => maySee({ row, topic }, audience, nowMs)))
  for (const { topic, ...device } of kept) {
    const bodies = renderer({ topic, ...device }, batch)
    for (const row of rowsOf(topic)) {
      const isSingle =
        row.mode === 'complete' && (isBehind || audience.pace(row.connectionId) === 'slow')
      const entries = bodies(isSingle ? singleView(row) : row).map((body) => ({
        sid: row.sid,
        topic,
        body,
      }))
      if (isBehind && isSingle) shed += readingsIn(device.blocks) - sentIn(entries)
      if (entries.length === 0) continue
      const draft = draftOf(row.connectionId, row.connectedAt)
      if (isBehind && isSingle) tellShed(draft, row, topic, batch)
      draft.entitlements.push({ row, topic })
      draft.entries.push(...entries)
    }
  }
  for (const push of pushes) {
    for (const [connectionId, { connectedAt, entitlement }] of receiversOf(push, rowsOf, batch)) {
      const draft = draftOf(connectionId, connectedAt)
      draft.entitlements.push(entitlement)
      draft.messages.push(push.message)
    }
  }
  const outbound = [...drafts].map(
    ([connectionId, { connectedAt, entitlements, entries, messages }]) => ({
      connectionId,
      connectedAt,
      entitlements,
      messages: [...noticesFor(connectionId, audience.pace(connectionId)), ...messages],
      frames: packFrames(entries),
    }),
  )
  return { outbound, shed }
}

const singleViews = new WeakMap<SubscriptionRow, View>()

/** The same object for the same row, so that its key is made once ({@link viewKey}). */
function singleView(row: SubscriptionRow): View {
  const known = singleViews.get(row)
  if (known) return known
  const view: View = { ...row, isSlow: true }
  singleViews.set(row, view)
  return view
}

/** Says once of a subscription that readings are left out, a few subscriptions a batch: each notice is a post. */
function tellShed(
  draft: Draft,
  { connectionId, sid }: SubscriptionRow,
  topic: DeviceTopic,
  { backlog }: FanOut,
): void {
  if (draft.messages.length >= SHED_NOTICES) return
  if (!backlog.tellsFirst(connectionId, sid, topic)) return
  const notice: GapNotice = { type: 'gap', sid, topic, reason: 'shed' }
  draft.messages.push(JSON.stringify(notice))
}

function readingsIn(blocks: readonly DeviceBlock[]): number {
  return blocks.reduce((sum, block) => sum + block.ts.length, 0)
}

function sentIn(entries: readonly Entry[]): number {
  return entries.reduce((sum, { body }) => sum + body.readings, 0)
}

/** Each connection once. */
function receiversOf(
  push: Push,
  rowsOf: (topic: DeviceTopic) => readonly SubscriptionRow[],
  { audience, nowMs }: FanOut,
): ReadonlyMap<string, { readonly connectedAt: number; readonly entitlement: Entitlement }> {
  if (push.to === 'watchers') {
    const { topic } = push
    return new Map(
      rowsOf(topic).map((row) => [
        row.connectionId,
        { connectedAt: row.connectedAt, entitlement: { row, topic } },
      ]),
    )
  }
  return new Map(
    push.connections
      .filter((owner) => mayAct(owner, audience, nowMs))
      .map((owner) => [
        owner.connectionId,
        { connectedAt: owner.connectedAt, entitlement: { owner } },
      ]),
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
  device: KeptDevice,
  { memory, startedMs, nowMs }: FanOut,
): (view: View) => readonly BlockBody[] {
  const cache = new Map<string, readonly BlockBody[]>()
  return (view) => {
    const key = viewKey(view)
    const known = cache.get(key)
    if (known) return known
    const blocks = renderView(view, device.blocks, { memory, nowMs, everyMs: device.everyMs })
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
  { fresh, blocks }: KeptDevice,
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
