import {
  exportJWK,
  generateKeyPair,
  SignJWT,
  type CryptoKey,
  type JWK,
  type JWTPayload,
} from 'jose'
import type { KeptKeySet, KeySetStore } from './key-set-store.ts'

export const ISSUER = 'https://issuer.example'
export const AUDIENCE = 'client-1'
/** 2026-01-01T00:00:00Z in seconds. */
export const NOW = 1_767_225_600

export interface TestKey {
  readonly privateKey: CryptoKey
  readonly publicJwk: JWK
}

/** A real key pair, its public half as an issuer publishes it. */
export async function makeKey(
  kid: string,
  alg: 'RS256' | 'ES256' | 'PS256' | 'RS512' = 'ES256',
): Promise<TestKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

/** Who issues, for whom, and when (epoch seconds). */
export interface TokenSetting {
  readonly issuer: string
  readonly audience: string
  readonly now: number
}
const SETTING: TokenSetting = { issuer: ISSUER, audience: AUDIENCE, now: NOW }

/** The claims of a Cognito access token for an operator of plant-1. */
export const goodClaims = ({ issuer, audience, now } = SETTING): JWTPayload => ({
  iss: issuer,
  sub: 'ana',
  client_id: audience,
  token_use: 'access',
  iat: now - 60,
  exp: now + 3_600,
  jti: 'token-1',
  devices: ['plant-1/#'],
  'cognito:groups': ['operator'],
})

/** A signed token; `claims` and `header` replace or, by `undefined`, remove members. */
export async function signToken(
  key: TestKey,
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  const { kid, alg } = key.publicJwk
  return new SignJWT({ ...goodClaims(), ...claims })
    .setProtectedHeader({ alg: alg ?? 'ES256', kid, ...header } as { alg: string })
    .sign(key.privateKey)
}

/** A token of exactly this header and payload text, genuinely signed with an ES256 key: for JSON that no library writes. */
export async function signRaw(key: TestKey, header: string, payload: string): Promise<string> {
  const input = [header, payload].map((text) => Buffer.from(text).toString('base64url')).join('.')
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' }
  const signature = await crypto.subtle.sign(algorithm, key.privateKey, Buffer.from(input))
  return `${input}.${Buffer.from(signature).toString('base64url')}`
}

/** A token of any header and payload text with a signature that nobody made. */
export const forgedToken = (header: unknown, payload: string, signature = 'c2ln'): string =>
  [JSON.stringify(header), payload]
    .map((part) => Buffer.from(part).toString('base64url'))
    .concat(signature)
    .join('.')

/** A fetch that answers with what `answer` returns now, and counts. */
export function fakeIssuer(answer: () => Response | Promise<Response>): {
  readonly fetch: typeof fetch
  readonly urls: string[]
} {
  const urls: string[] = []
  return {
    urls,
    fetch: async (input) => {
      urls.push(input instanceof Request ? input.url : input.toString())
      return answer()
    },
  }
}

export const jwksResponse = (...keys: readonly JWK[]): Response => Response.json({ keys })

/** What environments share, in memory. */
export function memoryKeySets(): KeySetStore {
  let kept: KeptKeySet = {}
  const nobody = { owner: '', untilMs: Number.NEGATIVE_INFINITY }
  let leased = nobody
  const release = (owner: string): Promise<void> => {
    if (leased.owner === owner) leased = nobody
    return Promise.resolve()
  }
  return {
    read: () => Promise.resolve(kept),
    lease({ nowMs, untilMs, seenMs, owner }) {
      const isFree = leased.untilMs <= nowMs && (kept.fetchedAtMs ?? 0) <= seenMs
      if (isFree) leased = { owner, untilMs }
      return Promise.resolve(isFree)
    },
    keep(set, owner) {
      if (set.fetchedAtMs >= (kept.fetchedAtMs ?? 0)) kept = set
      return release(owner)
    },
    release,
  }
}
