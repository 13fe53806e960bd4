import { createHash, createHmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import { describe, expect, it } from 'vitest'
import { verifySigV4 } from './sigv4.ts'
import type { SignedRequest } from './sigv4.ts'

class Sha256 {
  readonly #hash
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash =
      secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Uint8Array)
  }
  update(data: string | Uint8Array): void {
    this.#hash.update(data)
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
  reset(): void {
    throw new TypeError('not used')
  }
}

const secrets = new Map([['AKIDEXAMPLE', 'secret']])
const secretFor = (id: string) => secrets.get(id)
const at = Date.UTC(2026, 10, 23, 3, 0, 0)

/** Signs as the SDK does: the independent side of every test here. */
async function signed(
  options: { path?: string; query?: Record<string, string>; body?: string } = {},
): Promise<SignedRequest> {
  const body = options.body ?? '{"a":1}'
  const signer = new SignatureV4({
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', sessionToken: 'token' },
    region: 'eu-west-1',
    service: 'execute-api',
    sha256: Sha256,
  })
  const path = options.path ?? '/prod/@connections/BFaT_fALIAMCKug%3D'
  const query = options.query ?? {}
  const request = await signer.sign(
    {
      method: 'POST',
      protocol: 'http:',
      hostname: '127.0.0.1',
      path,
      query,
      headers: { host: '127.0.0.1:3001', 'content-type': 'application/octet-stream' },
      body,
    },
    { signingDate: new Date(at) },
  )
  const search = Object.entries(query)
    .map((pair) => pair.map(encodeURIComponent).join('='))
    .join('&')
  return {
    method: 'POST',
    rawUrl: search === '' ? path : `${path}?${search}`,
    headers: Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]),
    ),
    body: Buffer.from(body),
  }
}

describe('verifySigV4', () => {
  it('MGMT-19: accepts what the SDK signs, and gives the parts of the credential scope', async () => {
    expect(verifySigV4(await signed(), secretFor, { nowMs: at })).toMatchObject({
      ok: true,
      verified: true,
      accessKeyId: 'AKIDEXAMPLE',
      region: 'eu-west-1',
      service: 'execute-api',
    })
  })

  it.each([
    ['a query', { query: { b: '2', a: 'x y/z' } }],
    ['a root path', { path: '/' }],
    ['a doubled slash', { path: '/a//b/' }],
    ['an empty body', { body: '' }],
  ])('accepts %s', async (_, options) => {
    expect(verifySigV4(await signed(options), secretFor)).toMatchObject({ verified: true })
  })

  it.each<[string, (request: SignedRequest) => SignedRequest]>([
    ['another body', (request) => ({ ...request, body: Buffer.from('{"a":2}') })],
    ['another path', (request) => ({ ...request, rawUrl: '/prod/@connections/other%3D' })],
    ['another method', (request) => ({ ...request, method: 'DELETE' })],
    ['an added query', (request) => ({ ...request, rawUrl: `${request.rawUrl}?x=1` })],
    [
      'another signed header',
      (request) => ({ ...request, headers: { ...request.headers, host: 'evil' } }),
    ],
  ])('refuses %s than was signed', async (_, change) => {
    expect(verifySigV4(change(await signed()), secretFor)).toMatchObject({
      ok: false,
      code: 'InvalidSignatureException',
    })
  })

  it('refuses a body that does not match the signed x-amz-content-sha256', async () => {
    const request = await signed()
    expect(verifySigV4({ ...request, body: Buffer.from('other') }, secretFor)).toMatchObject({
      ok: false,
    })
  })

  it('refuses a request without any signature as AWS names it', () => {
    expect(
      verifySigV4({ method: 'GET', rawUrl: '/', headers: {}, body: Buffer.alloc(0) }, secretFor),
    ).toMatchObject({ ok: false, code: 'MissingAuthenticationToken' })
  })

  it('refuses a malformed Authorization header as incomplete', () => {
    expect(
      verifySigV4(
        {
          method: 'GET',
          rawUrl: '/',
          headers: { authorization: 'Bearer x' },
          body: Buffer.alloc(0),
        },
        secretFor,
      ),
    ).toMatchObject({ ok: false, code: 'IncompleteSignature' })
  })

  it('passes an unknown access key as unverified', async () => {
    expect(verifySigV4(await signed(), () => undefined)).toMatchObject({
      ok: true,
      verified: false,
    })
  })

  it('refuses a signature older than five minutes', async () => {
    expect(verifySigV4(await signed(), secretFor, { nowMs: at + 300_001 })).toMatchObject({
      ok: false,
      code: 'RequestExpired',
    })
  })
})
