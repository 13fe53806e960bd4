import {
  type Action,
  closeCodes,
  type GoAway,
  limits,
  type Pong,
  type Position,
  type ServerMessage,
  type Welcome,
} from '@gaugeline/backend/protocol'
import { backoffMs } from './backoff.ts'
import type { Clock } from './clock.ts'
import { judge } from './liveness.ts'
import { type OpenSocket, type SessionEvents, SocketSession } from './socket-session.ts'
import {
  type Answers,
  type Connection,
  type Request,
  RequestFailed,
  type StreamClient,
  type StreamListener,
} from './stream-client.ts'

/** Thrown by a {@link TokenSource} when only the person can help. Every other failure is retried. */
export class SignInNeeded extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'SignInNeeded'
  }
}

/** Gives an access token; `renew` asks for a newer one than the last. */
export type TokenSource = (want: 'current' | 'renew') => Promise<string>

export interface LiveClientOptions {
  readonly url: string
  readonly token: TokenSource
  readonly openSocket: OpenSocket
  readonly clock: Clock
  readonly random: () => number
  /** Sent in `hello`, for the server's log. */
  readonly name: string
}

const LOOK_EVERY_MS = 1_000
const HELLO_TIMEOUT_MS = 15_000
/** The old socket stays open this long after its successor is ready: pushes on their way to it still arrive. */
const OVERLAP_MS = 3_000
const REFRESH_BEFORE_MS = 60_000
const REFRESH_RETRY_MS = 15_000

/**
 * The live stream: one WebSocket at a time (two while one replaces the other), opened again for ever with full-jitter backoff.
 * Keeps no telemetry: listeners subscribe again on every `welcome`.
 */
export class LiveClient implements StreamClient {
  readonly #options: LiveClientOptions
  readonly #listeners = new Set<StreamListener>()
  #connection: Connection
  #current: SocketSession | undefined
  /** The session on its way to `welcome`; the only one when there is no current. */
  #opening: SocketSession | undefined
  #running = false
  /** Grows with each opening; an await that comes back to another number is obsolete. */
  #round = 0
  #cancelRetry = (): void => undefined
  #cancelLook = (): void => undefined
  #cancelHello = (): void => undefined
  #positions: () => Readonly<Record<string, Position>> = () => ({})
  #lastId = 0
  #pingSentAt: number | undefined
  #nextPingAt = 0
  #lastLookAt = 0
  #nextRefreshAt = 0
  #wantRenewedToken = false
  #refusals = 0
  #announcedClose: number | undefined

  constructor(options: LiveClientOptions) {
    this.#options = options
    this.#connection = {
      phase: 'idle',
      since: options.clock.now(),
      attempt: 0,
      clockOffsetMs: 0,
    }
  }

  start(): void {
    if (this.#running) return
    this.#running = true
    this.#open()
  }

  stop(): void {
    this.#running = false
    this.#round++
    this.#cancelRetry()
    this.#cancelLook()
    this.#cancelHello()
    this.#opening?.close()
    this.#current?.close()
    this.#current = this.#opening = undefined
    this.#change({ phase: 'idle' })
  }

  connection(): Connection {
    return this.#connection
  }

  listen(listener: StreamListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  request<A extends Action>(message: Request<A> & { readonly action: A }): Promise<Answers[A]> {
    const session = this.#current
    if (!session) {
      return Promise.reject(new RequestFailed('CLOSED', 'There is no connection now'))
    }
    return session.request<A>(message)
  }

  reportPositions(source: () => Readonly<Record<string, Position>>): void {
    this.#positions = source
  }

  wake(): void {
    if (!this.#running || this.#opening) return
    if (this.#current) this.#ping()
    else this.#open()
  }

  #open(): void {
    this.#cancelRetry()
    const round = ++this.#round
    if (!this.#current && this.#connection.attempt === 0 && !this.#connection.lostAt) {
      this.#change({ phase: 'connecting' })
    }
    const want = this.#wantRenewedToken ? 'renew' : 'current'
    this.#options.token(want).then(
      (token) => {
        if (round !== this.#round || !this.#running) return
        this.#wantRenewedToken = false
        this.#openWith(token)
      },
      (error: unknown) => {
        if (round !== this.#round || !this.#running) return
        // An issuer that is down says nothing about the token we have: the service may still know its key.
        this.#wantRenewedToken = false
        if (error instanceof SignInNeeded) this.#signOut(error.message)
        else this.#retryLater()
      },
    )
  }

  #openWith(token: string): void {
    const { url, openSocket, clock } = this.#options
    const nextId = (): number => ++this.#lastId
    this.#opening?.close()
    const session = new SocketSession({
      url,
      token,
      openSocket,
      clock,
      events: this.#events,
      nextId,
    })
    this.#opening = session
    this.#cancelHello()
    this.#cancelHello = clock.after(HELLO_TIMEOUT_MS, () => session.close())
  }

  readonly #events: SessionEvents = {
    open: (session) => {
      if (session !== this.#opening) return
      this.#refusals = 0
      if (!this.#current && !this.#connection.lostAt) this.#change({ phase: 'hello' })
      session.request({ action: 'hello', client: this.#options.name }).then(
        (welcome) => this.#welcomed(session, welcome),
        // No welcome, no use: the close handler decides what comes next.
        () => session.close(),
      )
    },
    message: (session, message) => {
      if (session === this.#current) this.#received(message)
      const now = this.#options.clock.now()
      for (const listener of this.#listeners) listener.message?.(message, now)
    },
    close: (session, code) => {
      if (session === this.#opening) this.#openingClosed(code)
      else if (session === this.#current) this.#currentClosed(code)
    },
  }

  #welcomed(session: SocketSession, welcome: Welcome): void {
    if (session !== this.#opening) return
    this.#cancelHello()
    const old = this.#current
    this.#opening = undefined
    this.#current = session
    this.#announcedClose = undefined
    const now = this.#options.clock.now()
    this.#pingSentAt = undefined
    this.#lastLookAt = now
    this.#nextRefreshAt = 0
    this.#change({
      // One socket replaces another: for the person nothing was ever away.
      phase: old ? this.#connection.phase : 'resuming',
      welcome,
      openedAt: now,
      lastReceivedAt: now,
      nextTryAt: undefined,
      tokenExpiresAt: welcome.tokenExpiresAt * 1_000,
      clockOffsetMs: welcome.serverTime - now,
    })
    if (old) this.#options.clock.after(OVERLAP_MS, () => old.close())
    void this.#resume(session, welcome)
  }

  async #resume(session: SocketSession, welcome: Welcome): Promise<void> {
    this.#ping()
    this.#look()
    const ready = [...this.#listeners].map(async (listener) => listener.welcome?.(welcome))
    const settled = await Promise.allSettled(ready)
    if (session !== this.#current) return
    if (settled.some(({ status }) => status === 'rejected')) {
      // A socket without its subscriptions would look live and tell nothing.
      session.close()
      return
    }
    this.#change({ phase: 'live', lostAt: undefined })
  }

  #received(message: ServerMessage): void {
    const now = this.#options.clock.now()
    // Quietly: the view reads this when it looks, it is no event of its own.
    this.#connection = { ...this.#connection, lastReceivedAt: now }
    if (isProductive(message) && this.#connection.attempt > 0) this.#change({ attempt: 0 })
    if (this.#connection.phase === 'checking') this.#change({ phase: 'live' })
    if (message.type === 'goaway') this.#goAway(message)
    if (message.type === 'error' && message.code === 'CONNECTION_UNKNOWN') this.#current?.close()
  }

  #goAway(message: GoAway): void {
    this.#announcedClose = message.code
    if (message.code === closeCodes.revoked) return
    if (message.code === closeCodes.tokenExpired) this.#wantRenewedToken = true
    if (!this.#opening) this.#open()
  }

  #openingClosed(code: number): void {
    this.#opening = undefined
    this.#cancelHello()
    this.#refusals++
    // A refused handshake has no readable status in a browser: after two, suspect the token.
    if (this.#refusals >= 2 || code === closeCodes.tokenExpired) this.#wantRenewedToken = true
    if (code === closeCodes.revoked) this.#signOut('Your access was withdrawn.')
    else this.#retryLater()
  }

  #currentClosed(closeCode: number): void {
    const code = this.#announcedClose ?? closeCode
    this.#current = undefined
    this.#announcedClose = undefined
    this.#cancelLook()
    if (!this.#running) return
    const now = this.#options.clock.now()
    if (code === closeCodes.revoked) {
      this.#signOut('Your access was withdrawn.')
      return
    }
    if (code === closeCodes.tokenExpired) this.#wantRenewedToken = true
    this.#change({
      phase: 'reconnecting',
      lostAt: this.#connection.lostAt ?? now,
      openedAt: undefined,
    })
    if (!this.#opening) this.#retryLater()
  }

  #retryLater(): void {
    if (!this.#running) return
    const attempt = this.#connection.attempt + 1
    const waitMs = backoffMs(attempt, this.#options.random)
    const now = this.#options.clock.now()
    if (this.#current) {
      // A replacement failed; the old socket still works. Try again in its shadow.
      this.#connection = { ...this.#connection, attempt }
    } else {
      const lostAt = this.#connection.lostAt ?? now
      this.#change({ phase: 'reconnecting', attempt, nextTryAt: now + waitMs, lostAt })
    }
    this.#cancelRetry()
    this.#cancelRetry = this.#options.clock.after(waitMs, () => this.#open())
  }

  #signOut(reason: string): void {
    this.stop()
    this.#change({ phase: 'signed-out', reason })
  }

  /** Looks at the socket once a second. */
  #look(): void {
    this.#cancelLook()
    this.#cancelLook = this.#options.clock.after(LOOK_EVERY_MS, () => this.#look())
    const now = this.#options.clock.now()
    const verdict = judge(now, {
      pingSentAt: this.#pingSentAt,
      lastReceivedAt: this.#connection.lastReceivedAt ?? now,
      nextPingAt: this.#nextPingAt,
      lastLookAt: this.#lastLookAt,
    })
    this.#lastLookAt = now
    if (verdict === 'ping') this.#ping()
    if (verdict === 'checking' && this.#connection.phase === 'live') {
      this.#change({ phase: 'checking' })
    }
    if (verdict === 'dead') this.#current?.close()
    else this.#renewIfNeeded(now)
  }

  #renewIfNeeded(now: number): void {
    const { openedAt, tokenExpiresAt, clockOffsetMs } = this.#connection
    if (openedAt !== undefined && now - openedAt >= limits.connectionAgeMs && !this.#opening) {
      this.#open()
    }
    if (tokenExpiresAt === undefined || now < this.#nextRefreshAt) return
    if (tokenExpiresAt - (now + clockOffsetMs) > REFRESH_BEFORE_MS) return
    this.#nextRefreshAt = now + REFRESH_RETRY_MS
    void this.#refresh()
  }

  /** A new token on the live socket. Failing is no end: the next look tries again, the close code says when it is too late. */
  async #refresh(): Promise<void> {
    try {
      const token = await this.#options.token('renew')
      const { tokenExpiresAt } = await this.request({ action: 'refresh', token })
      this.#change({ tokenExpiresAt: tokenExpiresAt * 1_000 })
    } catch {
      return
    }
  }

  #ping(): void {
    const session = this.#current
    if (!session) return
    const { clock, random } = this.#options
    const t0 = clock.now()
    this.#pingSentAt = t0
    this.#nextPingAt = t0 + limits.pingIntervalMs * (0.8 + 0.4 * random())
    session.request({ action: 'ping', t0, positions: { ...this.#positions() } }).then(
      (pong) => this.#ponged(session, t0, pong),
      // Silence is judged by the look, an error answer proves that the socket lives.
      () => undefined,
    )
  }

  #ponged(session: SocketSession, t0: number, pong: Pong): void {
    if (session !== this.#current) return
    if (this.#pingSentAt === t0) this.#pingSentAt = undefined
    const t3 = this.#options.clock.now()
    this.#change({
      roundTripMs: Math.max(0, t3 - t0 - (pong.t2 - pong.t1)),
      clockOffsetMs: (pong.t1 - t0 + (pong.t2 - t3)) / 2,
    })
  }

  #change(change: Partial<Connection>): void {
    const moved = change.phase !== undefined && change.phase !== this.#connection.phase
    const since = moved ? this.#options.clock.now() : this.#connection.since
    this.#connection = { ...this.#connection, since, ...change }
    for (const listener of this.#listeners) listener.connection?.(this.#connection)
  }
}

/** Only these prove that the service works for us: a socket that opens and dies must not reset the backoff. */
function isProductive(message: ServerMessage): boolean {
  return message.type === 'data' || message.type === 'subscribed'
}
