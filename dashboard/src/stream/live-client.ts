import {
  type Action,
  closeCodes,
  type GoAway,
  limits,
  type Position,
  type ServerMessage,
  type Welcome,
} from '@gaugeline/backend/protocol'
import { backoffMs } from './backoff.ts'
import type { Clock } from './clock.ts'
import { ConnectionState } from './connection-state.ts'
import { Pulse } from './pulse.ts'
import { SessionOpener } from './session-opener.ts'
import type { OpenSocket, SocketSession } from './socket-session.ts'
import {
  type Answers,
  type Connection,
  type Request,
  RequestFailed,
  type StreamClient,
  type StreamListener,
} from './stream-client.ts'
import { TokenRefresh } from './token-refresh.ts'
import type { TokenSource } from './token-source.ts'

export interface LiveClientOptions {
  readonly url: string
  readonly token: TokenSource
  readonly openSocket: OpenSocket
  readonly clock: Clock
  readonly random: () => number
  /** Sent in `hello`, for the server's log. */
  readonly name: string
}

/** The old socket stays open this long after its successor is ready: pushes on their way to it still arrive. */
const OVERLAP_MS = 3_000

/**
 * The live stream: one WebSocket at a time (two while one replaces the other), opened again for ever with full-jitter backoff.
 * Keeps no telemetry: listeners subscribe again on every `welcome`.
 */
export class LiveClient implements StreamClient {
  readonly #options: LiveClientOptions
  readonly #opener: SessionOpener
  readonly #pulse: Pulse
  readonly #refresh: TokenRefresh
  readonly #state: ConnectionState
  #current: SocketSession | undefined
  #running = false
  #cancelRetry = (): void => undefined
  #announcedClose: number | undefined

  constructor(options: LiveClientOptions) {
    const { clock, random } = options
    this.#options = options
    this.#state = new ConnectionState(clock)
    this.#refresh = new TokenRefresh({
      token: options.token,
      send: (token) => this.request({ action: 'refresh', token }),
      refreshed: (tokenExpiresAt) => this.#state.change({ tokenExpiresAt }),
    })
    this.#opener = new SessionOpener({
      ...options,
      events: {
        greeting: () => this.#greeting(),
        ready: (session, welcome) => this.#welcomed(session, welcome),
        failed: (code) => this.#openingFailed(code),
        signInNeeded: (reason) => this.#signOut(reason),
        message: (session, message) => this.#heard(session, message),
        closed: (session, code) => {
          if (session === this.#current) this.#currentClosed(code)
        },
      },
    })
    this.#pulse = new Pulse({
      clock,
      random,
      lastReceivedAt: () => this.#state.current.lastReceivedAt,
      session: () => this.#current,
      events: {
        checking: () => {
          if (this.#state.current.phase === 'live') this.#state.change({ phase: 'checking' })
        },
        dead: () => this.#current?.close(),
        looked: (now) => this.#renewIfNeeded(now),
        measured: (change) => this.#state.change(change),
      },
    })
  }

  start(): void {
    if (this.#running) return
    this.#running = true
    this.#open()
  }

  stop(): void {
    this.#running = false
    this.#cancelRetry()
    this.#pulse.stop()
    this.#opener.stop()
    this.#current?.close()
    this.#current = undefined
    this.#state.change({ phase: 'idle' })
  }

  connection(): Connection {
    return this.#state.current
  }

  listen(listener: StreamListener): () => void {
    return this.#state.listen(listener)
  }

  request<A extends Action>(message: Request<A> & { readonly action: A }): Promise<Answers[A]> {
    const session = this.#current
    if (!session) {
      return Promise.reject(new RequestFailed('CLOSED', 'There is no connection now'))
    }
    return session.request<A>(message)
  }

  reportPositions(source: () => Readonly<Record<string, Position>>): void {
    this.#pulse.positions = source
  }

  wake(): void {
    if (!this.#running || this.#opener.isOpening) return
    if (this.#current) this.#pulse.beat()
    else this.#open()
  }

  #open(): void {
    this.#cancelRetry()
    if (!this.#current && this.#state.current.attempt === 0 && !this.#state.current.lostAt) {
      this.#state.change({ phase: 'connecting' })
    }
    this.#opener.open()
  }

  #greeting(): void {
    if (!this.#current && !this.#state.current.lostAt) this.#state.change({ phase: 'hello' })
  }

  #welcomed(session: SocketSession, welcome: Welcome): void {
    const old = this.#current
    this.#current = session
    this.#announcedClose = undefined
    this.#refresh.restart()
    const now = this.#options.clock.now()
    this.#state.change({
      // One socket replaces another: for the person nothing was ever away.
      phase: old ? this.#state.current.phase : 'resuming',
      welcome,
      openedAt: now,
      lastReceivedAt: now,
      nextTryAt: undefined,
      tokenExpiresAt: welcome.tokenExpiresAt * 1_000,
      clockOffsetMs: welcome.serverTime - now,
    })
    if (old) this.#options.clock.after(OVERLAP_MS, () => old.close())
    this.#pulse.start()
    void this.#resume(session, welcome)
  }

  async #resume(session: SocketSession, welcome: Welcome): Promise<void> {
    const isSubscribed = await this.#state.resumeAll(welcome)
    if (session !== this.#current) return
    if (isSubscribed) this.#state.change({ phase: 'live', lostAt: undefined })
    // A socket without its subscriptions would look live and tell nothing.
    else session.close()
  }

  #heard(session: SocketSession, message: ServerMessage): void {
    if (session === this.#current) this.#received(message)
    this.#state.tell(message)
  }

  #received(message: ServerMessage): void {
    this.#state.changeQuietly({ lastReceivedAt: this.#options.clock.now() })
    if (isProductive(message) && this.#state.current.attempt > 0) this.#state.change({ attempt: 0 })
    if (this.#state.current.phase === 'checking') this.#state.change({ phase: 'live' })
    if (message.type === 'goaway') this.#goAway(message)
    if (message.type === 'error' && message.code === 'CONNECTION_UNKNOWN') this.#current?.close()
  }

  #goAway(message: GoAway): void {
    this.#announcedClose = message.code
    if (message.code === closeCodes.revoked) return
    if (message.code === closeCodes.tokenExpired) this.#opener.suspectToken()
    if (!this.#opener.isOpening) this.#open()
  }

  #openingFailed(code: number | undefined): void {
    if (code === closeCodes.revoked) this.#signOut('Your access was withdrawn.')
    else this.#retryLater()
  }

  #currentClosed(closeCode: number): void {
    const code = this.#announcedClose ?? closeCode
    this.#current = undefined
    this.#announcedClose = undefined
    this.#pulse.stop()
    if (!this.#running) return
    if (code === closeCodes.revoked) {
      this.#signOut('Your access was withdrawn.')
      return
    }
    if (code === closeCodes.tokenExpired) this.#opener.suspectToken()
    const lostAt = this.#state.current.lostAt ?? this.#options.clock.now()
    this.#state.change({ phase: 'reconnecting', lostAt, openedAt: undefined })
    if (!this.#opener.isOpening) this.#retryLater()
  }

  #retryLater(): void {
    if (!this.#running) return
    const attempt = this.#state.current.attempt + 1
    const waitMs = backoffMs(attempt, this.#options.random)
    const now = this.#options.clock.now()
    if (this.#current) {
      // A replacement failed; the old socket still works. Try again in its shadow.
      this.#state.changeQuietly({ attempt })
    } else {
      const lostAt = this.#state.current.lostAt ?? now
      this.#state.change({ phase: 'reconnecting', attempt, nextTryAt: now + waitMs, lostAt })
    }
    this.#cancelRetry()
    this.#cancelRetry = this.#options.clock.after(waitMs, () => this.#open())
  }

  #signOut(reason: string): void {
    this.stop()
    this.#state.change({ phase: 'signed-out', reason })
  }

  #renewIfNeeded(now: number): void {
    const { openedAt, tokenExpiresAt, clockOffsetMs } = this.#state.current
    const isOld = openedAt !== undefined && now - openedAt >= limits.connectionAgeMs
    if (isOld && !this.#opener.isOpening) this.#open()
    if (tokenExpiresAt === undefined) return
    this.#refresh.look(now, { tokenExpiresAt, serverNow: now + clockOffsetMs })
  }
}

/** Only these prove that the service works for us: a socket that opens and dies must not reset the backoff. */
function isProductive(message: ServerMessage): boolean {
  return message.type === 'data' || message.type === 'subscribed'
}
