import { createHmac, createSign, generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ProtocolClient, requestToken } from '../support/client.ts'
import { rawHandshake, type RawAnswer, type RawRequest } from '../support/raw-handshake.ts'
import { startSystem, type RunningSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'

/**
 * Rows W and J of the bad-input catalogue (reliability.md (c)) through the real local gateway. Not here: W15 and J27 (authorization.test.ts),
 * W16, W17 (conformance of the gateway), W18 (a message: bad-messages.test.ts), W19 (TLS: the template has `wss` only), and the J rows for
 * which one would need the issuer's private key (jose-token-verifier.test.ts signs those itself).
 */
let system: RunningSystem
let good: string
let people = 0
const newUser = (): string => `knocker-${++people}`
beforeAll(async () => {
  system = await startSystem()
  good = await requestToken(system, { user: newUser() })
})
afterAll(() => system.stop())

const offer = (token: string): string => `gaugeline.v1, bearer.${token}`
const withHeaders = (headers: RawRequest['headers']): RawRequest => ({
  headers: { 'Sec-WebSocket-Protocol': offer(good), ...headers },
})
const knock = (request: RawRequest): Promise<RawAnswer> =>
  rawHandshake(system.endpoints.websocket, request)

describe('the handshake', () => {
  it.each<[string, () => RawRequest, number]>([
    ['W01: without a token', () => ({}), 401],
    // Neither of two tokens authenticates: an ambiguous request is nobody's (the catalogue suggests 400).
    [
      'W02: with two tokens',
      () => withHeaders({ 'Sec-WebSocket-Protocol': `${offer(good)}, bearer.${good}x` }),
      401,
    ],
    [
      'W02: with a second token in the URL, which is not read',
      () => ({ ...withHeaders({}), path: '?token=a.b.c' }),
      101,
    ],
    [
      'W03: with an Authorization header only',
      () => ({ headers: { Authorization: `Bearer ${good}` } }),
      401,
    ],
    ['W04: without an Origin, as a program', () => withHeaders({}), 101],
    ['W05: from another origin', () => withHeaders({ Origin: 'https://evil.example' }), 403],
    ['W05: from the origin null', () => withHeaders({ Origin: 'null' }), 403],
    [
      "W05: from a name that begins with the dashboard's",
      () => withHeaders({ Origin: `${system.endpoints.dashboard}.evil.example` }),
      403,
    ],
    [
      'W05: from the dashboard by another scheme',
      () => withHeaders({ Origin: system.endpoints.dashboard.replace('http:', 'https:') }),
      403,
    ],
    ['W05: from another port', () => withHeaders({ Origin: 'http://127.0.0.1:1' }), 403],
    [
      'W05: from the dashboard in capitals',
      () => withHeaders({ Origin: system.endpoints.dashboard.toUpperCase() }),
      403,
    ],
    ['W05: from the dashboard', () => withHeaders({ Origin: system.endpoints.dashboard }), 101],
    [
      'W06: without gaugeline.v1',
      () => withHeaders({ 'Sec-WebSocket-Protocol': `bearer.${good}` }),
      400,
    ],
    [
      'W06: with gaugeline.v2',
      () => withHeaders({ 'Sec-WebSocket-Protocol': `gaugeline.v2, bearer.${good}` }),
      400,
    ],
    [
      'W07: with a subprotocol twice',
      () => withHeaders({ 'Sec-WebSocket-Protocol': `gaugeline.v1, ${offer(good)}` }),
      400,
    ],
    [
      'W07: with an empty subprotocol',
      () => withHeaders({ 'Sec-WebSocket-Protocol': `gaugeline.v1,, bearer.${good}` }),
      400,
    ],
    [
      'W07: with a subprotocol that is no token',
      () => withHeaders({ 'Sec-WebSocket-Protocol': `gaugeline.v1, bear(er)` }),
      400,
    ],
    // Not malformed, only far too long for a token: refused on its length before it is decoded.
    [
      'W07, J23: with a subprotocol of 10 KB',
      () => withHeaders({ 'Sec-WebSocket-Protocol': offer('x'.repeat(10_240)) }),
      401,
    ],
    ['W08: with version 12', () => withHeaders({ 'Sec-WebSocket-Version': '12' }), 400],
    ['W08: without a version', () => withHeaders({ 'Sec-WebSocket-Version': undefined }), 400],
    ['W09: without a key', () => withHeaders({ 'Sec-WebSocket-Key': undefined }), 400],
    ['W09: with a key of 3 bytes', () => withHeaders({ 'Sec-WebSocket-Key': 'YWJj' }), 400],
    ['W09: by POST', () => ({ ...withHeaders({}), method: 'POST' }), 405],
    ['W09: by a plain GET', () => withHeaders({ Connection: 'close', Upgrade: undefined }), 426],
    [
      'W10: with a URL of 5,000 characters',
      () => ({ ...withHeaders({}), path: `?${'x'.repeat(5_000)}` }),
      414,
    ],
    // Node's own limit of 16 KB stands in for API Gateway's 10,240 bytes, which is documented for HTTP APIs only.
    ['W11: with 20 KB of headers', () => withHeaders({ 'X-Much': 'x'.repeat(20_480) }), 431],
    ['W12: on a stage that there is not', () => ({ ...withHeaders({}), path: 'u' }), 403],
    ['W12: on a path of the stage', () => ({ ...withHeaders({}), path: '/more' }), 403],
    [
      'W13: with garbage in the query and no token',
      () => ({ path: '?token[]=1&token=%00&token=%zz' }),
      401,
    ],
    // No query is ever read, so garbage in it harms nobody (the catalogue suggests 400).
    [
      'W13: with garbage in the query and a token',
      () => ({ ...withHeaders({}), path: '?token[]=1&token=%00&x=%zz' }),
      101,
    ],
    ['W20: by another name for this machine', () => withHeaders({ Host: 'evil.example' }), 403],
  ])('%s', async (_name, request, status) => {
    expect((await knock(request())).status).toBe(status)
  })

  it('answers gaugeline.v1 and never the token', async () => {
    const { headers } = await knock(withHeaders({}))
    expect(headers['sec-websocket-protocol']).toBe('gaugeline.v1')
  })
  it('W08: names the versions that it speaks', async () => {
    const { headers } = await knock(withHeaders({ 'Sec-WebSocket-Version': '12' }))
    expect(headers['sec-websocket-version']).toContain('13')
  })
  it('W14: compresses nothing, so no bomb can be sent', async () => {
    const { status, headers } = await knock(
      withHeaders({ 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' }),
    )
    expect([status, headers['sec-websocket-extensions']]).toEqual([101, undefined])
  })
})

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const decode = (part: string | undefined): Record<string, unknown> =>
  JSON.parse(Buffer.from(part ?? '', 'base64url').toString('utf8')) as Record<string, unknown>
const own = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const ownJwk = own.publicKey.export({ format: 'jwk' })

/** The good token with other header members, signed with our own key. */
function signed(header: object, claims: object = {}): string {
  const [head, payload] = good.split('.')
  const input = `${encode({ ...decode(head), ...header })}.${encode({ ...decode(payload), ...claims })}`
  return `${input}.${createSign('RSA-SHA256').update(input).sign(own.privateKey, 'base64url')}`
}
/** The good token's signature under another header. */
function swapped(header: object): string {
  const [head, payload, signature] = good.split('.')
  return `${encode({ ...decode(head), ...header })}.${payload}.${signature}`
}

async function hmacWithPublicKey(): Promise<string> {
  const { keys } = (await (await fetch(system.endpoints.jwks)).json()) as { keys: JsonWebKey[] }
  const [head, payload] = good.split('.')
  const input = `${encode({ ...decode(head), alg: 'HS256' })}.${payload}`
  return `${input}.${createHmac('sha256', JSON.stringify(keys[0])).update(input).digest('base64url')}`
}

describe('a token', () => {
  it.each<[string, () => string | Promise<string>]>([
    ['J01: of nothing', () => ''],
    ['J01: of one part', () => 'a'],
    ['J01: of empty parts', () => '..'],
    ['J01: of two parts', () => good.split('.').slice(0, 2).join('.')],
    ['J25: of five parts', () => 'a.b.c.d.e'],
    ['J02: with alg none', () => `${swapped({ alg: 'none' }).split('.').slice(0, 2).join('.')}.AA`],
    ['J02: with alg nOnE', () => swapped({ alg: 'nOnE' })],
    ['J03: signed with the public key as a secret', hmacWithPublicKey],
    ['J04: with PS256 and the key of RS256', () => swapped({ alg: 'PS256' })],
    ['J04: with ES256 and the key of RS256', () => swapped({ alg: 'ES256' })],
    ['J05: that brings its own key', () => signed({ jwk: ownJwk })],
    ['J07: with a kid of a path', () => signed({ kid: '../../etc/passwd' })],
    ['J07: with the kid __proto__', () => signed({ kid: '__proto__' })],
    ['J07: with a kid of nothing', () => signed({ kid: '' })],
    ['J07: with a number as kid', () => signed({ kid: 7 })],
    ['J08: without a kid', () => signed({ kid: undefined })],
    ['J09: with an unknown crit', () => swapped({ crit: ['x'], x: 1 })],
    ['J10: with b64 false', () => swapped({ b64: false, crit: ['b64'] })],
    ['J11: whose payload is not JSON', () => `${good.split('.')[0]}.AAAA.${good.split('.')[2]}`],
    [
      'J21: with a claim that was added',
      () =>
        `${good.split('.')[0]}.${encode({ ...decode(good.split('.')[1]), devices: ['#'] })}.${good.split('.')[2]}`,
    ],
    [
      'J24: with one bit flipped',
      () => good.slice(0, -2) + (good.at(-2) === 'A' ? 'B' : 'A') + (good.at(-1) ?? ''),
    ],
    ['J28: percent-encoded', () => good.replaceAll('.', '%2E')],
    [
      'J20: whose subject would be part of another key',
      () => requestToken(system, { user: 'a#b' }),
    ],
    [
      'J21: with 201 devices',
      () =>
        requestToken(system, {
          user: newUser(),
          devices: Array.from({ length: 201 }, (_, i) => `p/${i}`),
        }),
    ],
    [
      'J23: of more than 4 KB',
      () =>
        requestToken(system, {
          user: newUser(),
          devices: Array.from({ length: 400 }, (_, i) => `plant-${i}/#`),
        }),
    ],
  ])('%s is refused with 401', async (_name, make) => {
    const token = await make()
    expect((await knock(withHeaders({ 'Sec-WebSocket-Protocol': offer(token) }))).status).toBe(401)
  })

  it('J13: that has expired is refused with 401', async () => {
    const short = await requestToken(system, { user: newUser(), expiresIn: 1 })
    const { exp } = decode(short.split('.')[1])
    await waitFor(() => Date.now() >= Number(exp) * 1_000, 'the end of the token')
    expect((await knock(withHeaders({ 'Sec-WebSocket-Protocol': offer(short) }))).status).toBe(401)
  })
  it.each([
    ['no device', { devices: [] }],
    ['no role', { roles: [] }],
    ['no role that we know', { roles: ['emperor'] }],
    ['no device that is a topic', { devices: ['plant-1/+', '*', '$SYS/#'] }],
  ])('J21: that grants %s is refused with 403', async (_name, request) => {
    const token = await requestToken(system, { user: newUser(), ...request })
    expect((await knock(withHeaders({ 'Sec-WebSocket-Protocol': offer(token) }))).status).toBe(403)
  })

  it('J06: makes nobody fetch anything', async () => {
    const asked: string[] = []
    const attacker = createServer((request, response) => {
      asked.push(request.url ?? '')
      response.end(JSON.stringify({ keys: [{ ...ownJwk, kid: 'mine', alg: 'RS256' }] }))
    })
    await new Promise<void>((resolve) => attacker.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(attacker.address() as AddressInfo).port}/keys`
    for (const header of [{ jku: url }, { x5u: url }, { jku: url, kid: 'mine' }]) {
      const protocols = offer(signed(header))
      expect((await knock(withHeaders({ 'Sec-WebSocket-Protocol': protocols }))).status).toBe(401)
    }
    expect(
      (await knock(withHeaders({ 'Sec-WebSocket-Protocol': offer(signed({}, { iss: url })) })))
        .status,
    ).toBe(401)
    expect(asked).toEqual([])
    await new Promise((resolve) => attacker.close(resolve))
  })

  it('after all of that the good one still opens a socket that works', async () => {
    const client = await ProtocolClient.connect(system.endpoints.websocket, good)
    expect(await client.request({ action: 'hello' }, 'welcome')).toMatchObject({
      user: 'knocker-1',
    })
    await client.close()
  })
})
