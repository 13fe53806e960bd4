import { beforeAll, describe, expect, it } from 'vitest'
import { ProtocolClient, requestToken } from '../support/client.ts'
import {
  endlessHandshake,
  handshakeHeaders,
  rawHandshake,
  type RawAnswer,
  type RawRequest,
} from '../support/raw-handshake.ts'
import { sharedSystem, type SharedSystem } from '../support/shared-system.ts'
import { waitFor } from '../support/wait.ts'
import { readLogs } from '../support/aws-call.ts'

/**
 * Every HANDSHAKE-… row of the bad-input catalogue (docs/facts) through the real local gateway; HANDSHAKE-15 is in bad-rates.test.ts, HANDSHAKE-18 (a message) in
 * bad-messages.test.ts, rows TOKEN-… are in bad-tokens.test.ts. That none is missing is a test of its own (test/contract/bad-input-rows.test.ts).
 */
let system: SharedSystem
let good: string
/** HANDSHAKE-17: begun before everything else, because its end takes a while. */
let endless: Promise<RawAnswer>
let people = 0
const newUser = (): string => `knocker-${++people}`
beforeAll(async () => {
  system = await sharedSystem()
  endless = endlessHandshake(system.endpoints.websocket)
  good = await requestToken(system, { user: newUser() })
})

const offer = (token: string): string => `gaugeline.v1, bearer.${token}`
const withHeaders = (headers: RawRequest['headers']): RawRequest => ({
  headers: { 'Sec-WebSocket-Protocol': offer(good), ...headers },
})
/** A good handshake whose header names and values have so many bytes. */
function headersOf(bytes: number): RawRequest {
  const { host } = new URL(system.endpoints.websocket)
  const others = Object.entries({ ...handshakeHeaders(host), ...withHeaders({}).headers })
  const known = others.reduce((sum, [key, value = '']) => sum + key.length + value.length, 0)
  return withHeaders({ 'X-Much': 'x'.repeat(bytes - known - 'X-Much'.length) })
}
const knock = (request: RawRequest): Promise<RawAnswer> =>
  rawHandshake(system.endpoints.websocket, request)

/** Of API Gateway, not of a function: its status is all that a function can say (APIGW-17). */
const words: Readonly<Record<number, string>> = { 401: 'Unauthorized', 403: 'Forbidden' }
/** A good handshake whose path and query have so many characters. */
function urlOf(characters: number): RawRequest {
  const { pathname } = new URL(system.endpoints.websocket)
  return { ...withHeaders({}), path: `?${'x'.repeat(characters - pathname.length - 1)}` }
}
/** Log lines of others, before this file, are not counted. */
const since = new Date().toISOString()
/** What the rows that came to a function were refused for. */
const expectedReasons: string[] = []

describe('the handshake', () => {
  it.each<[string, () => RawRequest, number, string?]>([
    ['HANDSHAKE-1: without a token', () => ({}), 401],
    // Neither of two tokens authenticates: an ambiguous request is nobody's (the catalogue suggests 400).
    [
      'HANDSHAKE-2: with two tokens',
      () => withHeaders({ 'Sec-WebSocket-Protocol': `${offer(good)}, bearer.${good}x` }),
      401,
    ],
    [
      'HANDSHAKE-2: with a second token in the URL, which is not read',
      () => ({ ...withHeaders({}), path: '?token=a.b.c' }),
      101,
    ],
    // Browsers cannot send it, and two ways to bring a token are one too many. A handshake's answer has no room for a hint (APIGW-17).
    [
      'HANDSHAKE-3: with an Authorization header only',
      () => ({ headers: { Authorization: `Bearer ${good}` } }),
      401,
    ],
    // The Origin tells pages apart, and a page always has one; a program could send any. What lets either in is its token.
    ['HANDSHAKE-4: without an Origin, as a program', () => withHeaders({}), 101],
    [
      'HANDSHAKE-5: from another origin',
      () => withHeaders({ Origin: 'https://evil.example' }),
      403,
      'ORIGIN_NOT_ALLOWED',
    ],
    [
      'HANDSHAKE-5: from the origin null',
      () => withHeaders({ Origin: 'null' }),
      403,
      'ORIGIN_NOT_ALLOWED',
    ],
    [
      "HANDSHAKE-5: from a name that begins with the dashboard's",
      () => withHeaders({ Origin: `${system.endpoints.dashboard}.evil.example` }),
      403,
      'ORIGIN_NOT_ALLOWED',
    ],
    [
      'HANDSHAKE-5: from the dashboard by another scheme',
      () => withHeaders({ Origin: system.endpoints.dashboard.replace('http:', 'https:') }),
      403,
      'ORIGIN_NOT_ALLOWED',
    ],
    [
      'HANDSHAKE-5: from another port',
      () => withHeaders({ Origin: 'http://127.0.0.1:1' }),
      403,
      'ORIGIN_NOT_ALLOWED',
    ],
    [
      'HANDSHAKE-5: from the dashboard in capitals',
      () => withHeaders({ Origin: system.endpoints.dashboard.toUpperCase() }),
      403,
      'ORIGIN_NOT_ALLOWED',
    ],
    [
      'HANDSHAKE-5: from the dashboard',
      () => withHeaders({ Origin: system.endpoints.dashboard }),
      101,
    ],
    [
      'HANDSHAKE-6: without gaugeline.v1',
      () => withHeaders({ 'Sec-WebSocket-Protocol': `bearer.${good}` }),
      400,
      'SUBPROTOCOL_REQUIRED',
    ],
    [
      'HANDSHAKE-6: with gaugeline.v2',
      () => withHeaders({ 'Sec-WebSocket-Protocol': `gaugeline.v2, bearer.${good}` }),
      400,
      'SUBPROTOCOL_REQUIRED',
    ],
    [
      'HANDSHAKE-7: with a subprotocol twice',
      () => withHeaders({ 'Sec-WebSocket-Protocol': `gaugeline.v1, ${offer(good)}` }),
      400,
    ],
    [
      'HANDSHAKE-7: with an empty subprotocol',
      () => withHeaders({ 'Sec-WebSocket-Protocol': `gaugeline.v1,, bearer.${good}` }),
      400,
    ],
    [
      'HANDSHAKE-7: with a subprotocol that is no token',
      () => withHeaders({ 'Sec-WebSocket-Protocol': `gaugeline.v1, bear(er)` }),
      400,
    ],
    [
      'HANDSHAKE-7: with a subprotocol of 10 KB',
      () => withHeaders({ 'Sec-WebSocket-Protocol': offer('x'.repeat(10_240)) }),
      431,
    ],
    // Not malformed, only too long for a token: refused on its length before it is decoded.
    [
      'HANDSHAKE-7, TOKEN-23: with a subprotocol of 8 KB',
      () => withHeaders({ 'Sec-WebSocket-Protocol': offer('x'.repeat(8_192)) }),
      401,
    ],
    ['HANDSHAKE-8: with version 8', () => withHeaders({ 'Sec-WebSocket-Version': '8' }), 400],
    ['HANDSHAKE-8: with version 12', () => withHeaders({ 'Sec-WebSocket-Version': '12' }), 400],
    [
      'HANDSHAKE-8: without a version',
      () => withHeaders({ 'Sec-WebSocket-Version': undefined }),
      400,
    ],
    ['HANDSHAKE-9: without a key', () => withHeaders({ 'Sec-WebSocket-Key': undefined }), 400],
    ['HANDSHAKE-9: with a key of 3 bytes', () => withHeaders({ 'Sec-WebSocket-Key': 'YWJj' }), 400],
    ['HANDSHAKE-9: by POST', () => ({ ...withHeaders({}), method: 'POST' }), 405],
    ['HANDSHAKE-9: by HTTP/1.0', () => ({ ...withHeaders({}), version: '1.0' }), 426],
    [
      'HANDSHAKE-9: by a plain GET',
      () => withHeaders({ Connection: 'close', Upgrade: undefined }),
      426,
    ],
    ['HANDSHAKE-10: with a URL of 4,096 characters', () => urlOf(4_096), 101],
    ['HANDSHAKE-10: with a URL of 4,097 characters', () => urlOf(4_097), 414],
    ['HANDSHAKE-10: with a URL of 15 KB', () => urlOf(15_000), 414],
    // API Gateway's 10,240 bytes are documented for HTTP APIs; the same is assumed here, as the catalogue does.
    ['HANDSHAKE-11: with 10,000 bytes of headers', () => headersOf(10_000), 101],
    ['HANDSHAKE-11: with 10,241 bytes of headers', () => headersOf(10_241), 431],
    ['HANDSHAKE-11: with 16,000 bytes of headers', () => headersOf(16_000), 431],
    [
      'HANDSHAKE-11: with 20 KB of headers',
      () => withHeaders({ 'X-Much': 'x'.repeat(20_480) }),
      431,
    ],
    ['HANDSHAKE-12: on a stage that there is not', () => ({ ...withHeaders({}), path: 'u' }), 403],
    ['HANDSHAKE-12: on a path of the stage', () => ({ ...withHeaders({}), path: '/more' }), 403],
    [
      'HANDSHAKE-13: with garbage in the query and no token',
      () => ({ path: '?token[]=1&token=%00&token=%zz' }),
      401,
    ],
    // No query is ever read, so garbage in it harms nobody (the catalogue suggests 400).
    [
      'HANDSHAKE-13: with garbage in the query and a token',
      () => ({ ...withHeaders({}), path: '?token[]=1&token=%00&x=%zz' }),
      101,
    ],
    [
      'HANDSHAKE-20: by an address of another network',
      () => withHeaders({ Host: '10.0.0.1:80' }),
      403,
    ],
    [
      'HANDSHAKE-20: by the address of the metadata',
      () => withHeaders({ Host: '169.254.169.254' }),
      403,
    ],
    [
      'HANDSHAKE-20: by a name that begins with ours',
      () => withHeaders({ Host: '127.0.0.1.evil.example' }),
      403,
    ],
    [
      'HANDSHAKE-20: by another name for this machine',
      () => withHeaders({ Host: 'evil.example' }),
      403,
    ],
  ])('%s', async (_name, request, status, reason) => {
    const answer = await knock(request())
    expect(answer.status).toBe(status)
    const message = words[status]
    if (message !== undefined) expect(JSON.parse(answer.body)).toMatchObject({ message })
    if (reason !== undefined) expectedReasons.push(reason)
  })
  it('HANDSHAKE-1: without a token no function is asked', async () => {
    const decisions = async (): Promise<number> =>
      [...(await readLogs(system.endpoints)).values()]
        .flat()
        .filter((line) => line.includes('"connect decided"')).length
    const before = await decisions()
    expect((await knock({})).status).toBe(401)
    expect((await knock(withHeaders({}))).status).toBe(101)
    await waitFor(async () => (await decisions()) > before, 'the decision on the good one')
    expect(await decisions()).toBe(before + 1)
  })
  it('of each refusal by a function its log says why, once', async () => {
    const said = async (): Promise<unknown[]> =>
      [...(await readLogs(system.endpoints)).values()]
        .flat()
        .filter((line) => line.includes('"reason":'))
        .map((line) => JSON.parse(line) as { reason: string; timestamp: string })
        .filter(({ reason, timestamp }) => timestamp >= since && expectedReasons.includes(reason))
        .map(({ reason }) => reason)
    await waitFor(async () => (await said()).length >= expectedReasons.length, 'the log lines')
    expect((await said()).sort()).toEqual([...expectedReasons].sort())
  })

  it('answers gaugeline.v1 and never the token', async () => {
    const { headers } = await knock(withHeaders({}))
    expect(headers['sec-websocket-protocol']).toBe('gaugeline.v1')
  })
  it('HANDSHAKE-8: names the versions that it speaks', async () => {
    const { headers } = await knock(withHeaders({ 'Sec-WebSocket-Version': '12' }))
    expect(headers['sec-websocket-version']).toContain('13')
  })
  it('HANDSHAKE-14: compresses nothing, so no bomb can be sent', async () => {
    const { status, headers } = await knock(
      withHeaders({ 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' }),
    )
    expect([status, headers['sec-websocket-extensions']]).toEqual([101, undefined])
  })
})

describe('an endless handshake', () => {
  it('HANDSHAKE-17: is answered 408 and ended, although more of it came every second', async () => {
    expect((await endless).status).toBe(408)
  })
})

describe('a good token', () => {
  it('after all of that the good one still opens a socket that works', async () => {
    const client = await ProtocolClient.connect(system.endpoints.websocket, good)
    expect(await client.request({ action: 'hello' }, 'welcome')).toMatchObject({
      user: 'knocker-1',
    })
    await client.close()
  })
})
