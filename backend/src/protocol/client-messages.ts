import * as v from 'valibot'
import { atMostCharacters } from './characters.ts'
import { limits } from './limits.ts'
import { isPosition, type Position } from './position.ts'
import { commandNames } from './telemetry.ts'
import { isDeviceTopic, parseTopicFilter } from './topic.ts'

/** Client → server. `action` is the route key (`$request.body.action`); `id` is echoed in the answer. Unknown members are ignored. */

const id = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const sid = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(1_000_000))
const epochMs = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const topicFilter = v.pipe(
  v.string(),
  v.check(
    (text) => parseTopicFilter(text) !== undefined,
    'a topic is {site}/{device}, {site}/# or #',
  ),
)
const deviceTopic = v.pipe(v.string(), v.check(isDeviceTopic, 'a device topic is {site}/{device}'))
const position = v.custom<Position>(isPosition, 'a position is the text a block or head carried')
const idempotencyKey = v.pipe(v.string(), v.uuid())
const metricName = v.pipe(v.string(), v.minLength(1), atMostCharacters(limits.metricNameCharacters))
const finite = v.pipe(v.number(), v.finite())

export interface FilterLeaf {
  readonly metric: string
  readonly op: 'eq' | 'neq' | 'gt' | 'gte' | 'lt' | 'lte' | 'in' | 'exists'
  readonly value?: number | readonly number[] | undefined
}
/** A leaf on one metric's value, or a branch. A missing or null metric makes a comparison false. */
export type Where =
  | FilterLeaf
  | { readonly op: 'and' | 'or' | 'not'; readonly nodes: readonly Where[] }

const leafSchema = v.object({
  metric: metricName,
  op: v.picklist(['eq', 'neq', 'gt', 'gte', 'lt', 'lte', 'in', 'exists']),
  value: v.optional(v.union([finite, v.pipe(v.array(finite), v.maxLength(64))])),
})
export const whereSchema: v.GenericSchema<Where> = v.lazy((input) =>
  typeof input === 'object' && input !== null && 'nodes' in input
    ? v.object({
        op: v.picklist(['and', 'or', 'not']),
        nodes: v.pipe(v.array(whereSchema), v.minLength(1), v.maxLength(limits.filterLeaves)),
      })
    : leafSchema,
)

export const subscriptionSchema = v.object({
  /** Chosen by the client, unique on its connection; pushes carry it. Using it again replaces the subscription. */
  sid,
  topic: topicFilter,
  /** `complete`: every matching reading (device topics only). `latest`: the newest value per metric at up to `maxHz`. */
  mode: v.optional(v.picklist(['complete', 'latest']), 'complete'),
  /** Resume: everything after this position, or the plain answer that it cannot be had. */
  since: v.optional(position),
  /** Without a usable `since`: the last `lastMs` milliseconds, thinned to about `points` points per metric. */
  window: v.optional(
    v.object({
      lastMs: v.pipe(v.number(), v.integer(), v.minValue(1_000), v.maxValue(24 * 3_600_000)),
      points: v.optional(
        v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(limits.historyPoints)),
      ),
    }),
  ),
  /** Of `latest`: the states of devices after this one, when an answer could not hold all (`statesUntil`). */
  statesAfter: v.optional(deviceTopic),
  metrics: v.optional(
    v.pipe(v.array(metricName), v.minLength(1), v.maxLength(limits.metricsPerSubscription)),
  ),
  where: v.optional(whereSchema),
  maxHz: v.optional(v.pipe(v.number(), v.minValue(0.01), v.maxValue(limits.maxHz))),
  /** Metric → the least change worth sending. */
  deadband: v.optional(v.record(metricName, v.pipe(v.number(), v.finite(), v.minValue(0)))),
})
export type Subscription = v.InferOutput<typeof subscriptionSchema>

const alarmName = v.pipe(v.string(), v.minLength(1), v.maxLength(255))
const noteText = v.pipe(
  v.string(),
  v.trim(),
  v.minLength(1),
  atMostCharacters(limits.noteCharacters),
)
const revision = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const alarmRequest = { action: v.literal('alarms'), id, alarm: alarmName, revision }

export const clientMessageSchemas = {
  hello: v.object({
    action: v.literal('hello'),
    id,
    client: v.optional(v.pipe(v.string(), v.maxLength(64))),
  }),
  ping: v.object({
    action: v.literal('ping'),
    id,
    t0: epochMs,
    /** Device topic → the last position that the client has. At most 200. */
    positions: v.optional(v.record(v.string(), position)),
  }),
  subscribe: v.object({
    action: v.literal('subscribe'),
    id,
    /** Each item is checked by itself against {@link subscriptionSchema}: a bad one does not fail the rest. */
    subscriptions: v.pipe(
      v.array(v.unknown()),
      v.minLength(1),
      v.maxLength(limits.subscriptionsPerMessage),
    ),
  }),
  unsubscribe: v.object({
    action: v.literal('unsubscribe'),
    id,
    sids: v.pipe(v.array(sid), v.minLength(1), v.maxLength(limits.subscriptionsPerConnection)),
  }),
  history: v.object({
    action: v.literal('history'),
    id,
    topic: deviceTopic,
    /** By time (device clock), both epoch ms, `to` excluded … */
    from: v.optional(epochMs),
    to: v.optional(epochMs),
    /** … or by position: everything after it, in stream order, up to `until` (included) when given. */
    since: v.optional(position),
    until: v.optional(position),
    metrics: v.optional(
      v.pipe(v.array(metricName), v.minLength(1), v.maxLength(limits.metricsPerSubscription)),
    ),
    where: v.optional(whereSchema),
    /** With it: min, max, avg and count per bucket, aligned to the epoch. Without: raw readings. */
    bucketMs: v.optional(
      v.pipe(v.number(), v.integer(), v.minValue(1_000), v.maxValue(24 * 3_600_000)),
    ),
    limit: v.optional(
      v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(limits.historyPoints)),
    ),
    cursor: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(8_192)))),
  }),
  command: v.object({
    action: v.literal('command'),
    id,
    /** The same key with the same body is the same command. */
    key: idempotencyKey,
    topic: deviceTopic,
    name: v.picklist(commandNames),
    args: v.optional(v.record(v.string(), v.unknown()), {}),
    ttlMs: v.optional(
      v.pipe(v.number(), v.integer(), v.minValue(1_000), v.maxValue(limits.commandTtlMs)),
      30_000,
    ),
  }),
  sendMessage: v.object({
    action: v.literal('sendMessage'),
    id,
    topic: topicFilter,
    text: noteText,
    /** The same key of the same user is the same note, however often it is sent. Without one a repetition is another note. */
    key: v.optional(idempotencyKey),
    /** Where on the time axis the note belongs; now if absent. */
    at: v.optional(epochMs),
  }),
  alarms: v.variant('op', [
    v.object({ action: v.literal('alarms'), id, op: v.literal('list') }),
    v.object({ action: v.literal('alarms'), id, op: v.literal('history'), alarm: alarmName }),
    v.object({ ...alarmRequest, op: v.literal('ack'), text: v.optional(noteText) }),
    v.object({ ...alarmRequest, op: v.literal('note'), text: noteText }),
    v.object({
      ...alarmRequest,
      op: v.literal('shelve'),
      /** Epoch ms; at most 24 h ahead. */
      until: epochMs,
      text: v.optional(noteText),
    }),
    v.object({ ...alarmRequest, op: v.literal('unshelve') }),
  ]),
  refresh: v.object({
    action: v.literal('refresh'),
    id,
    token: v.pipe(v.string(), v.minLength(1), v.maxLength(4_096)),
  }),
  revoke: v.object({
    action: v.literal('revoke'),
    id,
    /** Role `admin`. A user (`sub`) or one token (`jti`). */
    user: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(128))),
    jti: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(128))),
  }),
} as const

export type Action = keyof typeof clientMessageSchemas
export const actions = Object.keys(clientMessageSchemas) as Action[]
/** The message of one action, checked. */
export type ClientMessage<A extends Action = Action> = v.InferOutput<
  (typeof clientMessageSchemas)[A]
>
/** What a client may write for one action (defaults left out). */
export type ClientMessageInput<A extends Action = Action> = v.InferInput<
  (typeof clientMessageSchemas)[A]
>
