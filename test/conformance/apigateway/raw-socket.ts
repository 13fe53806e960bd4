import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

export interface RawRequest {
  readonly path?: string
  /** Instead of those of a handshake. */
  readonly headers?: readonly string[]
  /** Beside those of a handshake. */
  readonly more?: readonly string[]
  readonly method?: string
  /** Sent in one go with the request. */
  readonly after?: Buffer
}

export interface RawSocket {
  readonly socket: Socket
  /** Status line and headers. */
  readonly response: string
  /** What came after them. */
  readonly received: () => Buffer
  readonly ended: Promise<void>
}

/** A TCP (or TLS) connection whose handshake was answered, for requests and frames that no client would send. */
export async function rawUpgrade(address: string, request: RawRequest = {}): Promise<RawSocket> {
  const { protocol, hostname, host, port, pathname } = new URL(address)
  const socket =
    protocol === 'wss:'
      ? connectTls({ host: hostname, port: Number(port || 443), servername: hostname })
      : connect(Number(port || 80), hostname)
  const { path = pathname, method = 'GET', more = [], after = Buffer.alloc(0) } = request
  const headers = request.headers ?? [
    `Host: ${host}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
    ...more,
  ]
  socket.write(
    Buffer.concat([
      Buffer.from(`${method} ${path} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`),
      after,
    ]),
  )
  let bytes = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => (bytes = Buffer.concat([bytes, chunk])))
  const ended = new Promise<void>((resolve) => {
    socket.on('close', () => {
      resolve()
    })
    socket.on('error', () => undefined)
  })
  while (!bytes.includes('\r\n\r\n') && !socket.closed) await once(socket, 'data')
  const end = bytes.indexOf('\r\n\r\n') + 4
  const response = bytes.subarray(0, end).toString()
  return { socket, response, received: () => bytes.subarray(end), ended }
}
