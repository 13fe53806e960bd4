import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { managementPosts } from './management-posts.ts'

const ID = 'BFaT_fALIAMCKug='
let server: Server
let requests: { path: string; body: string }[]
let headers: string[]
const answers = async (listener: RequestListener): Promise<void> => {
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      headers = Object.keys(request.headers)
      requests.push({ path: request.url ?? '', body })
      listener(request, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  vi.stubEnv('AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI', `http://127.0.0.1:${port}/prod`)
}
const error = (status: number, name?: string, body = '{}'): RequestListener => {
  return (_request, response) => {
    response.writeHead(status, name === undefined ? {} : { 'x-amzn-errortype': name }).end(body)
  }
}

beforeEach(() => {
  requests = []
  vi.stubEnv('AWS_REGION', 'eu-west-1')
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test')
})
afterEach(async () => {
  vi.unstubAllEnvs()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

describe('posts to connections (MEASURE-1: the error shapes of the SDK, through the real client)', () => {
  it.each<[string, RequestListener, string]>([
    ['200', (_request, response) => response.end(), 'ok'],
    ['410 by name', error(410, 'GoneException'), 'gone'],
    [
      'FAULT-29: 410 with an empty body, which the SDK names "Unknown"',
      error(410, undefined, ''),
      'gone',
    ],
    ['429', error(429, 'LimitExceededException'), 'throttled'],
    ['403', error(403, 'ForbiddenException'), 'forbidden'],
    ['MGMT-6: 403 without a name', error(403, undefined, '{"message":"Forbidden"}'), 'forbidden'],
    ['413', error(413, 'PayloadTooLargeException'), 'failed'],
    ['500', error(500, 'InternalServerError'), 'failed'],
    ['FAULT-34: 503 with HTML', error(503, undefined, '<html>'), 'failed'],
    ['FAULT-34: a reset socket', (request) => request.socket.destroy(), 'failed'],
    ['FAULT-33: no answer', () => undefined, 'slow'],
  ])('%s, in one attempt', async (_name, listener, outcome) => {
    await answers(listener)
    const signal = AbortSignal.timeout(outcome === 'slow' ? 200 : 10_000)
    expect(await managementPosts().post(ID, '{"type":"data"}', signal)).toBe(outcome)
    expect(requests).toHaveLength(1)
  })

  it('MGMT-10, APIGW-50: writes the connection id so that "=" survives the path', async () => {
    await answers((_request, response) => response.end())
    await managementPosts().post(ID, '{"type":"data"}', AbortSignal.timeout(10_000))
    expect(requests).toEqual([
      { path: '/prod/@connections/BFaT_fALIAMCKug%3D', body: '{"type":"data"}' },
    ])
  })

  it('are signed, and carry no user agent', async () => {
    await answers((_request, response) => response.end())
    await managementPosts().post(ID, '{"type":"data"}', AbortSignal.timeout(10_000))
    expect(headers).toContain('authorization')
    expect(headers.filter((name) => name.endsWith('user-agent'))).toEqual([])
  })
})
