import { CompactSign, FlattenedSign, SignJWT } from 'jose'
import { createHmac } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { joseTokenVerifier } from './jose-token-verifier.ts'
import { createJwksCache } from './jwks-cache.ts'
import {
  AUDIENCE,
  fakeIssuer,
  forgedToken,
  goodClaims,
  ISSUER,
  jwksResponse,
  makeKey,
  NOW,
  signToken,
  type TestKey,
} from './token-fixtures.ts'

let rsa: TestKey
let ec: TestKey
let stranger: TestKey
let pss: TestKey
beforeAll(async () => {
  rsa = await makeKey('rsa-1', 'RS256')
  ec = await makeKey('ec-1')
  stranger = await makeKey('ec-1')
  pss = await makeKey('rsa-1', 'PS256')
})

function verifier(nowSeconds = NOW) {
  const clock = { now: () => nowSeconds * 1_000 }
  const issuer = fakeIssuer(() => jwksResponse(rsa.publicJwk, ec.publicJwk))
  const keys = createJwksCache({ url: new URL(`${ISSUER}/jwks`), clock, fetch: issuer.fetch })
  const tokens = joseTokenVerifier({ issuer: ISSUER, audience: AUDIENCE, keys, clock })
  return { tokens, urls: issuer.urls }
}

async function reasonFor(token: string): Promise<string> {
  const outcome = await verifier().tokens.verify(token)
  return outcome.ok ? 'ACCEPTED' : outcome.reason
}

/** A token whose payload is this text, genuinely signed. */
async function signText(payload: string, header: Record<string, unknown> = {}): Promise<string> {
  return new CompactSign(new TextEncoder().encode(payload))
    .setProtectedHeader({ alg: 'ES256', kid: 'ec-1', ...header })
    .sign(ec.privateKey)
}

const withText = (change: (json: string) => string): Promise<string> =>
  signText(change(JSON.stringify(goodClaims())))

describe('a good token', () => {
  it('gives the identity that its claims say, for RS256 and ES256', async () => {
    for (const key of [rsa, ec]) {
      expect(await verifier().tokens.verify(await signToken(key))).toEqual({
        ok: true,
        identity: {
          user: 'ana',
          roles: ['operator'],
          devices: ['plant-1/#'],
          expiresAt: NOW + 3_600,
          issuedAt: NOW - 60,
          tokenId: 'token-1',
          issuer: ISSUER,
        },
      })
    }
  })
})

type Row = readonly [title: string, token: () => string | Promise<string>, reason: string]
const flip = (token: string): string => {
  const at = token.lastIndexOf('.') + 5
  return `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`
}

describe('bad tokens', () => {
  const header = { alg: 'ES256', kid: 'ec-1' }
  const claims = JSON.stringify(goodClaims())
  const rows: readonly Row[] = [
    ...['', 'a', '..', 'a.b', 'a.b.c.d.e'].map((text): Row => [
      `J01: ${JSON.stringify(text)}`,
      () => text,
      'TOKEN_MALFORMED',
    ]),
    ...['none', 'None', 'nOnE'].flatMap((alg): Row[] => [
      [`J02: alg ${alg}`, () => forgedToken({ ...header, alg }, claims), 'TOKEN_ALGORITHM'],
      [
        `J02: alg ${alg}, empty signature`,
        () => forgedToken({ ...header, alg }, claims, ''),
        'TOKEN_MALFORMED',
      ],
    ]),
    [
      'J03: HS256 with the public key as secret',
      () => {
        const body = forgedToken({ alg: 'HS256', kid: 'rsa-1' }, claims).split('.').slice(0, 2)
        const secret = JSON.stringify(rsa.publicJwk)
        const mac = createHmac('sha256', secret).update(body.join('.')).digest('base64url')
        return [...body, mac].join('.')
      },
      'TOKEN_ALGORITHM',
    ],
    ['J04: PS256 for an RS256 key', () => signToken(pss), 'TOKEN_ALGORITHM'],
    [
      'J04: ES256 for the key id of an RS256 key',
      () => signToken(ec, {}, { kid: 'rsa-1' }),
      'KEY_UNKNOWN',
    ],
    [
      'J05: the key embedded as jwk',
      () => signToken(stranger, {}, { jwk: stranger.publicJwk }),
      'SIGNATURE_INVALID',
    ],
    ['J05: x5c', () => signToken(stranger, {}, { x5c: ['MIIB'] }), 'SIGNATURE_INVALID'],
    ...['../../etc/passwd', "' OR 1=1--", '__proto__', 'constructor'].map((kid): Row => [
      `J07: kid ${kid}`,
      () => signToken(ec, {}, { kid }),
      'KEY_UNKNOWN',
    ]),
    ['J07: empty kid', () => signToken(ec, {}, { kid: '' }), 'KEY_UNKNOWN'],
    ['J07: kid a number', () => signToken(ec, {}, { kid: 7 }), 'KEY_UNKNOWN'],
    ['J07: kid of 1 KB', () => signToken(ec, {}, { kid: 'k'.repeat(1_024) }), 'KEY_UNKNOWN'],
    ['J08: no kid', () => signToken(ec, {}, { kid: undefined }), 'KEY_UNKNOWN'],
    [
      'J09: unknown crit',
      () => forgedToken({ ...header, crit: ['x'], x: 1 }, claims),
      'TOKEN_MALFORMED',
    ],
    [
      'J10: b64 false',
      async () => {
        const payload = Buffer.from(claims).toString('base64url')
        const signed = await new FlattenedSign(Buffer.from(payload))
          .setProtectedHeader({ ...header, b64: false, crit: ['b64'] })
          .sign(ec.privateKey)
        return [signed.protected, payload, signed.signature].join('.')
      },
      'TOKEN_MALFORMED',
    ],
    ...['hello', '[]', '"x"', 'null', '1'].map((text): Row => [
      `J11: payload ${text}`,
      () => signText(text),
      'TOKEN_MALFORMED',
    ]),
    ['J12: no exp', () => signToken(ec, { exp: undefined }), 'TIMES_INVALID'],
    ['J12: no iat', () => signToken(ec, { iat: undefined }), 'TIMES_INVALID'],
    ['J13: exp one second ago', () => signToken(ec, { exp: NOW - 1 }), 'TOKEN_EXPIRED'],
    ['J13: exp now', () => signToken(ec, { exp: NOW }), 'TOKEN_EXPIRED'],
    [
      'J14: exp a text',
      () => withText((json) => json.replace(String(NOW + 3_600), '"1"')),
      'TIMES_INVALID',
    ],
    ['J14: exp a fraction', () => signToken(ec, { exp: NOW + 0.5 }), 'TIMES_INVALID'],
    [
      'J14: exp 1e400',
      () => withText((json) => json.replace(String(NOW + 3_600), '1e400')),
      'TIMES_INVALID',
    ],
    ['J14: exp 9e15', () => signToken(ec, { exp: 9e15 }), 'TIMES_INVALID'],
    ['J14: exp beyond 24 h of life', () => signToken(ec, { exp: NOW + 86_341 }), 'TIMES_INVALID'],
    ['J14: exp negative', () => signToken(ec, { exp: -1 }), 'TOKEN_EXPIRED'],
    ['J15: nbf ahead', () => signToken(ec, { nbf: NOW + 60 }), 'TIMES_INVALID'],
    ['J16: iat ahead', () => signToken(ec, { iat: NOW + 60 }), 'TIMES_INVALID'],
    ['J17: another issuer', () => signToken(ec, { iss: 'https://evil.example' }), 'ISSUER_INVALID'],
    ['J17: no issuer', () => signToken(ec, { iss: undefined }), 'ISSUER_INVALID'],
    ['J17: trailing slash', () => signToken(ec, { iss: `${ISSUER}/` }), 'ISSUER_INVALID'],
    [
      'J17: issuer an array',
      () => signToken(ec, { iss: [ISSUER] as unknown as string }),
      'ISSUER_INVALID',
    ],
    ['J18: another aud', () => signToken(ec, { aud: 'other' }), 'AUDIENCE_INVALID'],
    ['J18: another client_id', () => signToken(ec, { client_id: 'other' }), 'AUDIENCE_INVALID'],
    [
      'J18: neither aud nor client_id',
      () => signToken(ec, { client_id: undefined }),
      'AUDIENCE_INVALID',
    ],
    ['J19: an ID token by token_use', () => signToken(ec, { token_use: 'id' }), 'TOKEN_TYPE'],
    [
      'J19: an ID token by its nonce',
      () => signToken(ec, { token_use: undefined, nonce: 'n' }),
      'TOKEN_TYPE',
    ],
    ['J19: another typ', () => signToken(ec, {}, { typ: 'logout+jwt' }), 'TOKEN_TYPE'],
    ...[undefined, '', 'x'.repeat(1_024), 'a#b', 'a|b', 'a\nb'].map((sub, i): Row => [
      `J20: bad sub ${i}`,
      () => signToken(ec, { sub }),
      'SUBJECT_INVALID',
    ]),
    ['J21: no devices claim', () => signToken(ec, { devices: undefined }), 'NO_ACCESS'],
    ['J21: devices a text', () => signToken(ec, { devices: '#' }), 'NO_ACCESS'],
    ['J21: no valid topic', () => signToken(ec, { devices: ['*', 'plant-1/+', 7] }), 'NO_ACCESS'],
    ['J21: no role', () => signToken(ec, { 'cognito:groups': ['guests'] }), 'NO_ACCESS'],
    [
      'J21: 10,000 devices',
      () => signToken(ec, { devices: Array.from({ length: 10_000 }, (_, i) => `p/d${i}`) }),
      'TOKEN_TOO_LONG',
    ],
    [
      'J21: more topics than the cap, short enough to fit',
      () => signToken(ec, { devices: Array.from({ length: 201 }, (_, i) => `p/${i}`) }),
      'ENTITLEMENT_INVALID',
    ],
    ['J23: 8 MB', () => 'a.'.concat('b'.repeat(8 * 2 ** 20), '.c'), 'TOKEN_TOO_LONG'],
    ['J23: 64 KB', () => signToken(ec, { pad: 'x'.repeat(65_536) }), 'TOKEN_TOO_LONG'],
    ['J24: a flipped bit', async () => flip(await signToken(ec)), 'SIGNATURE_INVALID'],
    ['J24: another key, same kid', () => signToken(stranger), 'SIGNATURE_INVALID'],
    [
      'J25: an encrypted token',
      () => `${forgedToken({ alg: 'RSA-OAEP', enc: 'A256GCM' }, 'x')}.eA.eA`,
      'TOKEN_MALFORMED',
    ],
    [
      'J26: the staging issuer with the same key',
      () => signToken(ec, { iss: 'https://staging.issuer.example' }),
      'ISSUER_INVALID',
    ],
    ['J28: padding', async () => `${await signToken(ec)}==`, 'TOKEN_MALFORMED'],
    ['J28: a space', async () => ` ${await signToken(ec)}`, 'TOKEN_MALFORMED'],
    ['J28: a newline', async () => `${await signToken(ec)}\n`, 'TOKEN_MALFORMED'],
    [
      'J28: URL-encoded',
      async () => (await signToken(ec)).replaceAll('.', '%2E'),
      'TOKEN_MALFORMED',
    ],
  ]
  it.each(rows)('%s is refused', async (_title, token, reason) => {
    expect(await reasonFor(await token())).toBe(reason)
  })
})

describe('tokens that are good although they look odd', () => {
  it('J06: jku and x5u are ignored, and nothing is fetched from there', async () => {
    const { tokens, urls } = verifier()
    const token = await signToken(
      ec,
      {},
      { jku: 'http://169.254.169.254/', x5u: 'https://evil.example/' },
    )
    expect(await tokens.verify(token)).toMatchObject({ ok: true })
    expect(urls).toEqual([`${ISSUER}/jwks`])
  })
  it('J13: a token is good until its last second', async () => {
    expect(await reasonFor(await signToken(ec, { exp: NOW + 1 }))).toBe('ACCEPTED')
  })
  it('J16: an iat up to 5 s ahead of our clock is taken', async () => {
    expect(await reasonFor(await signToken(ec, { iat: NOW + 5 }))).toBe('ACCEPTED')
  })
  it('J18: an array of audiences with ours in it is taken', async () => {
    const claims = { aud: ['other', AUDIENCE], client_id: undefined }
    expect(await reasonFor(await signToken(ec, claims))).toBe('ACCEPTED')
  })
  it.each([undefined, 'JWT', 'at+jwt'])('J19: typ %s is taken', async (typ) => {
    expect(await reasonFor(await signToken(ec, {}, { typ }))).toBe('ACCEPTED')
  })
  it('J21: topics that are none are left out, the others stay', async () => {
    const token = await signToken(ec, { devices: ['plant-1/#', '*', 'plant-2/pump-1'] })
    expect(await verifier().tokens.verify(token)).toMatchObject({
      identity: { devices: ['plant-1/#', 'plant-2/pump-1'] },
    })
  })
  it('J22: of a claim given twice the last counts, and the signature covers it', async () => {
    const token = await withText((json) => json.replace('{', '{"sub":"eve",'))
    expect(await verifier().tokens.verify(token)).toMatchObject({ identity: { user: 'ana' } })
  })
  it('roles come from either claim, unknown ones are left out', async () => {
    const token = await new SignJWT({ ...goodClaims(), roles: ['admin', 'root'] })
      .setProtectedHeader({ alg: 'ES256', kid: 'ec-1' })
      .sign(ec.privateKey)
    expect(await verifier().tokens.verify(token)).toMatchObject({
      identity: { roles: ['operator', 'admin'] },
    })
  })
})

it('J18: a verifier cannot be made without issuer or audience', () => {
  const clock = { now: () => 0 }
  const keys = createJwksCache({ url: new URL(ISSUER), clock })
  expect(() => joseTokenVerifier({ issuer: ISSUER, audience: '', keys, clock })).toThrow(TypeError)
  expect(() => joseTokenVerifier({ issuer: '', audience: 'x', keys, clock })).toThrow(TypeError)
})
