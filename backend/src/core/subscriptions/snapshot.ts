import {
  arrivalOf,
  comparePositions,
  earliestPosition,
  isEntitled,
  parseTopicFilter,
  topicMatches,
  type Block,
  type DeviceState,
  type DeviceTopic,
  type Position,
  type Refusals,
  type Subscription,
  type SubscriptionResult,
} from '../../protocol/index.ts'
import type { DeviceHead } from '../history/device-head.ts'
import { presenceOf } from '../history/publishers.ts'
import type { RefusalRecord } from '../history/refusals.ts'
import type { HistoryReader, LaneHeads } from '../history/ports.ts'
import { fillPage, isBehind, type Budget, type Hole, type Page } from '../history/page.ts'
import { thinBlocks } from '../history/thin.ts'
import { walkBlocks } from '../history/walk.ts'
import type { DeviceBlock } from '../blocks/device-block.ts'
import type { SubscriptionRow } from './ports.ts'

type Accepted = Extract<SubscriptionResult, { ok: true }>
type Lost = NonNullable<Accepted['lost']>

/** A subscription that was just written, and what its client asked to be told at once. */
export interface Wanted {
  readonly row: SubscriptionRow
  readonly since: Subscription['since']
  readonly window: Subscription['window']
  readonly statesAfter: Subscription['statesAfter']
}

export interface Snapshot {
  readonly result: Accepted
  readonly blocks: readonly Block[]
  readonly states: readonly DeviceState[]
  readonly refusals: readonly Refusals[]
}

export interface SnapshotPorts {
  readonly history: HistoryReader
  readonly heads: LaneHeads
  readonly budget: Budget
  /** Bytes that device states may still take. */
  readonly statesBudget: Budget
  /** Epoch ms. */
  readonly nowMs: number
}

/** What a new subscription is answered with: device states, or the readings since a position, or a window of the last ones. */
export async function takeSnapshot(wanted: Wanted, ports: SnapshotPorts): Promise<Snapshot> {
  if (wanted.row.mode === 'latest') return statesOf(wanted, ports)
  const head = ports.heads.get(wanted.row.topic as DeviceTopic)?.position ?? null
  const { since, window } = wanted
  if (since === undefined) {
    if (!window) return answer(wanted, { head, recovered: true })
    return windowOf(wanted, window, { ports, head })
  }
  if (head === null || comparePositions(since, head) > 0) {
    return notResumable(wanted, { ports, head, lost: unknownPosition(since, head, ports.nowMs) })
  }
  const page = await readFrom(wanted, { after: since, fromMs: arrivalOf(since) }, ports)
  const lost = lossOf(page, since, { head, keptFromMs: ports.history.keptFromMs() })
  if (lost && page.reached === since) return notResumable(wanted, { ports, head, lost })
  return answer(wanted, { head, recovered: lost === undefined, lost, page })
}

interface Standing {
  readonly ports: SnapshotPorts
  readonly head: Position | null
  readonly lost?: Lost
}

/** The position is of no use: the window instead, if one was asked for, and in any case what is missing. */
async function notResumable(wanted: Wanted, standing: Standing): Promise<Snapshot> {
  const { head, lost } = standing
  if (wanted.window) return windowOf(wanted, wanted.window, standing)
  return answer(wanted, { head, recovered: false, lost })
}

async function windowOf(
  wanted: Wanted,
  { lastMs, points }: NonNullable<Wanted['window']>,
  { ports, head, lost }: Standing,
): Promise<Snapshot> {
  const { row } = wanted
  const fromMs = ports.nowMs - lastMs
  const start = { topic: row.topic as DeviceTopic, after: null, fromMs }
  const whole = walkBlocks(ports.history, start)
  const isFull = ports.budget.bytes <= 0
  const blocks = points === undefined || isFull ? whole : thinBlocks(await collect(whole), points)
  const page = isFull
    ? nothingOf(null)
    : await fillPage(blocks, null, {
        view: row,
        budget: ports.budget,
        sid: row.sid,
      })
  const reached = page.reached ?? earliestPosition(fromMs)
  return answer(wanted, { head, recovered: lost === undefined, lost, page: { ...page, reached } })
}

/** A window that is thinned is read to its end first. */
async function collect(walk: AsyncIterable<DeviceBlock>): Promise<readonly DeviceBlock[]> {
  const blocks: DeviceBlock[] = []
  for await (const block of walk) blocks.push(block)
  return blocks
}

/** Nothing more fits: the client asks for it by itself. */
function nothingOf(reached: Position | null): Page {
  return { blocks: [], reached, more: true, hole: undefined }
}

async function readFrom(
  { row }: Wanted,
  start: { readonly after: Position | null; readonly fromMs: number },
  { history, budget }: SnapshotPorts,
): Promise<Page> {
  if (budget.bytes <= 0) return nothingOf(start.after)
  const topic = row.topic as DeviceTopic
  const walk = walkBlocks(history, { topic, ...start })
  return fillPage(walk, start.after, { view: row, budget, sid: row.sid })
}

function answer(
  { row }: Wanted,
  found: {
    readonly head: Position | null
    readonly recovered: boolean
    readonly lost?: Lost | undefined
    readonly page?: Page
  },
): Snapshot {
  const { head, recovered, lost, page } = found
  const resume = page?.more && page.reached !== null ? { resumeFrom: page.reached } : {}
  const missing = lost ? { lost } : {}
  const more = page?.more ?? false
  return {
    result: { sid: row.sid, ok: true, head, recovered, ...missing, more, ...resume },
    blocks: page?.blocks ?? [],
    states: [],
    refusals: [],
  }
}

/** Whether everything between `since` and the head is in the page or follows it, and if not, why. */
function lossOf(
  page: Page,
  since: Position,
  { head, keptFromMs }: { readonly head: Position | null; readonly keptFromMs: number },
): Lost | undefined {
  const reason = arrivalOf(since) < keptFromMs ? 'retention' : 'unknown-position'
  const hole: Hole | undefined = page.hole ?? tailHole(page, since, head)
  return hole && { reason, ...hole }
}

function tailHole(page: Page, since: Position, head: Position | null): Hole | undefined {
  if (page.more || head === null || !isBehind(page.reached, head)) return undefined
  return { fromMs: arrivalOf(page.reached ?? since), toMs: arrivalOf(head) }
}

/** What the newest values leave out of the readings after `since`. */
function passedOver(since: Position, head: Position | null, nowMs: number): Lost | undefined {
  const order = head === null ? 1 : comparePositions(since, head)
  if (head === null || order > 0) return unknownPosition(since, head, nowMs)
  if (order === 0) return undefined
  return { reason: 'latest', fromMs: arrivalOf(since), toMs: arrivalOf(head) }
}

function unknownPosition(since: Position, head: Position | null, nowMs: number): Lost {
  const toMs = head === null ? nowMs : arrivalOf(head)
  return { reason: 'unknown-position', fromMs: Math.min(arrivalOf(since), toMs), toMs }
}

/**
 * The newest values, device by device in the order of their names, as many as fit: the others can be asked for. What lies between `since` and
 * them is not in the mode's promise: it is said to be missing, not to be recovered.
 */
function statesOf(wanted: Wanted, { heads, statesBudget, nowMs }: SnapshotPorts): Snapshot {
  const { row, since } = wanted
  const states: DeviceState[] = []
  const refusals: Refusals[] = []
  let until: DeviceTopic | undefined
  let more = false
  for (const [topic, head] of devicesOf(wanted, heads)) {
    const state = stateOf(topic, head, row)
    const refusal = head.refused && refusalsOf(topic, head.refused)
    const bytes = sizeOf(state) + sizeOf(refusal)
    more = bytes > statesBudget.bytes
    if (more) break
    statesBudget.bytes -= bytes
    if (state) states.push(state)
    if (refusal) refusals.push(refusal)
    until = topic
  }
  const isDevice = parseTopicFilter(row.topic)?.kind === 'device'
  const head = heads.get(row.topic as DeviceTopic)?.position ?? null
  const lost = since === undefined ? undefined : passedOver(since, head, nowMs)
  const statesUntil = until ?? wanted.statesAfter
  return {
    result: {
      sid: row.sid,
      ok: true,
      ...(isDevice ? { head } : {}),
      recovered: lost === undefined,
      ...(lost ? { lost } : {}),
      more,
      ...(more && statesUntil !== undefined ? { statesUntil } : {}),
    },
    blocks: [],
    states,
    refusals,
  }
}

function devicesOf({ row, statesAfter = '' }: Wanted, heads: LaneHeads) {
  return [...heads]
    .filter(
      ([topic]) =>
        topic > statesAfter && topicMatches(row.topic, topic) && isEntitled(row.grants, topic),
    )
    .sort(([a], [b]) => (a < b ? -1 : 1))
}

function sizeOf(part: unknown): number {
  return part === undefined ? 0 : Buffer.byteLength(JSON.stringify(part)) + 1
}

function refusalsOf(topic: DeviceTopic, refused: RefusalRecord): Refusals {
  return { type: 'refused', topic, ...refused }
}

function stateOf(
  topic: DeviceTopic,
  head: DeviceHead,
  row: SubscriptionRow,
): DeviceState | undefined {
  if (head.position === null) return undefined
  const metrics = row.metrics
    ? Object.fromEntries(
        Object.entries(head.metrics).filter(([name]) => row.metrics?.includes(name)),
      )
    : head.metrics
  const presence = presenceOf(head.publishers)
  return {
    topic,
    position: head.position,
    ts: head.ts,
    ...(head.clock?.offMs === undefined ? {} : { clockOffMs: head.clock.offMs }),
    metrics,
    ...(head.rhythm ? { everyMs: head.rhythm.pauseMs } : {}),
    ...(presence ? { online: presence.online, onlineAt: presence.at } : {}),
    ...(presence?.reason === undefined ? {} : { reason: presence.reason }),
  }
}
