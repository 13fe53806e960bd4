import { limits } from '../../protocol/index.ts'
import type { RevocationSubject, Revocations } from '../auth/ports.ts'
import type { Identity } from '../auth/identity.ts'
import type { Clock } from '../clock.ts'
import type {
  Connection,
  Connections,
  ConnectionSubscriptions,
  SocketOutcome,
  Sockets,
  ExpiryMessage,
  ExpiryQueue,
  CloseReason,
} from './ports.ts'

/** A clock that stands still until `ms` is set. */
export function fakeClock(startMs = Date.UTC(2026, 0, 1)): Clock & { ms: number } {
  return {
    ms: startMs,
    now() {
      return this.ms
    },
  }
}

export const identityOf = (change: Partial<Identity> = {}): Identity => ({
  user: 'ana',
  roles: ['operator'],
  devices: ['plant-1/#'],
  expiresAt: Date.UTC(2026, 0, 1) / 1_000 + 3_600,
  issuedAt: Date.UTC(2026, 0, 1) / 1_000 - 60,
  tokenId: 'token-1',
  issuer: 'https://issuer.example',
  ...change,
})

export const connectionOf = (change: Partial<Connection> = {}): Connection => ({
  ...identityOf(change),
  connectionId: 'c1=',
  connectedAt: Date.UTC(2026, 0, 1),
  lastSeenAt: Date.UTC(2026, 0, 1),
  revision: 1,
  ...change,
})

interface Row {
  connection: Connection
  tat: number
  strikes: number
}

interface Tombstone {
  readonly closedFor?: CloseReason
}

/** Connections in memory; passes the same contract suite as DynamoDB's (test/contract). */
export function memoryConnections(): Connections {
  const rows = new Map<string, Row | Tombstone>()
  const isLive = (row: Row | Tombstone | undefined): row is Row =>
    row !== undefined && 'connection' in row
  const live = (id: string): Row | undefined => {
    const row = rows.get(id)
    return isLive(row) ? row : undefined
  }
  const all = (isWanted: (one: Connection) => boolean = () => true): Connection[] =>
    [...rows.values()]
      .flatMap((row) => (isLive(row) && isWanted(row.connection) ? [row.connection] : []))
      .sort((a, b) => a.connectedAt - b.connectedAt || (a.connectionId < b.connectionId ? -1 : 1))
  const intervalMs = 1_000 / limits.messagesPerSecond
  return {
    open(connection) {
      if (rows.has(connection.connectionId)) return Promise.resolve('closed')
      rows.set(connection.connectionId, { connection, tat: 0, strikes: 0 })
      return Promise.resolve('opened')
    },
    find: (id) => Promise.resolve(live(id)?.connection),
    admit(id, nowMs) {
      const row = rows.get(id)
      if (!isLive(row)) return Promise.resolve({ outcome: 'unknown', ...row })
      const full = nowMs + (limits.messagesBurst - 1) * intervalMs
      row.connection = { ...row.connection, lastSeenAt: nowMs }
      if (row.tat > full) {
        row.strikes += 1
        const retryAfterMs = Math.ceil(row.tat - full)
        return Promise.resolve({ outcome: 'limited', retryAfterMs, strikes: row.strikes })
      }
      if (row.tat < nowMs) row.strikes = 0
      row.tat = Math.max(row.tat, nowMs) + intervalMs
      return Promise.resolve({ outcome: 'admitted', connection: row.connection })
    },
    countOfUser: (user) => Promise.resolve(all((one) => one.user === user).length),
    ofUser: (user) => Promise.resolve(all((one) => one.user === user)),
    ofToken: (tokenId) => Promise.resolve(all((one) => one.tokenId === tokenId)),
    renew(id, identity) {
      const row = live(id)
      if (!row) return Promise.resolve('unknown')
      const revision = row.connection.revision + 1
      row.connection = { ...row.connection, ...identity, revision }
      return Promise.resolve('renewed')
    },
    allOpen: () => Promise.resolve(all()),
    close(id, _nowMs, why) {
      rows.set(id, why === undefined ? {} : { closedFor: why })
      return Promise.resolve()
    },
  }
}

/** Revocations in memory, by the same rule as DynamoDB's. */
export function memoryRevocations(): Revocations {
  const users = new Map<string, number>()
  const tokens = new Set<string>()
  return {
    isRevoked: ({ issuer, user, tokenId, issuedAt }: RevocationSubject) =>
      Promise.resolve(
        tokens.has(`${issuer} ${tokenId}`) ||
          issuedAt * 1_000 <= (users.get(`${issuer} ${user}`) ?? Number.NEGATIVE_INFINITY),
      ),
    revokeUser(issuer, user, atMs) {
      users.set(`${issuer} ${user}`, atMs)
      return Promise.resolve()
    },
    revokeToken(issuer, tokenId) {
      tokens.add(`${issuer} ${tokenId}`)
      return Promise.resolve()
    },
  }
}

/** Sockets that remember what happened to them, in order. `answer`: what they do from now on. */
export function fakeSockets(): Sockets & {
  answer: SocketOutcome
  readonly posted: { readonly to: string; readonly message: Record<string, unknown> }[]
  readonly closed: string[]
} {
  return {
    answer: 'ok',
    posted: [],
    closed: [],
    post(to, frame) {
      if (this.answer === 'ok') {
        this.posted.push({ to, message: JSON.parse(frame) as Record<string, unknown> })
      }
      return Promise.resolve(this.answer)
    },
    disconnect(connectionId) {
      if (this.answer !== 'failed') this.closed.push(connectionId)
      return Promise.resolve(this.answer)
    },
  }
}

export function fakeExpiryQueue(): ExpiryQueue & {
  readonly sent: (ExpiryMessage & { readonly delaySeconds: number })[]
} {
  return {
    sent: [],
    send(message, delaySeconds) {
      this.sent.push({ ...message, delaySeconds })
      return Promise.resolve()
    },
  }
}

/** Subscriptions of connections as topics by sid. */
export function memoryConnectionSubscriptions(): ConnectionSubscriptions & {
  readonly removed: string[]
  ended: readonly number[]
  /** Subscriptions by connection, for {@link ConnectionSubscriptions.countOf}. */
  readonly counts: Map<string, number>
} {
  return {
    removed: [],
    ended: [],
    counts: new Map(),
    countOf(connectionIds) {
      return Promise.resolve(connectionIds.reduce((sum, id) => sum + (this.counts.get(id) ?? 0), 0))
    },
    removeConnection(connectionId) {
      this.removed.push(connectionId)
      return Promise.resolve()
    },
    renewConnection() {
      return Promise.resolve(this.ended)
    },
  }
}
