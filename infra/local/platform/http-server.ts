import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http'

/** A connection that has not sent the whole head of a request by then is closed: it holds a socket and asks nothing. */
const HEAD_MS = 10_000
/** A whole request, its body too. */
const REQUEST_MS = 30_000
const LOOK_EVERY_MS = 5000

/** A server of HTTP/1.1 that keeps no silent and no half-open connection, and whose clients may leave in the middle. */
export function createHttpServer(handler: RequestListener, options: ServerOptions = {}): Server {
  const limits = {
    headersTimeout: HEAD_MS,
    requestTimeout: REQUEST_MS,
    connectionsCheckingInterval: LOOK_EVERY_MS,
  }
  return createServer({ ...limits, ...options }, handler)
}

/** Closes a TCP connection that has sent nothing by then; for servers that look at the first bytes themselves. */
export function expectFirstBytes(socket: {
  setTimeout(ms: number, onTimeout?: () => void): unknown
  once(event: 'data', listener: () => void): unknown
  destroy(): unknown
}): void {
  socket.setTimeout(HEAD_MS, () => socket.destroy())
  socket.once('data', () => socket.setTimeout(0))
}
