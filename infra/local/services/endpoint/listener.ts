import type { RequestListener, Server } from 'node:http'
import { createServer as createHttp2Server, type Http2Server } from 'node:http2'
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net'
import { StartError } from '../../platform/errors.ts'
import { createHttpServer, expectFirstBytes } from '../../platform/http-server.ts'

export interface Listener {
  readonly port: number
  /** Closes the port and every connection. */
  close(): Promise<void>
}

/**
 * One port for HTTP/1.1 and cleartext HTTP/2 (RFC 9113 section 3.3, prior knowledge): the JavaScript client of Kinesis speaks only HTTP/2.
 * The first bytes of a connection tell which.
 */
export async function listen(
  handler: RequestListener,
  { host, port }: { readonly host: '127.0.0.1' | '::1'; readonly port: number },
): Promise<Listener> {
  const http1 = createHttpServer(handler, { keepAliveTimeout: 60_000 })
  // The compatibility API hands HTTP/2 streams to the same handler; only the declared types differ.
  const http2 = createHttp2Server(handler as unknown as Parameters<typeof createHttp2Server>[0])
  const sockets = new Set<Socket>()
  const server = createTcpServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    handOver(socket, http1, http2)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(listenError(cause, host, port))
    })
    server.listen(port, host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        for (const socket of sockets) socket.destroy()
      }),
  }
}

function handOver(socket: Socket, http1: Server, http2: Http2Server): void {
  socket.setNoDelay(true)
  expectFirstBytes(socket)
  socket.once('data', (first) => {
    socket.pause()
    socket.unshift(first)
    const isHttp2 = first.subarray(0, 3).toString('latin1') === 'PRI'
    ;(isHttp2 ? http2 : http1).emit('connection', socket)
    if (!isHttp2) socket.resume()
  })
}

function listenError(cause: NodeJS.ErrnoException, host: string, port: number): StartError {
  const reason =
    cause.code === 'EADDRINUSE'
      ? 'is in use by another program'
      : `cannot be opened: ${cause.message}`
  return new StartError(
    'AWS_PORT',
    `Port ${port} of ${host} for the AWS APIs ${reason}. Choose another one, or 0 for any.`,
    { cause },
  )
}
