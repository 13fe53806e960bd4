import {
  exportJWK,
  generateKeyPair,
  SignJWT,
  type CryptoKey,
  type JWK,
  type JWTPayload,
} from 'jose'

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
  alg: 'RS256' | 'ES256' | 'PS256' = 'ES256',
): Promise<TestKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

/** The claims of a Cognito access token for an operator of plant-1. */
export const goodClaims = (): JWTPayload => ({
  iss: ISSUER,
  sub: 'ana',
  client_id: AUDIENCE,
  token_use: 'access',
  iat: NOW - 60,
  exp: NOW + 3_600,
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
