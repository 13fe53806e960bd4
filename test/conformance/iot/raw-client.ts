import { connect } from 'node:net'
import type { Socket } from 'node:net'
import mqttPacket from 'mqtt-packet'
import type { Packet } from 'mqtt-packet'

/** An MQTT client that sends exactly what it is told, also what no library would. */
export interface RawClient {
  readonly received: Packet[]
  send(...packets: Packet[]): void
  /** Bytes as they are. */
  write(bytes: Buffer): void
  /** The first packet of that kind. */
  next(cmd: string): Promise<Packet>
  closed(): Promise<void>
  destroy(): void
}

export async function rawConnect(
  port: number,
  options: {
    readonly clientId: string
    readonly username?: string
    readonly keepalive?: number
    readonly clean?: boolean
    readonly will?: { readonly topic: string; readonly payload: Buffer; readonly qos: 0 | 1 }
  },
): Promise<RawClient> {
  const socket = connect(port, '127.0.0.1')
  await new Promise((resolve) => socket.once('connect', resolve))
  const client = wrap(socket)
  client.send({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: options.clean ?? true,
    keepalive: options.keepalive ?? 60,
    clientId: options.clientId,
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(options.will === undefined ? {} : { will: { ...options.will, retain: false } }),
  })
  return client
}

function wrap(socket: Socket): RawClient {
  const received: Packet[] = []
  const listeners = new Set<() => void>()
  const parser = mqttPacket.parser()
  let isClosed = false
  const notify = (): void => {
    for (const listener of listeners) listener()
  }
  parser.on('packet', (packet) => {
    received.push(packet)
    notify()
  })
  socket.on('data', (chunk) => parser.parse(chunk))
  socket.on('error', () => undefined)
  socket.on('close', () => {
    isClosed = true
    notify()
  })
  const until = <T>(look: () => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        const found = look()
        if (found === undefined && !isClosed) return
        listeners.delete(check)
        if (found === undefined) reject(new Error('the connection was closed'))
        else resolve(found)
      }
      listeners.add(check)
      check()
    })
  return {
    received,
    send(...packets) {
      socket.write(Buffer.concat(packets.map((packet) => mqttPacket.generate(packet))))
    },
    write: (bytes) => void socket.write(bytes),
    next: (cmd) => until(() => received.find((packet) => packet.cmd === cmd)),
    closed: async () => {
      await until(() => (isClosed ? true : undefined))
    },
    destroy: () => {
      socket.destroy()
    },
  }
}
