import type { WebSocket } from 'ws'

/** A socket that keeps what it got until it is read. */
export interface Client {
  readonly socket: WebSocket
  /** The 101 response's subprotocol. */
  readonly protocol: string
  send(message: unknown): void
  /** The next message that has not been read yet. */
  next(): Promise<{ readonly text: string; readonly isBinary: boolean }>
  /** Messages that have arrived and not been read. */
  unread(): number
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>
}

/** The status and body of a handshake that was refused. */
export class Refused extends Error {
  readonly status: number
  readonly body: string
  constructor(status: number, body: string) {
    super(`refused with ${status}`)
    this.status = status
    this.body = body
  }
}

/** Waits for the handshake. Rejects with {@link Refused} when it is answered with anything but 101. */
export async function openClient(socket: WebSocket): Promise<Client> {
  const messages: { text: string; isBinary: boolean }[] = []
  const waiting: (() => void)[] = []
  socket.on('message', (data: Buffer, isBinary) => {
    messages.push({ text: data.toString(), isBinary })
    waiting.shift()?.()
  })
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => {
      resolve({ code, reason: reason.toString() })
    })
  })
  await new Promise<void>((resolve, reject) => {
    socket.on('open', resolve)
    socket.on('error', reject)
    socket.on('unexpected-response', (request, response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => (body += chunk.toString()))
      response.on('end', () => {
        request.destroy()
        reject(new Refused(response.statusCode ?? 0, body))
      })
    })
  })
  return {
    socket,
    protocol: socket.protocol,
    closed,
    unread: () => messages.length,
    send(message) {
      socket.send(typeof message === 'string' ? message : JSON.stringify(message))
    },
    async next() {
      while (messages.length === 0) await new Promise<void>((resolve) => waiting.push(resolve))
      return messages.shift()!
    },
  }
}
