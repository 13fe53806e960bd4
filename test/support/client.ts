import {
  BEARER_PREFIX,
  SUBPROTOCOL,
  type ClientMessageInput,
  type ServerMessage,
} from '@gaugeline/backend/protocol'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import WebSocket from 'ws'
import type { RunningSystem } from './system.ts'
import { waitFor } from './wait.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface TokenOptions {
  readonly user: string
  readonly role: string
  readonly devices: string
  readonly expires?: string
}

/** A token as `npm run token` prints it. */
export async function mintToken(stateDir: string, options: TokenOptions): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      'infra/local/bin/token.mjs',
      '--state-dir',
      stateDir,
      ...['--user', options.user, '--role', options.role, '--devices', options.devices],
      ...(options.expires === undefined ? [] : ['--expires', options.expires]),
    ],
    { cwd: root },
  )
  return stdout.trim()
}

/** A token straight from the running issuer, for tests that need many. Throws with the issuer's words when it refuses. */
export async function requestToken(
  system: Pick<RunningSystem, 'endpoints' | 'stateDir'>,
  request: {
    readonly user: string
    readonly roles?: readonly string[]
    readonly devices?: readonly string[]
    /** Seconds. */
    readonly expiresIn?: number
  },
): Promise<string> {
  const response = await fetch(`${system.endpoints.issuer}/local/token`, {
    method: 'POST',
    headers: { 'x-gaugeline-key': readFileSync(join(system.stateDir, 'local.key'), 'utf8') },
    body: JSON.stringify({ roles: ['operator'], devices: ['plant-1/#'], ...request }),
  })
  if (!response.ok) throw new Error(`the issuer refused: ${await response.text()}`)
  return ((await response.json()) as { token: string }).token
}

type Input = ClientMessageInput
type WithoutId<M> = M extends { id: number } ? Omit<M, 'id'> : never

/** A plain WebSocket client of the protocol, without any of the dashboard's cleverness: what it got is what was sent. */
export class ProtocolClient {
  readonly socket: WebSocket
  readonly received: { readonly atMs: number; readonly message: ServerMessage }[] = []
  closed: { readonly code: number; readonly reason: string } | undefined
  #id = 0

  private constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data: Buffer) => {
      this.received.push({
        atMs: Date.now(),
        message: JSON.parse(data.toString('utf8')) as ServerMessage,
      })
    })
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString('utf8') }
    })
    socket.on('error', () => undefined)
  }

  /** Resolves when the socket is open; rejects with the HTTP status of a refused handshake. */
  static async connect(
    url: string,
    token: string,
    headers: Record<string, string> = {},
  ): Promise<ProtocolClient> {
    const socket = new WebSocket(url, [SUBPROTOCOL, BEARER_PREFIX + token], { headers })
    const client = new ProtocolClient(socket)
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve)
      socket.once('error', reject)
    })
    return client
  }

  /** Sends a message and waits for the answer with its id. */
  async request<T extends ServerMessage['type']>(
    message: WithoutId<Input>,
    type?: T,
  ): Promise<Extract<ServerMessage, { type: T }>> {
    const id = ++this.#id
    this.socket.send(JSON.stringify({ ...message, id }))
    const answer = await waitFor(
      () => this.received.find(({ message: got }) => 'id' in got && got.id === id)?.message,
      `the answer to ${message.action}`,
    )
    if (type !== undefined && answer.type !== type) {
      throw new Error(`${message.action} was answered with ${JSON.stringify(answer)}`)
    }
    return answer as Extract<ServerMessage, { type: T }>
  }

  messages<T extends ServerMessage['type']>(type: T): Extract<ServerMessage, { type: T }>[] {
    return this.received
      .map(({ message }) => message)
      .filter((message): message is Extract<ServerMessage, { type: T }> => message.type === type)
  }

  /** Waits for a pushed or answered message that fits. */
  waitFor<T extends ServerMessage['type']>(
    type: T,
    fits: (message: Extract<ServerMessage, { type: T }>) => boolean = () => true,
    timeoutMs?: number,
  ): Promise<Extract<ServerMessage, { type: T }>> {
    return waitFor(() => this.messages(type).find(fits), `a ${type} message`, timeoutMs)
  }

  /** Cuts the TCP connection without a close frame, as a lost network does. */
  cut(): void {
    this.socket.terminate()
  }

  async close(): Promise<void> {
    this.socket.close()
    await waitFor(() => this.closed, 'the socket to close')
  }
}
