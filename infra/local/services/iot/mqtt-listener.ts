import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { StartError } from '../../platform/errors.ts'

/** A TCP server on 127.0.0.1 that knows its sockets. */
export interface MqttListener {
  /** Resolves with the port. Throws StartError `PORT_IN_USE`. */
  start(port: number): Promise<number>
  /** Cuts the connections that are left. */
  stop(): Promise<void>
}

export function mqttListener(accept: (socket: Socket) => void): MqttListener {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('close', () => sockets.delete(socket))
    accept(socket)
  })
  return {
    start: (port) =>
      new Promise((resolve, reject) => {
        server.once('error', (error: NodeJS.ErrnoException) => {
          reject(error.code === 'EADDRINUSE' ? portInUse(port, error) : error)
        })
        server.listen(port, '127.0.0.1', () => {
          resolve((server.address() as AddressInfo).port)
        })
      }),
    stop: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => {
          resolve()
        })
      }),
  }
}

function portInUse(port: number, cause: Error): StartError {
  return new StartError(
    'PORT_IN_USE',
    `Port ${port} is in use, and MQTT needs it; stop what uses it or choose another one with --mqtt-port N (0 = any).`,
    { cause },
  )
}
