import { connect } from 'node:net'

export interface RawAnswer {
  /** 0: the connection ended without an answer. */
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
}

export interface RawRequest {
  readonly method?: string
  /** Added to the stage's path as it is. */
  readonly path?: string
  readonly version?: string
  /** Replaces or, with `undefined`, leaves out a header of a good handshake. */
  readonly headers?: Readonly<Record<string, string | undefined>>
}

/** Sends a WebSocket handshake byte by byte as it was written, which no client library would, and reads the head of the answer. */
export function rawHandshake(url: string, request: RawRequest = {}): Promise<RawAnswer> {
  const { hostname, port, host, pathname } = new URL(url)
  const headers: Record<string, string | undefined> = {
    Host: host,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...request.headers,
  }
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
      if (text.includes('\r\n\r\n')) done()
    })
    socket.on('close', done)
    socket.on('error', done)
  })
}

function parseHead(text: string): RawAnswer {
  const [first = '', ...rest] = text.split('\r\n\r\n')[0]?.split('\r\n') ?? []
  const headers = rest.map((line) => {
    const [name = '', ...value] = line.split(':')
    return [name.toLowerCase(), value.join(':').trim()]
  })
  return {
    status: Number(/^HTTP\/1\.\d (\d+)/.exec(first)?.[1] ?? 0),
    headers: Object.fromEntries(headers) as Record<string, string>,
  }
}
