import type { DeviceTopic } from '../../protocol/index.ts'
import type { RowIdentity, SubscriptionRow } from '../subscriptions/ports.ts'

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
