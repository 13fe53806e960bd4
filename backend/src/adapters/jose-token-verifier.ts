import { decodeProtectedHeader, errors, jwtVerify, type JWTPayload } from 'jose'
import { CLOCK_TOLERANCE_SECONDS, MAX_TOKEN_CHARACTERS, readClaims } from '../core/auth/claims.ts'
import type { TokenOutcome, TokenRefusal, TokenVerifier } from '../core/auth/ports.ts'
import type { JwksCache } from './jwks-cache.ts'

const ALGORITHMS = ['RS256', 'ES256']
/** `at+jwt` by RFC 9068, `JWT` by habit, nothing by Cognito, whose tokens say what they are in `token_use`. */
const TYPES: readonly unknown[] = [undefined, 'JWT', 'at+jwt', 'application/at+jwt']
/** Three parts of unpadded base64url: no spaces, padding or percent signs (reliability.md J28). */
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/
const MAX_KID_CHARACTERS = 256

export interface JoseTokenVerifierOptions {
  readonly issuer: string
  readonly audience: string
  readonly keys: JwksCache
  /** Epoch ms. */
  readonly now: () => number
}

/**
 * Verifies access tokens with jose. Nothing in a token's header makes us fetch anything: only `alg`, `kid`, `typ` and `crit`
 * are read, `jku`, `x5u`, `jwk` and `x5c` are not.
 *
 * @throws TypeError without issuer or audience: jose would then check neither (reliability.md J18).
 */
export function joseTokenVerifier(options: JoseTokenVerifierOptions): TokenVerifier {
  if (!options.issuer || !options.audience) {
    throw new TypeError('a token verifier needs an issuer and an audience')
  }
  return {
    async verify(token) {
      const kid = readKid(token)
      if (!kid.ok) return kid
      const keys = await options.keys.keysFor(kid.value)
      if (!keys) return { ok: false, reason: 'KEYS_UNAVAILABLE' }
      const nowMs = options.now()
      try {
        const { payload } = await jwtVerify(token, keys, {
          algorithms: ALGORITHMS,
          currentDate: new Date(nowMs),
          clockTolerance: CLOCK_TOLERANCE_SECONDS,
        })
        return judge(payload, options, nowMs)
      } catch (error) {
        return { ok: false, reason: refusalOf(error) }
      }
    },
  }
}

type KidOutcome = { ok: true; value: string } | { ok: false; reason: TokenRefusal }

function readKid(token: string): KidOutcome {
  if (token.length > MAX_TOKEN_CHARACTERS) return { ok: false, reason: 'TOKEN_TOO_LONG' }
  if (!COMPACT.test(token)) return { ok: false, reason: 'TOKEN_MALFORMED' }
  let header
  try {
    header = decodeProtectedHeader(token)
  } catch {
    return { ok: false, reason: 'TOKEN_MALFORMED' }
  }
  if (!ALGORITHMS.includes(header.alg ?? '')) return { ok: false, reason: 'TOKEN_ALGORITHM' }
  if (!TYPES.includes(header.typ)) return { ok: false, reason: 'TOKEN_TYPE' }
  // Required: with a single key in the set jose would take a token without `kid` (reliability.md J08).
  const kid: unknown = header.kid
  if (typeof kid !== 'string' || kid === '' || kid.length > MAX_KID_CHARACTERS) {
    return { ok: false, reason: 'KEY_UNKNOWN' }
  }
  return { ok: true, value: kid }
}

const judge = (
  payload: JWTPayload,
  options: JoseTokenVerifierOptions,
  nowMs: number,
): TokenOutcome =>
  readClaims(payload, {
    issuer: options.issuer,
    audience: options.audience,
    nowSeconds: Math.floor(nowMs / 1_000),
  })

function refusalOf(error: unknown): TokenRefusal {
  if (error instanceof errors.JWTExpired) return 'TOKEN_EXPIRED'
  if (error instanceof errors.JWTClaimValidationFailed) return 'TIMES_INVALID'
  if (error instanceof errors.JWKSNoMatchingKey) return 'KEY_UNKNOWN'
  if (error instanceof errors.JOSEAlgNotAllowed) return 'TOKEN_ALGORITHM'
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'SIGNATURE_INVALID'
  return 'TOKEN_MALFORMED'
}
