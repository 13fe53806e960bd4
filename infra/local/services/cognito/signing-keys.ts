import { createHash, generateKeyPair, type JsonWebKey, type KeyObject, sign } from 'node:crypto'
import { promisify } from 'node:util'

/** A private key as the OIDC library wants it. */
export interface PrivateJwk extends JsonWebKey {
  readonly kid: string
}

interface SigningKey {
  readonly kid: string
  readonly privateKey: KeyObject
}

/** RSA keys, the newest first: it signs; the others only verify what they signed before. */
export interface SigningKeys {
  readonly kid: string
  /** Private JWKs of all keys, newest first. */
  jwks(): PrivateJwk[]
  /** A compact JWS (RS256) of the claims; header `kid` and `alg` only, as Cognito's. */
  sign(claims: Readonly<Record<string, unknown>>): string
  /** A new key signs from now on. `keepOld: false` forgets the others at once, as after a theft. */
  rotate(options: { readonly keepOld: boolean }): Promise<void>
}

const generate = promisify(generateKeyPair)

/** Cognito signs with RS256 and 2048 bits. */
async function newKey(): Promise<SigningKey> {
  const { privateKey } = await generate('rsa', { modulusLength: 2048 })
  const { e, n } = privateKey.export({ format: 'jwk' })
  // RFC 7638 thumbprint.
  const kid = createHash('sha256')
    .update(JSON.stringify({ e, kty: 'RSA', n }))
    .digest('base64url')
  return { kid, privateKey }
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Makes the first key, which takes a fraction of a second. */
export async function createSigningKeys(): Promise<SigningKeys> {
  let current = await newKey()
  let old: readonly SigningKey[] = []
  return {
    get kid() {
      return current.kid
    },
    jwks: () =>
      [current, ...old].map(({ kid, privateKey }) => ({
        ...privateKey.export({ format: 'jwk' }),
        kid,
        alg: 'RS256',
        use: 'sig',
      })),
    sign(claims) {
      const content = `${encode({ kid: current.kid, alg: 'RS256' })}.${encode(claims)}`
      const signature = sign('RSA-SHA256', Buffer.from(content), current.privateKey)
      return `${content}.${signature.toString('base64url')}`
    },
    async rotate({ keepOld }) {
      old = keepOld ? [current, ...old] : []
      current = await newKey()
    },
  }
}
