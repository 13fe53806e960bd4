import type { TopicFilter } from '../../protocol/index.ts'
import type { View } from '../selection/view.ts'

/** A subscription as the Subscriptions table keeps it, with its owner's entitlement, so that a send needs no other look-up. */
export interface SubscriptionRow extends Omit<View, 'isSlow'> {
  readonly connectionId: string
  readonly sid: number
  /** The client's message that made it: of two rows of one sid the greater one holds. */
  readonly messageId: number
  readonly topic: TopicFilter
  readonly user: string
  readonly issuer: string
  readonly tokenId: string
  /** Epoch seconds. */
  readonly issuedAt: number
  readonly expiresAt: number
  /** The owner's grants that cover the topic. */
  readonly grants: readonly TopicFilter[]
  /** Epoch ms. */
  readonly connectedAt: number
}

export type RowKey = Pick<SubscriptionRow, 'connectionId' | 'sid' | 'messageId' | 'topic'>

export interface RegistryEntry {
  readonly messageId: number
  /** Undefined: unsubscribed; kept for a while so that an older subscribe that is still on its way finds it. */
  readonly topic?: TopicFilter
}

/** What a connection has subscribed, in one item: caps, replacement and clean-up without a search. */
export interface Registry {
  /** 0: never written. */
  readonly revision: number
  /** The connection is gone; nothing may be added. */
  readonly closed: boolean
  readonly entries: ReadonlyMap<number, RegistryEntry>
}

/** The rows of subscriptions. All reads are strongly consistent. */
export interface Subscriptions {
  registry(connectionId: string): Promise<Registry>
  /** Writes `next` if the stored revision is still `next.revision` − 1. */
  saveRegistry(connectionId: string, next: Registry): Promise<'saved' | 'conflict'>
  /** Marks it closed, whatever it is; resolves with what it then is. */
  closeRegistry(connectionId: string): Promise<Registry>
  putRows(rows: readonly SubscriptionRow[]): Promise<void>
  removeRows(keys: readonly RowKey[]): Promise<void>
  /** Moves expiry, token and grants of rows that still exist. */
  renewRows(
    renewals: readonly { readonly key: RowKey; readonly grants: readonly TopicFilter[] }[],
    identity: RowIdentity,
  ): Promise<void>
  /** Tells `deliver` that these filters' partitions have changed. After the rows, always. */
  bump(topics: readonly TopicFilter[]): Promise<void>
  /** Subscriptions of all of the user's connections. */
  countOfUser(user: string): Promise<number>
  /** Subscriptions of these connections together. */
  countOf(connectionIds: readonly string[]): Promise<number>
}

/** Whose rows they are: what a `refresh` moves. */
export type RowIdentity = Pick<
  SubscriptionRow,
  'user' | 'issuer' | 'tokenId' | 'issuedAt' | 'expiresAt'
>
