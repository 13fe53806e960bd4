import type { Duplex } from 'node:stream'
import { WebSocket } from 'ws'
import type { Clock } from '../../platform/types.ts'
import type { ConnectionFacts } from './events.ts'
import { createFrameGuard } from './frame-guard.ts'
import { messageIntake } from './message-intake.ts'
import type { Api, Stage } from './model.ts'
import { MAX_FRAME_BYTES, textFrames } from './text-frames.ts'

/** APIGW-84: one message, either direction. */
export const MAX_MESSAGE_BYTES = 131_072
/** APIGW-87, APIGW-88. */
const IDLE_MS = 10 * 60_000
const MAX_AGE_MS = 2 * 60 * 60_000

/** An open WebSocket. */
export interface Connection {
  readonly facts: ConnectionFacts
  readonly api: Api
  readonly stage: Stage
  /** Epoch ms of the last message in either direction (MGMT-2, APIGW-87). */
  lastActiveMs(): number
  /** Aborted when the connection is over. */
  readonly ended: AbortSignal
  /** Bytes that the client has not taken yet. */
  bufferedBytes(): number
  /** Sends one text message. A message over 128 KB closes the connection with 1009 (APIGW-84). */
  send(message: Buffer): void
  /** Starts the closing handshake; the connection is over at once for everybody else. */
  close(code: number, reason?: string): void
}

export interface ConnectionOptions {
  readonly webSocket: WebSocket
  readonly socket: Duplex
  readonly facts: ConnectionFacts
  readonly api: Api
  readonly stage: Stage
  readonly clock: Clock
  /** A client that reads slower than this many bytes behind is not listened to until it has caught up. */
  readonly maxBufferedBytes: number
  /** Resolves when the message is done with; never rejects. */
  readonly onMessage: (connection: Connection, body: string) => Promise<void>
  /** Once, however it ended. */
  readonly onEnd: (connection: Connection, code: number, reason: string) => void
}

/** Close codes for what `ws` refuses to read (RFC 6455, 7.4.1). */
const ERROR_CODES: Readonly<Record<string, number>> = {
  WS_ERR_INVALID_UTF8: 1007,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1008,
}

/** Takes over a socket whose handshake has just been answered. */
export function openConnection(options: ConnectionOptions): Connection {
  const { webSocket, socket, clock, facts, maxBufferedBytes } = options
  const openedMs = clock.monotonic()
  let lastActiveMs = clock.now()
  let activeMs = openedMs
  const over = new AbortController()
  let ended = false
  let cancelTimer = clock.after(IDLE_MS, checkAge)

  function isActive(): void {
    lastActiveMs = clock.now()
    activeMs = clock.monotonic()
  }

  function end(code: number, reason: string): void {
    if (ended) return
    ended = true
    cancelTimer()
    intake.stop()
    over.abort()
    // What still comes is not listened to, but the client's part of the closing handshake is read.
    hold('full', false)
    hold('unread', false)
    options.onEnd(connection, code, reason)
  }

  function checkAge(): void {
    const leftMs = Math.min(activeMs + IDLE_MS, openedMs + MAX_AGE_MS) - clock.monotonic()
    if (leftMs > 0) cancelTimer = clock.after(leftMs, checkAge)
    else connection.close(1001, 'Going away') // APIGW-89
  }

  /** Why the client is not read from at the moment: it reads too slowly itself, or its messages have to wait. */
  const holds = new Set<'unread' | 'full'>()
  function hold(reason: 'unread' | 'full', isHeld: boolean): void {
    if (isHeld) holds.add(reason)
    else holds.delete(reason)
    if (holds.size > 0 && !webSocket.isPaused) webSocket.pause()
    else if (holds.size === 0 && webSocket.isPaused) webSocket.resume()
  }
  const intake = messageIntake({
    run: (body) => options.onMessage(connection, body),
    full: (isFull) => {
      hold('full', isFull)
    },
  })

  const connection: Connection = {
    facts,
    ended: over.signal,
    api: options.api,
    stage: options.stage,
    lastActiveMs: () => lastActiveMs,
    bufferedBytes: () => socket.writableLength,
    send(message) {
      if (ended || webSocket.readyState !== WebSocket.OPEN) return
      if (message.length > MAX_MESSAGE_BYTES) {
        connection.close(1009, 'Message too big')
        return
      }
      isActive()
      socket.write(textFrames(message))
      if (socket.writableLength > maxBufferedBytes && !holds.has('unread')) {
        hold('unread', true)
        socket.once('drain', () => {
          hold('unread', false)
        })
      }
    },
    close(code, reason = '') {
      if (ended) return
      webSocket.close(code, reason)
      end(code, reason)
    },
  }

  // APIGW-84: `ws` reads a chunk between these two listeners, so what came before a frame that is too long is handled first.
  const guard = createFrameGuard(MAX_FRAME_BYTES)
  let messages = 0
  socket.prependListener('data', (chunk: Buffer) => {
    guard.read(chunk)
  })
  socket.on('data', () => {
    if (guard.messagesBeforeTooLong() !== undefined) connection.close(1009, 'Frame too long')
  })

  webSocket.on('message', (data: Buffer, isBinary) => {
    if (ended || ++messages > (guard.messagesBeforeTooLong() ?? Infinity)) return
    if (isBinary) {
      connection.close(1003, 'Binary is not supported') // APIGW-82
      return
    }
    isActive()
    intake.take(data.toString('utf8'))
  })
  webSocket.on('error', (error: NodeJS.ErrnoException) => {
    end(ERROR_CODES[error.code ?? ''] ?? 1002, error.message)
  })
  webSocket.on('close', (code, reason) => {
    // APIGW-47
    end(code, code === 1005 ? 'Client-side close frame status not set' : reason.toString('utf8'))
  })
  return connection
}
