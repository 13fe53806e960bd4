import type { IncomingMessage, ServerResponse } from 'node:http'

const MAX_BODY_BYTES = 16_384

/** The body of a small form or JSON request; undefined when it is longer than 16 KB. */
export async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength
    if (bytes > MAX_BODY_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

export interface Answer {
  readonly status?: number
  readonly type: 'html' | 'css' | 'javascript' | 'json'
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

const mediaTypes = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  javascript: 'text/javascript; charset=utf-8',
  json: 'application/json',
} as const

export function answer(response: ServerResponse, { status = 200, type, body, headers }: Answer) {
  response.writeHead(status, {
    'content-type': mediaTypes[type],
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    ...headers,
  })
  response.end(body)
}

/** An error as OAuth shapes them: `{error, error_description}`. */
export function refuse(response: ServerResponse, status: number, description: string): void {
  const error = status === 403 ? 'access_denied' : 'invalid_request'
  answer(response, {
    status,
    type: 'json',
    body: JSON.stringify({ error, error_description: description }),
  })
}

/** A page of another site cannot drive this server: only loopback names reach it (DNS rebinding). */
export function isLocalHost(host: string | undefined): boolean {
  return /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?$/.test(host ?? '')
}
