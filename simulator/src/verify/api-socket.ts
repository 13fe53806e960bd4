import {
  BEARER_PREFIX,
  SUBPROTOCOL,
  type ClientMessageInput,
  type ServerMessage,
} from '@gaugeline/backend/protocol'
import type { SecureContext } from 'node:tls'
import WebSocket from 'ws'

type WithoutId<Message> = Message extends { id: number } ? Omit<Message, 'id'> : never

const answerWithinMs = 10_000

/** One socket of the WebSocket API: requests with their answers, and what is pushed. */
export class ApiSocket {
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, (answer: ServerMessage | undefined) => void>()
  #id = 0

  private constructor(socket: WebSocket, pushed: (message: ServerMessage) => void) {
    this.#socket = socket
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString('utf8')) as ServerMessage
      const id = 'id' in message ? message.id : undefined
      const wanted = typeof id === 'number' ? this.#waiting.get(id) : undefined
      if (wanted) wanted(message)
      else pushed(message)
    })
    socket.on('close', () => {
      for (const wanted of this.#waiting.values()) wanted(undefined)
    })
  }

  /** Resolves when the socket is open; rejects with a sentence that has the HTTP status of a refused handshake. */
  static async open(options: {
    readonly url: string
    readonly token: string
    readonly secureContext?: SecureContext | undefined
    readonly pushed: (message: ServerMessage) => void
    readonly closed: () => void
  }): Promise<ApiSocket> {
    const socket = new WebSocket(options.url, [SUBPROTOCOL, BEARER_PREFIX + options.token], {
      handshakeTimeout: answerWithinMs,
      ...(options.secureContext && { secureContext: options.secureContext }),
    })
    const api = new ApiSocket(socket, options.pushed)
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve)
      socket.once('error', reject)
    })
    socket.on('error', () => undefined)
    socket.once('close', options.closed)
    return api
  }

  /** The answer, or undefined when the socket closed or nothing came within ten seconds. */
  request(message: WithoutId<ClientMessageInput>): Promise<ServerMessage | undefined> {
    const id = ++this.#id
    return new Promise((resolve) => {
      const finish = (answer: ServerMessage | undefined): void => {
        clearTimeout(timer)
        this.#waiting.delete(id)
        resolve(answer)
      }
      const timer = setTimeout(() => {
        finish(undefined)
      }, answerWithinMs)
      if (this.#socket.readyState !== WebSocket.OPEN) {
        finish(undefined)
        return
      }
      this.#waiting.set(id, finish)
      this.#socket.send(JSON.stringify({ ...message, id }))
    })
  }

  close(): void {
    this.#socket.close()
  }
}
