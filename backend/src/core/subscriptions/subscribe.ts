import * as v from 'valibot'
import {
  errorCodes,
  limits,
  parseTopicFilter,
  subscriptionSchema,
  type ClientMessage,
  type DeviceTopic,
  type ErrorCode,
  type Note,
  type Subscribed,
  type Subscription,
  type SubscriptionResult,
} from '../../protocol/index.ts'
import type { Clock } from '../clock.ts'
import type { Connection } from '../connections/ports.ts'
import { whereProblem } from '../selection/where.ts'
import type { HistoryReader, LaneHeads } from '../history/ports.ts'
import { describeIssue, issueCode } from '../messages/parse-message.ts'
import type { SubscriptionRow } from './ports.ts'
import { grantsFor } from './renew-connection.ts'
import { takeSnapshot, type Snapshot, type SnapshotPorts, type Wanted } from './snapshot.ts'
import { writeRows, type WriteRowsPorts } from './write-rows.ts'

export interface SubscribePorts extends WriteRowsPorts {
  readonly history: HistoryReader
  readonly notes: {
    /** Notes on the device's chart with a time in [fromMs, toMs). */
    between(topic: DeviceTopic, fromMs: number, toMs: number): Promise<readonly Note[]>
  }
  readonly clock: Clock
}

type Failed = Extract<SubscriptionResult, { ok: false }>
type Checked = { readonly wanted: Wanted } | { readonly failed: Failed }

/** `{"type":"subscribed",…}` around what the budget counts, results included. */
const ENVELOPE_BYTES = 1_024
const RESULT_BYTES = 320
/** States of a large fleet may take more than a frame: API Gateway cuts an answer of up to 128 KB into frames (MGMT-15, APIGW-84). */
const STATES_BYTES = 98_304
/**
 * Writes the subscriptions, then makes `deliver` look, then reads what was before: nothing falls between (docs/architecture.md, "Order
 * and proof"). Each item has its own result. Of two messages about one `sid` the one with the greater `id` holds, whatever order API
 * Gateway runs them in (APIGW-13). Throws {@link ProtocolError} CONNECTION_UNKNOWN.
 */
export async function subscribe(
  message: ClientMessage<'subscribe'>,
  connection: Connection,
  ports: SubscribePorts,
): Promise<Subscribed> {
  const checked = message.subscriptions.map((item) => checkItem(item, message.id, connection))
  const wanted = checked.flatMap((one) => ('wanted' in one ? [one.wanted] : []))
  const refused = new Map<Wanted, Failed>()
  const written = await writeRows(wanted, connection, ports)
  for (const [one, code] of written) refused.set(one, failure(one.row.sid, code))
  const taken = wanted.filter((one) => !refused.has(one))
  const snapshots = await takeSnapshots(taken, checked.length, ports)
  const refusals = [...snapshots.values()].flatMap((snapshot) => snapshot.refusals)
  return {
    type: 'subscribed',
    id: message.id,
    results: checked.map((one) => {
      if ('failed' in one) return one.failed
      return refused.get(one.wanted) ?? snapshots.get(one.wanted)?.result ?? failure(-1, 'INTERNAL')
    }),
    blocks: [...snapshots.values()].flatMap((snapshot) => snapshot.blocks),
    states: [...snapshots.values()].flatMap((snapshot) => snapshot.states),
    ...(refusals.length > 0 ? { refusals } : {}),
    notes: await notesOf(taken, ports),
  }
}

function checkItem(item: unknown, messageId: number, connection: Connection): Checked {
  const parsed = v.safeParse(subscriptionSchema, item, { abortEarly: true })
  if (!parsed.success) {
    const [issue] = parsed.issues
    return { failed: failure(sidOf(item), issueCode(issue), describeIssue(issue)) }
  }
  const subscription = parsed.output
  const problem = subscription.where && whereProblem(subscription.where)
  if (problem !== undefined) {
    return { failed: failure(subscription.sid, 'FILTER_INVALID', `The filter ${problem}.`) }
  }
  const isDevice = parseTopicFilter(subscription.topic)?.kind === 'device'
  if (!isDevice && subscription.mode === 'complete') {
    const text = `"${subscription.topic}" is more than one device, which only mode "latest" can follow.`
    return { failed: failure(subscription.sid, 'TOPIC_INVALID', text) }
  }
  const grants = grantsFor(connection.devices, subscription.topic)
  if (!isDevice && subscription.since !== undefined) {
    const text = `A position is of one device; "${subscription.topic}" is more than one.`
    return { failed: failure(subscription.sid, 'POSITION_INVALID', text) }
  }
  // The same answer whether the device exists or not (MESSAGE-10).
  if (grants.length === 0) return { failed: failure(subscription.sid, 'FORBIDDEN') }
  const { since, window, statesAfter, ...rest } = subscription
  const row = { ...rest, ...ownerOf(connection), messageId, grants }
  return { wanted: { row, since, window, statesAfter } }
}

function ownerOf(
  connection: Connection,
): Omit<SubscriptionRow, keyof Subscription | 'messageId' | 'grants'> {
  const { connectionId, user, issuer, tokenId, issuedAt, expiresAt, connectedAt } = connection
  return { connectionId, user, issuer, tokenId, issuedAt, expiresAt, connectedAt }
}

async function takeSnapshots(
  wanted: readonly Wanted[],
  results: number,
  { history, clock }: SubscribePorts,
): Promise<ReadonlyMap<Wanted, Snapshot>> {
  if (wanted.length === 0) return new Map()
  const ports: SnapshotPorts = {
    history,
    // Before the rows: a head never stands for a reading that the history lacks.
    heads: await headsFor(wanted, history),
    budget: {
      bytes: limits.frameBytes - ENVELOPE_BYTES - results * RESULT_BYTES,
      readings: Number.MAX_SAFE_INTEGER,
    },
    statesBudget: { bytes: STATES_BYTES, readings: Number.MAX_SAFE_INTEGER },
    nowMs: clock.now(),
  }
  const snapshots = new Map<Wanted, Snapshot>()
  for (const one of wanted) snapshots.set(one, await takeSnapshot(one, ports))
  return snapshots
}

async function headsFor(wanted: readonly Wanted[], history: HistoryReader): Promise<LaneHeads> {
  const topics = wanted.map((one) => one.row.topic)
  const isAll = topics.some((topic) => parseTopicFilter(topic)?.kind !== 'device')
  return history.heads(isAll ? 'all' : (topics as DeviceTopic[]))
}

/** Notes of the devices whose window was asked for. */
async function notesOf(
  wanted: readonly Wanted[],
  { notes, clock }: SubscribePorts,
): Promise<readonly Note[]> {
  const found = await Promise.all(
    wanted.flatMap(({ row, window }) =>
      window && row.mode === 'complete'
        ? [notes.between(row.topic as DeviceTopic, clock.now() - window.lastMs, clock.now())]
        : [],
    ),
  )
  return [...new Map(found.flat().map((note) => [note.noteId, note])).values()]
}

const sentences: Partial<Record<ErrorCode, string>> = {
  FORBIDDEN: 'You may not see this topic, or there is no such device.',
  SUBSCRIPTION_LIMIT: `At most ${limits.subscriptionsPerConnection} subscriptions per connection and ${limits.subscriptionsPerUser} per user; end one first.`,
  SUPERSEDED: 'A later message about this sid was handled first; it holds.',
}

function failure(sid: number, code: ErrorCode, message?: string): Failed {
  const text = message ?? sentences[code] ?? 'The subscription could not be made; try again.'
  return { sid, ok: false, code, message: text, retry: errorCodes[code] }
}

function sidOf(item: unknown): number {
  const sid = (item as { sid?: unknown } | null)?.sid
  return typeof sid === 'number' && Number.isFinite(sid) ? sid : -1
}
