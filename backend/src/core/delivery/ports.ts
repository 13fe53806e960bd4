import type { CommandUpdate, DeviceTopic } from '../../protocol/index.ts'
import type { HistoryReader, HistoryWriter } from '../history/ports.ts'
import type { RowIdentity, SubscriptionRow } from '../subscriptions/ports.ts'
import type { Reject, ResultEvent } from '../telemetry/decode-record.ts'
import type { Timer } from '../clock.ts'
import type { Connection } from '../connections/ports.ts'
import type { Log, MetricSink } from '../telemetry-sink.ts'

/**
 * What became of one post, by HTTP status and error name (reliability E1).
 * `gone`: 410. `throttled`: 429, the rate or the client's buffer. `slow`: no answer within the deadline. `forbidden`: 403, our own role
 * or address is wrong. `failed`: anything else.
 */
export type PostOutcome = 'ok' | 'gone' | 'throttled' | 'slow' | 'failed' | 'forbidden'

/** Posts to sockets. One attempt, never throws; `slow` when the signal is aborted before there is an answer. */
export interface Posts {
  post(connectionId: string, message: string, signal: AbortSignal): Promise<PostOutcome>
}

/** Whose right to see something is in question. */
export type Owner = RowIdentity

/**
 * `slow`: it could not follow a moment ago and gets single readings only. `recovered`: it was, and gets everything again. `full`: neither,
 * for as long as anybody remembers.
 */
export type Pace = 'slow' | 'recovered' | 'full'

/** Subscriptions as of a moment after the call began. */
export interface Audience {
  /** Rows whose filter matches, expired and revoked owners' among them. */
  rowsFor(topic: DeviceTopic): readonly SubscriptionRow[]
  isRevoked(owner: Owner): boolean
  /** Whether a connection can follow. */
  pace(connectionId: string): Pace
  /** Rows of subscriptions that had to be read for it. */
  readonly rowsRead: number
}

/** `deliver`'s view of who watches. */
export interface Audiences {
  /**
   * Strongly consistent; what has not changed since the last call is not read again. `issuers`: of owners without a subscription to
   * these topics, for {@link Audience.isRevoked}.
   */
  load(topics: readonly DeviceTopic[], issuers?: readonly string[]): Promise<Audience>
  /** Turns connections to single readings until then (epoch ms), for every `deliver`; about then when they are turned so already. */
  slowDown(untilMs: ReadonlyMap<string, number>): Promise<void>
}

/** Tells the devices of a batch how many watch them, where that has changed. Never throws, takes half a second at most. */
export interface BatchDemand {
  /** `asOfMs`: epoch ms at which the look at who watches began. */
  tell(topics: readonly DeviceTopic[], audience: Audience, asOfMs: number): Promise<void>
}

export interface Rejects {
  write(rejects: readonly Reject[]): Promise<void>
}

/** What devices answered to commands. */
export interface CommandResults {
  /** Moves the command on; what to push and to whom, or undefined when nothing changed. Never throws because of what a device sent. */
  apply(
    event: ResultEvent,
  ): Promise<
    { readonly update: CommandUpdate; readonly connections: readonly Connection[] } | undefined
  >
}

export interface DeliverPorts {
  readonly history: HistoryWriter & Pick<HistoryReader, 'rows'>
  readonly audiences: Audiences
  readonly rejects: Rejects
  readonly posts: Posts
  readonly results: CommandResults
  /** Absent: devices are not told how many watch them. */
  readonly demand?: BatchDemand | undefined
  /** Removes every row of a connection that is gone. */
  readonly removeConnection: (connectionId: string) => Promise<unknown>
  readonly clock: Timer
  readonly metrics: MetricSink
  readonly log: Log
}
