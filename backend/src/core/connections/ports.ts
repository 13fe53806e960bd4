import type { Identity } from '../auth/identity.ts'

/** A socket as the Connections table knows it. The row, not the event's authorizer context, holds the identity after a `refresh`. */
export interface Connection extends Identity {
  readonly connectionId: string
  /** Epoch ms. */
  readonly connectedAt: number
  /** Epoch ms of the client's last message. */
  readonly lastSeenAt: number
  /** 1 at `$connect`, one more with each `refresh`: which identity this is. */
  readonly revision: number
}

export type OpenConnection = Pick<Connection, 'connectionId' | 'connectedAt' | 'expiresAt'>

export type Admission =
  | { readonly outcome: 'admitted'; readonly connection: Connection }
  /** `strikes`: refused messages since the bucket was last empty. */
  | { readonly outcome: 'limited'; readonly retryAfterMs: number; readonly strikes: number }
  /** `closedFor`: why the server closed it, when it did. */
  | { readonly outcome: 'unknown'; readonly closedFor?: CloseReason }

/** The rows of sockets. All reads are strongly consistent. */
export interface Connections {
  /** `closed`: `$disconnect` was here first (APIGW-13: routes run in no order), and nothing is left behind. */
  open(connection: Connection): Promise<'opened' | 'closed'>
  find(connectionId: string): Promise<Connection | undefined>
  /** Counts a message against the connection's token bucket and notes that the client lives. One write when the bucket is calm. */
  admit(connectionId: string, nowMs: number): Promise<Admission>
  /** How many rows one user has, with one read; those of sockets that nobody has noticed to be gone count too. */
  countOfUser(user: string): Promise<number>
  /** The live rows of one user, oldest first. */
  ofUser(user: string): Promise<readonly Connection[]>
  /** The rows of the sockets that one token (`jti`) opened or renewed. */
  ofToken(tokenId: string): Promise<readonly Connection[]>
  /** Replaces identity and expiry; `unknown` when the row is gone. */
  renew(connectionId: string, identity: Identity, nowMs: number): Promise<'renewed' | 'unknown'>
  /** What the table takes for open, a few seconds old at most. For the sweeper. */
  allOpen(): Promise<readonly OpenConnection[]>
  /**
   * Removes the connection's own row and those by which it is found, and leaves a tombstone for a `$connect` that is still running. The
   * tombstone keeps `why`, so that a message that comes before the socket's end is told the reason.
   */
  close(connectionId: string, nowMs: number, why?: CloseReason): Promise<void>
}

/** What a delayed expiry message asks for. `token`: the token ends; the others name why to close at once (`unknown`: it has no row). */
export type CloseReason = 'token' | 'silent' | 'abuse' | 'revoked' | 'unknown'

export interface ExpiryMessage {
  readonly connectionId: string
  readonly reason: CloseReason
}

/** The queue that expiryQueue `expire`. */
export interface ExpiryQueue {
  /** `delaySeconds` is cut to what SQS can hold, 900 (the receiver queues again). */
  send(message: ExpiryMessage, delaySeconds: number): Promise<void>
}

/** What became of one post or close. */
export type SocketOutcome = 'ok' | 'gone' | 'failed'

/** The sockets themselves, behind the management API. Outcomes, not errors: closing somebody's socket must not fail the rest. */
export interface Sockets {
  /** `frame`: JSON text. */
  post(connectionId: string, frame: string): Promise<SocketOutcome>
  /** Ends the socket; API Gateway then runs `$disconnect`, as a rule. */
  disconnect(connectionId: string): Promise<SocketOutcome>
}

/** Subscription rows, as far as the life of a connection concerns them. */
export interface ConnectionSubscriptions {
  /** How many subscriptions these connections have together. */
  countOf(connectionIds: readonly string[]): Promise<number>
  /** Removes every subscription of the connection, so that the next batch of readings does not find it. */
  removeConnection(connectionId: string): Promise<void>
  /**
   * Moves the expiry of the connection's subscriptions and their grants; those that the new grants no longer cover are removed.
   * Returns the removed sids.
   */
  renewConnection(connectionId: string, identity: Identity): Promise<readonly number[]>
}
