import type { CommandName } from './telemetry.ts'
import type { ErrorCode, Retry } from './errors.ts'
import type { MergedHole } from './holes.ts'
import type { limits } from './limits.ts'
import type { Position } from './position.ts'

/**
 * What to know about a reading's time. `broker-time`: the device gave none. `clock-unset`: it gave one that is no time of these days (0,
 * 12345, a text). `skew`: its clock is so far off that the reading stands at the time of its arrival; `deviceTs` has the device's own.
 */
export type ReadingQuality = 'broker-time' | 'clock-unset' | 'skew'

/** Server → client. Every message has `type`; an answer carries the `id` of its request, a message without `id` is a push. */

/**
 * Consecutive readings of one device, as columns. `prev` is the position before the block's first reading (null: none known), so
 * that a hole is seen at once; `position` is that of its last reading. All columns have the length of `ts`.
 */
export interface Block {
  /** The subscription the block answers; absent in `history`. */
  readonly sid?: number
  readonly topic: string
  readonly prev: Position | null
  readonly position: Position
  readonly boot?: string | null
  /** Device counters, null where the device gave none. Absent when no reading has one. */
  readonly n?: readonly (number | null)[]
  /** Epoch ms: where each reading stands in time. The device's clock, or the broker's where {@link quality} says so. */
  readonly ts: readonly number[]
  /** Epoch ms by the device's clock, of readings that stand elsewhere (`skew`); null of the others. Absent when there are none. */
  readonly deviceTs?: readonly (number | null)[]
  /** Names each reading: see `reading-ids.ts`. A block of newest values has none. */
  readonly ids?: string
  /** Metric → values; null = not sent. */
  readonly metrics: Readonly<Record<string, readonly (number | null)[]>>
  /** What to know about each reading; absent when there is nothing. */
  readonly quality?: readonly (ReadingQuality | null)[]
  /** Milliseconds: device → broker, broker → stream, stream → deliver, deliver → post. */
  readonly hops?: readonly number[]
  /** Of newest values: the usual time between two messages of the device, milliseconds. Absent while it has been heard once. */
  readonly everyMs?: number
  /** True when rows between `prev` and `position` were left out on purpose (where, maxHz, deadband, latest). */
  readonly thinned?: true
}

/**
 * What each metric did in stretches of `bucketMs`, whose starts are aligned to the epoch; stretches without any reading are left out. Every
 * point of a line of `min` at `minAt` and `max` at `maxAt`, broken at `holes`, is a reading that exists.
 */
export interface Buckets {
  readonly topic: string
  readonly bucketMs: number
  /** Epoch ms. */
  readonly ts: readonly number[]
  readonly metrics: Readonly<Record<string, BucketColumns>>
}

/** One metric, each column as long as the buckets' `ts`; null where a bucket has no value of it. */
export interface BucketColumns {
  readonly min: readonly (number | null)[]
  /** When it was least, the first time; milliseconds after the bucket's start. */
  readonly minAt: readonly (number | null)[]
  readonly max: readonly (number | null)[]
  readonly maxAt: readonly (number | null)[]
  readonly avg: readonly (number | null)[]
  readonly count: readonly number[]
  /** Holes inside and between the buckets, and at the edges of what was asked for, in order; none of an answer with `where`. */
  readonly holes: readonly MergedHole[]
}

export interface Welcome {
  readonly type: 'welcome'
  readonly id: number
  readonly connectionId: string
  readonly user: string
  readonly roles: readonly Role[]
  /** The bearer's entitlement: topic filters. */
  readonly devices: readonly string[]
  /** Epoch seconds. */
  readonly tokenExpiresAt: number
  readonly limits: typeof limits
  /** Epoch ms. */
  readonly serverTime: number
}

export type Role = 'viewer' | 'operator' | 'admin'

export type SubscriptionResult =
  | {
      readonly sid: number
      readonly ok: true
      /** The newest position of the device, null when it has never sent; absent for wildcards. */
      readonly head?: Position | null
      /** With `since`: whether every matching reading after it follows. Without: true. Never a silent part. */
      readonly recovered: boolean
      /**
       * Why not, when `recovered` is false: the readings that arrived between these times do not follow. Nobody has them any more, or
       * (`latest`) the mode promises none of them and `history` is to be asked.
       */
      readonly lost?: {
        readonly reason: 'retention' | 'unknown-position' | 'latest'
        readonly fromMs: number
        readonly toMs: number
      }
      /**
       * More of the snapshot waits: ask `history` with `since` = `resumeFrom`; with `statesUntil` (`latest`) subscribe again, with it as
       * `statesAfter`.
       */
      readonly more: boolean
      readonly resumeFrom?: Position
      readonly statesUntil?: string
    }
  | {
      readonly sid: number
      readonly ok: false
      readonly code: ErrorCode
      readonly message: string
      readonly retry: Retry
    }

/** The last known state of a device, for fleet tables: what arrived last, whatever its clock says. */
export interface DeviceState {
  readonly topic: string
  readonly position: Position
  /** Epoch ms: where its newest reading stands in time. When it arrived says its position. */
  readonly ts: number
  /** Milliseconds that its clock is ahead (negative: behind); null: it is not set. Absent while it is right, as far as anybody can tell. */
  readonly clockOffMs?: number | null
  readonly metrics: Readonly<Record<string, number>>
  /** The usual time between two of its messages, milliseconds. Absent while it has been heard once. */
  readonly everyMs?: number
  readonly online?: boolean
  /** Epoch ms. */
  readonly onlineAt?: number
  /** Why it left, in IoT Core's words. */
  readonly reason?: string
}

/** What a device sent and nobody could use: in the answer to `subscribe`, and pushed to everybody who watches the device. */
export interface Refusals {
  readonly type: 'refused'
  readonly topic: string
  /** Of the last one: newer than the device's last reading when nothing good has come since. */
  readonly position: Position
  /** A reason of docs/telemetry.md, of the last one. */
  readonly reason: string
  /** The member that breaks the rule, and what stands there. */
  readonly member?: string
  readonly found?: string
  /** Of a list: the place of its first bad reading, from 0. */
  readonly index?: number
  /** The first byte with which the payload can no longer become JSON. */
  readonly byteOffset?: number
  /** How many since then, an hour without one ends the count. Epoch ms. */
  readonly count: number
  readonly since: number
  readonly last: number
  /** The beginning of the last one, as text, at most 200 characters. */
  readonly example: string
}

export interface Subscribed {
  readonly type: 'subscribed'
  readonly id: number
  readonly results: readonly SubscriptionResult[]
  /** Snapshot of complete-mode subscriptions, in order, as much as fits one frame. */
  readonly blocks: readonly Block[]
  /** Snapshot of latest-mode subscriptions: one state per device. */
  readonly states: readonly DeviceState[]
  /** Devices of latest-mode subscriptions of which payloads were refused. Absent when there are none. */
  readonly refusals?: readonly Refusals[]
  readonly notes: readonly Note[]
}

export interface Data {
  readonly type: 'data'
  readonly blocks: readonly Block[]
}

export interface Unsubscribed {
  readonly type: 'unsubscribed'
  readonly id?: number
  readonly sids: readonly number[]
  readonly reason: 'client' | 'expired' | 'revoked' | 'replaced'
}

export interface HistoryPage {
  readonly type: 'history'
  readonly id: number
  readonly topic: string
  readonly blocks?: readonly Block[]
  readonly buckets?: Buckets
  readonly notes?: readonly Note[]
  /** Everything in [from, to) or (since, until] that is kept is in the pages so far when `cursor` is null. */
  readonly cursor: string | null
  /** False: what lies before `keptFromMs` is no longer kept. */
  readonly complete: boolean
  readonly keptFromMs: number
}

export interface Pong {
  readonly type: 'pong'
  readonly id: number
  readonly t0: number
  readonly t1: number
  readonly t2: number
  /** The newest position of each device the ping named and the bearer may see. */
  readonly heads: Readonly<Record<string, Position>>
  readonly alarmsRevision: number
}

export interface Presence {
  readonly type: 'presence'
  readonly topic: string
  readonly online: boolean
  /** Epoch ms of the broker's event. */
  readonly at: number
  readonly reason?: string
}

export type CommandState = 'accepted' | 'sent' | 'acked' | 'done' | 'failed' | 'expired'

export interface CommandUpdate {
  readonly type: 'command'
  /** On the answer to the request only. */
  readonly id?: number
  readonly key: string
  readonly commandId: string
  readonly topic: string
  readonly name: CommandName
  readonly state: CommandState
  readonly at: number
  readonly message?: string
  readonly by: string
}

export interface Note {
  readonly noteId: string
  readonly topic: string
  readonly text: string
  readonly at: number
  readonly by: string
}
export interface NotePush {
  readonly type: 'note'
  readonly id?: number
  readonly note: Note
}

export type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA'
export type AlarmSeverity = 'P1' | 'P2' | 'P3' | 'P4'

export interface AlarmView {
  readonly alarm: string
  /** Title without the stack prefix. */
  readonly title: string
  readonly description: string
  readonly severity: AlarmSeverity
  readonly runbook: string
  readonly state: AlarmState
  readonly reason: string
  /** Epoch ms of the last change of state. */
  readonly since: number
  /** Bumped by every change, CloudWatch's or a person's. */
  readonly revision: number
  readonly acknowledgedBy?: string
  readonly acknowledgedAt?: number
  readonly shelvedUntil?: number
  readonly shelvedBy?: string
  readonly notes: readonly { readonly at: number; readonly by: string; readonly text: string }[]
}
export interface AlarmsList {
  readonly type: 'alarms'
  readonly id: number
  readonly alarms: readonly AlarmView[]
  readonly revision: number
}
export interface AlarmHistory {
  readonly type: 'alarmHistory'
  readonly id: number
  readonly alarm: string
  readonly entries: readonly {
    readonly at: number
    readonly kind: 'state' | 'ack' | 'note' | 'shelve' | 'unshelve'
    readonly by?: string
    readonly text: string
  }[]
}
export interface AlarmPush {
  readonly type: 'alarm'
  /** On the answer to ack, note, shelve or unshelve. */
  readonly id?: number
  readonly alarm: AlarmView
  readonly revision: number
}

export interface Refreshed {
  readonly type: 'refreshed'
  readonly id: number
  readonly tokenExpiresAt: number
}
export interface Revoked {
  readonly type: 'revoked'
  readonly id: number
  readonly connectionsClosed: number
}
export interface ErrorMessage {
  readonly type: 'error'
  readonly id?: number | string
  readonly code: ErrorCode
  readonly message: string
  readonly retry: Retry
  readonly retryAfterMs?: number
}
/** Open a new socket, resume there, then close the old one. `code` is what the client should treat the close as. */
export interface GoAway {
  readonly type: 'goaway'
  readonly reason: string
  readonly code?: number
  readonly withinMs: number
}
/** Something could not be sent to this connection: the gap is known and can be asked for. */
export interface GapNotice {
  readonly type: 'gap'
  readonly sid: number
  readonly topic: string
  readonly reason: 'throttled' | 'slow' | 'shed' | 'failed'
}
/**
 * `latest`: this connection could not follow; complete subscriptions get single readings, whose `prev` shows what was left out, until
 * 10 s have been quiet. `complete`: everything again.
 */
export interface SlowNotice {
  readonly type: 'slow'
  readonly mode: 'latest' | 'complete'
}

export type ServerMessage =
  | Welcome
  | Subscribed
  | Data
  | Unsubscribed
  | HistoryPage
  | Pong
  | Presence
  | Refusals
  | CommandUpdate
  | NotePush
  | AlarmsList
  | AlarmHistory
  | AlarmPush
  | Refreshed
  | Revoked
  | ErrorMessage
  | GoAway
  | GapNotice
  | SlowNotice
