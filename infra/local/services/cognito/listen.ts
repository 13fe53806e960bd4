import type { RequestListener, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { StartError } from '../../platform/errors.ts'
import { createHttpServer } from '../../platform/http-server.ts'

/** Opens the port on loopback; 0 = any. Throws StartError `PORT_UNAVAILABLE`. */
export function listen(
  port: number,
  handler: RequestListener,
): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createHttpServer(handler)
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const reason =
        cause.code === 'EADDRINUSE' ? 'is in use' : `cannot be opened: ${cause.message}`
      const message = `The sign-in service's port ${port} ${reason}. Choose another.`
      reject(new StartError('PORT_UNAVAILABLE', message, { cause }))
    })
    server.listen(port, '127.0.0.1', () => {
      resolve({ server, port: (server.address() as AddressInfo).port })
    })
  })
}

/** Ends open connections too: browsers keep them. */
export async function close(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => {
      resolve()
    })
    server.closeAllConnections()
  })
}
