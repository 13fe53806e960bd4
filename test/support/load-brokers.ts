import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { generate, parser, type Packet } from 'mqtt-packet'

/** A broker in a process of its own. */
export interface BrokerProcess {
  readonly url: string
  readonly port: number
  readonly child: ChildProcess
  /** Resolves when readings have come. */
  readonly flows: Promise<void>
  readonly stop: () => void
}

const script = fileURLToPath(new URL('aedes-broker.mjs', import.meta.url))

/** `aedes` in a child process; `port` 0 takes any. */
export async function startAedes(port = 0): Promise<BrokerProcess> {
  const child = spawn(process.execPath, [script, String(port)], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const flows = new Promise<void>((resolve) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      if (chunk.toString('utf8').includes('flows')) resolve()
    })
  })
  const [chunk] = (await once(child.stdout!, 'data')) as [Buffer]
  return brokerProcess(child, Number.parseInt(chunk.toString('utf8'), 10), flows)
}

export const hasMosquitto =
  spawnSync('mosquitto', ['-h'], { stdio: 'ignore', env: pathWithSbin() }).error === undefined

/** Eclipse Mosquitto, where it is installed ({@link hasMosquitto}). */
export async function startMosquitto(): Promise<BrokerProcess> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  const child = spawn('mosquitto', ['-v', '-p', String(port)], {
    stdio: 'pipe',
    env: pathWithSbin(),
  })
  const flows = new Promise<void>((resolve) => {
    child.stderr.on('data', (chunk: Buffer) => {
      if (chunk.toString('utf8').includes('PUBLISH')) resolve()
    })
  })
  await once(child.stderr, 'data')
  return brokerProcess(child, port, flows)
}

function pathWithSbin(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin` }
}

function brokerProcess(child: ChildProcess, port: number, flows: Promise<void>): BrokerProcess {
  return {
    url: `mqtt://127.0.0.1:${port}`,
    port,
    child,
    flows,
    stop() {
      // A frozen process takes no other signal.
      child.kill('SIGKILL')
    },
  }
}

/** One client of a {@link ScriptedBroker}. */
export interface ScriptedClient {
  readonly clientId: string
  readonly socket: Socket
  readonly send: (packet: Packet) => void
}

/** What a scripted broker does with a packet: answers as a broker does (`true`), or not (`false`). */
export type Script = (packet: Packet, client: ScriptedClient) => boolean

/** A broker of raw TCP that does what a script says with each packet, and sees every PUBLISH. */
export class ScriptedBroker {
  readonly published: { topic: string; payload: string }[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #port = 0

  constructor(script: Script = () => true) {
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#serve(socket, script)
    })
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.#port}`
  }

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
    return this
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #serve(socket: Socket, script: Script): void {
    this.#sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => this.#sockets.delete(socket))
    const reader = parser({ protocolVersion: 4 })
    const send = (packet: Packet): void => {
      if (socket.writable) socket.write(generate(packet))
    }
    let clientId = ''
    reader.on('error', () => socket.destroy())
    reader.on('packet', (packet) => {
      if (packet.cmd === 'connect') clientId = packet.clientId
      if (packet.cmd === 'publish') {
        this.published.push({ topic: packet.topic, payload: packet.payload.toString() })
      }
      if (script(packet, { clientId, socket, send })) answer(packet, send)
    })
    socket.on('data', (chunk: Buffer) => reader.parse(chunk))
  }
}

/** As a broker that works. */
export function answer(packet: Packet, send: (packet: Packet) => void): void {
  const { messageId } = packet
  if (packet.cmd === 'connect') send({ cmd: 'connack', returnCode: 0, sessionPresent: false })
  if (packet.cmd === 'subscribe') {
    send({ cmd: 'suback', messageId: messageId ?? 0, granted: packet.subscriptions.map(() => 1) })
  }
  if (packet.cmd === 'publish' && packet.qos === 1)
    send({ cmd: 'puback', messageId: messageId ?? 0 })
  if (packet.cmd === 'pingreq') send({ cmd: 'pingresp' })
}
