import {
  type Action,
  BEARER_PREFIX,
  type ServerMessage,
  SUBPROTOCOL,
} from '@gaugeline/backend/protocol'
import type { Clock } from './clock.ts'
import { type Answers, type Request, RequestFailed } from './stream-client.ts'

/** The part of a browser WebSocket that a session uses. */
export interface SocketLike {
  send(text: string): void
  close(code?: number, reason?: string): void
  onopen: (() => void) | null
  onmessage: ((event: { data: unknown }) => void) | null
  onclose: ((event: { code: number; reason: string }) => void) | null
}
export type OpenSocket = (url: string, protocols: string[]) => SocketLike

export interface SessionEvents {
  open(session: SocketSession): void
  message(session: SocketSession, message: ServerMessage): void
  /** Exactly once, also when this side closed. */
  close(session: SocketSession, code: number): void
}

interface Pending {
  resolve(message: ServerMessage): void
  reject(error: RequestFailed): void
  cancel(): void
}

export interface SessionOptions {
  readonly url: string
  readonly token: string
  readonly openSocket: OpenSocket
  readonly clock: Clock
  readonly events: SessionEvents
  /** Message ids grow over all sessions of a client: the server lets the last of a burst win by them. */
  readonly nextId: () => number
  readonly answerTimeoutMs?: number
}

/** Silence after which a request fails. A cold function may take seconds to answer. */
const ANSWER_TIMEOUT_MS = 15_000

/** One WebSocket from opening to close: framing, request ids, answers. Knows nothing of reconnecting or of telemetry. */
export class SocketSession {
  readonly #options: SessionOptions
  readonly #socket: SocketLike
  readonly #pending = new Map<number, Pending>()
  #closed = false

  constructor(options: SessionOptions) {
    this.#options = options
    // The token travels as a subprotocol: a URL would be logged.
    this.#socket = options.openSocket(options.url, [SUBPROTOCOL, BEARER_PREFIX + options.token])
    this.#socket.onopen = () => {
      if (!this.#closed) options.events.open(this)
    }
    this.#socket.onmessage = (event) => this.#receive(event.data)
    this.#socket.onclose = (event) => this.#end(event.code)
  }

  /** Sends a message and gives its answer. Rejects with {@link RequestFailed}. */
  request<A extends Action>(message: Request<A> & { readonly action: A }): Promise<Answers[A]> {
    if (this.#closed) return Promise.reject(closedError())
    const id = this.#options.nextId()
    return new Promise((resolve, reject) => {
      const timeoutMs = this.#options.answerTimeoutMs ?? ANSWER_TIMEOUT_MS
      const cancel = this.#options.clock.after(timeoutMs, () => {
        this.#pending.delete(id)
        reject(
          new RequestFailed('TIMEOUT', `No answer to ${message.action} for ${timeoutMs / 1000} s`),
        )
      })
      // The wire has no type per id; the server answers each action with its own message.
      const settle = resolve as (message: ServerMessage) => void
      this.#pending.set(id, { resolve: settle, reject, cancel })
      this.#socket.send(JSON.stringify({ ...message, id }))
    })
  }

  close(code = 1000): void {
    if (this.#closed) return
    this.#socket.close(code)
    // A dead network would let the close event wait for minutes; the session is over now.
    this.#end(code)
  }

  #receive(data: unknown): void {
    if (this.#closed || typeof data !== 'string') return
    const message = parse(data)
    if (!message) return
    this.#options.events.message(this, message)
    if ('id' in message && typeof message.id === 'number') this.#answer(message.id, message)
  }

  #answer(id: number, message: ServerMessage): void {
    const pending = this.#pending.get(id)
    if (!pending) return
    this.#pending.delete(id)
    pending.cancel()
    if (message.type === 'error') {
      pending.reject(new RequestFailed(message.code, message.message, message.retryAfterMs))
    } else pending.resolve(message)
  }

  #end(code: number): void {
    if (this.#closed) return
    this.#closed = true
    for (const pending of this.#pending.values()) {
      pending.cancel()
      pending.reject(closedError())
    }
    this.#pending.clear()
    this.#options.events.close(this, code)
  }
}

const closedError = (): RequestFailed => new RequestFailed('CLOSED', 'The connection is closed')

/** A frame that is not one of ours (API Gateway's own error frames have no `type`) is no message. */
function parse(text: string): ServerMessage | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const isMessage = typeof value === 'object' && value !== null && 'type' in value
    return isMessage ? (value as ServerMessage) : undefined
  } catch {
    return undefined
  }
}
