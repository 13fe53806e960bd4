import { closeCodes, type ServerMessage, type Welcome } from '@gaugeline/backend/protocol'
import type { Clock } from './clock.ts'
import { type OpenSocket, type SessionEvents, SocketSession } from './socket-session.ts'
import { SignInNeeded, type TokenSource } from './token-source.ts'

const HELLO_TIMEOUT_MS = 15_000
/** A refused handshake has no readable status in a browser: after so many, suspect the token. */
const REFUSALS_BEFORE_RENEWAL = 2

export interface OpenerEvents {
  /** The socket is open, `hello` is on its way. */
  greeting(): void
  /** The session is the caller's from here on. */
  ready(session: SocketSession, welcome: Welcome): void
  /** No session came of it: the token could not be had (no code) or the socket closed before `welcome`. */
  failed(code?: number): void
  /** Only the person can help. */
  signInNeeded(reason: string): void
  /** What any session receives, also before it is ready. */
  message(session: SocketSession, message: ServerMessage): void
  /** A session that had been ready is over. */
  closed(session: SocketSession, code: number): void
}

export interface OpenerOptions {
  readonly url: string
  readonly token: TokenSource
  readonly openSocket: OpenSocket
  readonly clock: Clock
  /** Sent in `hello`, for the server's log. */
  readonly name: string
  readonly events: OpenerEvents
}

/** The way to a session: token, handshake, `hello`, `welcome`. One at a time, and no second try by itself. */
export class SessionOpener {
  readonly #options: OpenerOptions
  #opening: SocketSession | undefined
  /** Grows with each opening; an await that comes back to another number is obsolete. */
  #round = 0
  #cancelHello = (): void => undefined
  #lastId = 0
  #refusals = 0
  #wantRenewedToken = false

  constructor(options: OpenerOptions) {
    this.#options = options
  }

  /** True from the opened socket on until the session is ready or has failed. */
  get isOpening(): boolean {
    return this.#opening !== undefined
  }

  /** The next opening asks for a newer token than the last. */
  suspectToken(): void {
    this.#wantRenewedToken = true
  }

  open(): void {
    const round = ++this.#round
    const { token, events } = this.#options
    token(this.#wantRenewedToken ? 'renew' : 'current').then(
      (jwt) => {
        if (round !== this.#round) return
        this.#wantRenewedToken = false
        this.#openWith(jwt)
      },
      (error: unknown) => {
        if (round !== this.#round) return
        // An issuer that is down says nothing about the token we have: the service may still know its key.
        this.#wantRenewedToken = false
        if (error instanceof SignInNeeded) events.signInNeeded(error.message)
        else events.failed()
      },
    )
  }

  stop(): void {
    this.#round++
    this.#cancelHello()
    const session = this.#opening
    this.#opening = undefined
    session?.close()
  }

  #openWith(token: string): void {
    const { url, openSocket, clock } = this.#options
    const nextId = (): number => ++this.#lastId
    const events = this.#sessionEvents
    const session = new SocketSession({ url, token, openSocket, clock, events, nextId })
    this.#opening = session
    this.#cancelHello()
    this.#cancelHello = clock.after(HELLO_TIMEOUT_MS, () => session.close())
  }

  readonly #sessionEvents: SessionEvents = {
    open: (session) => {
      if (session !== this.#opening) return
      this.#refusals = 0
      this.#options.events.greeting()
      session.request({ action: 'hello', client: this.#options.name }).then(
        (welcome) => this.#welcomed(session, welcome),
        // No welcome, no use: the close event says what comes next.
        () => session.close(),
      )
    },
    message: (session, message) => this.#options.events.message(session, message),
    close: (session, code) => {
      if (session === this.#opening) this.#refused(code)
      else this.#options.events.closed(session, code)
    },
  }

  #welcomed(session: SocketSession, welcome: Welcome): void {
    if (session !== this.#opening) return
    this.#cancelHello()
    this.#opening = undefined
    this.#options.events.ready(session, welcome)
  }

  #refused(code: number): void {
    this.#opening = undefined
    this.#cancelHello()
    this.#refusals++
    const isSuspect = this.#refusals >= REFUSALS_BEFORE_RENEWAL || code === closeCodes.tokenExpired
    if (isSuspect) this.suspectToken()
    this.#options.events.failed(code)
  }
}
