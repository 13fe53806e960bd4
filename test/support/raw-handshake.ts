import { connect } from 'node:net'

export interface RawAnswer {
  /** 0: the connection ended without an answer. */
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** As far as it came with `content-length`; '' without. */
  readonly body: string
}

export interface RawRequest {
  readonly method?: string
  /** Added to the stage's path as it is. */
  readonly path?: string
  readonly version?: string
  /** Replaces or, with `undefined`, leaves out a header of a good handshake. */
  readonly headers?: Readonly<Record<string, string | undefined>>
}

/** What a good handshake has, without a subprotocol. */
export const handshakeHeaders = (host: string): Readonly<Record<string, string>> => ({
  Host: host,
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
})

/** Sends a WebSocket handshake byte by byte as it was written, which no client library would, and reads the head of the answer. */
export function rawHandshake(url: string, request: RawRequest = {}): Promise<RawAnswer> {
  const { hostname, port, host, pathname } = new URL(url)
  const headers: RawRequest['headers'] = { ...handshakeHeaders(host), ...request.headers }
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}\r\n`],
  )
  const target = pathname + (request.path ?? '')
  const start = `${request.method ?? 'GET'} ${target} HTTP/${request.version ?? '1.1'}\r\n`
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(Number(port), hostname, () =>
      socket.write(`${start}${lines.join('')}\r\n`),
    )
    const done = (): void => {
      socket.destroy()
      resolve(parseHead(text))
    }
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (isWhole(text)) done()
    })
    socket.on('close', done)
    socket.on('error', done)
  })
}

/** A handshake that is never finished, though one more header comes every second: what the server says in the end. */
export function endlessHandshake(url: string): Promise<RawAnswer> {
  const { hostname, port, host, pathname } = new URL(url)
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(Number(port), hostname, () =>
      socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\n`),
    )
    const trickle = setInterval(() => socket.write('X-More: 1\r\n'), 1_000)
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearInterval(trickle)
      resolve(parseHead(text))
    })
  })
}

function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return false
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end))?.[1] ?? '0'
  return text.length >= end + 4 + Number(length)
}

function parseHead(text: string): RawAnswer {
  const body = text.slice(text.indexOf('\r\n\r\n') + 4)
  const [first = '', ...rest] = text.split('\r\n\r\n')[0]?.split('\r\n') ?? []
  const headers = rest.map((line) => {
    const [name = '', ...value] = line.split(':')
    return [name.toLowerCase(), value.join(':').trim()]
  })
  return {
    status: Number(/^HTTP\/1\.\d (\d+)/.exec(first)?.[1] ?? 0),
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: text.includes('\r\n\r\n') ? body : '',
  }
}
