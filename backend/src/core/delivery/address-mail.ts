import { isEntitled, type DeviceTopic } from '../../protocol/index.ts'
import type { SubscriptionRow } from '../subscriptions/ports.ts'
import { packFrames, serializeBlock, type BlockBody, type Entry } from './frames.ts'
import type { Notices } from './notices.ts'
import type { DeviceNews } from './ingest.ts'
import type { Audience } from './ports.ts'
import type { Mail } from './post-frames.ts'
import { renderView, viewKey, type View, type ViewMemory } from './view.ts'
import { arrivalOf, type Block } from '../../protocol/index.ts'
import { lastPosition } from '../history/device-block.ts'

/** A message that is not readings. */
export type Push =
  | { readonly to: 'watchers'; readonly topic: DeviceTopic; readonly message: string }
  | {
      readonly to: 'connections'
      readonly connectionIds: readonly string[]
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

export interface Addressed {
  readonly mails: readonly Mail[]
  /** Epoch ms; when each connection was opened, for the grace of new ones. */
  readonly connectedAt: ReadonlyMap<string, number>
  readonly rowsRead: number
}

interface Basket {
  readonly entries: Entry[]
  readonly messages: string[]
}

/** Who gets what of a batch: entitled, unexpired, unrevoked owners only; each view of a device is rendered and serialized once. */
export function addressMail(addressing: Addressing): Addressed {
  const baskets = new Map<string, Basket>()
  const connectedAt = new Map<string, number>()
  let rowsRead = 0
  const basketOf = (connectionId: string): Basket => {
    const basket = baskets.get(connectionId) ?? { entries: [], messages: [] }
    baskets.set(connectionId, basket)
    return basket
  }
  const rowsOf = (topic: DeviceTopic): readonly SubscriptionRow[] => {
    const rows = addressing.audience.rowsFor(topic)
    rowsRead += rows.length
    const allowed = latestOfEach(rows.filter((row) => maySee(row, topic, addressing)))
    for (const row of allowed) connectedAt.set(row.connectionId, row.connectedAt)
    return allowed
  }
  for (const device of addressing.news) {
    const bodies = renderer(device, addressing)
    for (const row of rowsOf(device.topic)) {
      const isSlow = addressing.audience.pace(row.connectionId) === 'slow'
      const view: View = isSlow && row.mode === 'complete' ? { ...row, isSlow } : row
      for (const body of bodies(view)) {
        basketOf(row.connectionId).entries.push({ sid: row.sid, topic: device.topic, body })
      }
    }
  }
  for (const push of addressing.pushes) {
    const to = push.to === 'connections' ? push.connectionIds : connectionsOf(rowsOf(push.topic))
    for (const connectionId of new Set(to)) basketOf(connectionId).messages.push(push.message)
  }
  const mails = [...baskets].map(([connectionId, { entries, messages }]) => ({
    connectionId,
    messages: [
      ...addressing.notices.take(connectionId, addressing.audience.pace(connectionId)),
      ...messages,
    ],
    frames: packFrames(entries),
  }))
  return { mails, connectedAt, rowsRead }
}

function maySee(
  row: SubscriptionRow,
  topic: DeviceTopic,
  { audience, nowMs }: Addressing,
): boolean {
  if (row.expiresAt * 1_000 <= nowMs || audience.isRevoked(row)) return false
  return isEntitled(row.grants, topic)
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
        device.newest?.brokerMs,
      ),
    )
    cache.set(key, bodies)
    return bodies
  }
}

/** Where the time of the batch's last reading went; not for what was read again from the history. */
function hopsOf(
  block: Block,
  { newest, blocks }: DeviceNews,
  startedMs: number,
  nowMs: number,
): { hops?: readonly number[] } {
  const last = blocks.at(-1)
  if (!newest || !last || block.position !== lastPosition(last)) return {}
  const arrivalMs = arrivalOf(newest.position)
  const deviceMs = newest.quality === null ? newest.brokerMs - newest.ts : 0
  const hops = [deviceMs, arrivalMs - newest.brokerMs, startedMs - arrivalMs, nowMs - startedMs]
  return { hops: hops.map((ms) => Math.max(0, Math.round(ms))) }
}

function connectionsOf(rows: readonly SubscriptionRow[]): readonly string[] {
  return rows.map((row) => row.connectionId)
}
