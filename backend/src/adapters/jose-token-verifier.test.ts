import { SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { joseTokenVerifier } from './jose-token-verifier.ts'
import { createJwksCache } from './jwks-cache.ts'
import {
  AUDIENCE,
  fakeIssuer,
  goodClaims,
  ISSUER,
  jwksResponse,
  makeKey,
  memoryKeySets,
  NOW,
  signToken,
} from './token-fixtures.ts'
import { makeTokenWorld, tokenRows } from './token-rows.ts'

const world = await makeTokenWorld({ issuer: ISSUER, audience: AUDIENCE, now: NOW })
const { rsa, ec } = world

function verifier(nowSeconds = NOW) {
  const clock = { now: () => nowSeconds * 1_000 }
  const issuer = fakeIssuer(() => jwksResponse(rsa.publicJwk, ec.publicJwk))
  const keys = createJwksCache({
    url: new URL(`${ISSUER}/jwks`),
    clock,
    store: memoryKeySets(),
    fetch: issuer.fetch,
  })
  const tokens = joseTokenVerifier({ issuer: ISSUER, audience: AUDIENCE, keys, clock })
  return { tokens, urls: issuer.urls }
}

async function verdictOn(token: string): Promise<string> {
  const outcome = await verifier().tokens.verify(token)
  return outcome.ok ? 'ACCEPTED' : outcome.reason
}

it.each(tokenRows(world))('$title: $verdict', async ({ token, verdict }) => {
  expect(await verdictOn(await token())).toBe(verdict)
})

it('a good token gives the identity that its claims say, for RS256 and ES256', async () => {
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

describe('tokens that are good although they look odd', () => {
  it('TOKEN-6: nothing is fetched from where a token points', async () => {
    const { tokens, urls } = verifier()
    const pointers = { jku: 'http://169.254.169.254/', x5u: 'https://evil.example/' }
    expect(await tokens.verify(await signToken(ec, {}, pointers))).toMatchObject({ ok: true })
    expect(urls).toEqual([`${ISSUER}/jwks`])
  })
  it('TOKEN-13: a token is good until its last second', async () => {
    expect(await verdictOn(await signToken(ec, { exp: NOW + 1 }))).toBe('ACCEPTED')
  })
  it('TOKEN-16: an iat up to 5 s ahead of our clock is taken', async () => {
    expect(await verdictOn(await signToken(ec, { iat: NOW + 5 }))).toBe('ACCEPTED')
  })
  it('TOKEN-21: topics that are none are left out, the others stay', async () => {
    const token = await signToken(ec, { devices: ['plant-1/#', '*', 'plant-2/pump-1'] })
    expect(await verifier().tokens.verify(token)).toMatchObject({
      identity: { devices: ['plant-1/#', 'plant-2/pump-1'] },
    })
  })
  it('TOKEN-22: of a claim given twice the last is the one in the identity', async () => {
    const row = tokenRows(world).find(({ title }) => title.startsWith('TOKEN-22: a claim twice'))
    expect(await verifier().tokens.verify(await row!.token())).toMatchObject({
      identity: { user: 'ana' },
    })
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

it('PROMISE-18: of 1,000 logins across a rotation with overlap none fails, and the issuer is asked a handful of times', async () => {
  const next = await makeKey('ec-2')
  const clock = { ms: NOW * 1_000, now: () => clock.ms }
  let published = [ec.publicJwk]
  const issuer = fakeIssuer(() => jwksResponse(...published))
  const keys = createJwksCache({
    url: new URL(`${ISSUER}/jwks`),
    clock,
    store: memoryKeySets(),
    fetch: issuer.fetch,
  })
  const tokens = joseTokenVerifier({ issuer: ISSUER, audience: AUDIENCE, keys, clock })
  const refused: unknown[] = []
  for (let login = 0; login < 1_000; login++) {
    // Two hours of one login every 7.2 s: a third with the old key, a third with both published, a third with the new one alone.
    if (login === 333) published = [ec.publicJwk, next.publicJwk]
    if (login === 666) published = [next.publicJwk]
    const signer = login < 334 || (login < 600 && login % 2 === 0) ? ec : next
    const iat = Math.floor(clock.ms / 1_000)
    const outcome = await tokens.verify(await signToken(signer, { iat, exp: iat + 3_600 }))
    if (!outcome.ok) refused.push([login, outcome.reason])
    clock.ms += 7_200
  }
  expect(refused).toEqual([])
  expect(issuer.urls.length).toBeLessThan(20)
})

it('TOKEN-18: a verifier cannot be made without issuer or audience', () => {
  const clock = { now: () => 0 }
  const keys = createJwksCache({ url: new URL(ISSUER), clock, store: memoryKeySets() })
  expect(() => joseTokenVerifier({ issuer: ISSUER, audience: '', keys, clock })).toThrow(TypeError)
  expect(() => joseTokenVerifier({ issuer: '', audience: 'x', keys, clock })).toThrow(TypeError)
})
