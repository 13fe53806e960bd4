import { decodeProtectedHeader, errors, jwtVerify, type JWTPayload } from 'jose'
import { CLOCK_TOLERANCE_SECONDS, MAX_TOKEN_CHARACTERS, readClaims } from '../core/auth/claims.ts'
import type { Clock } from '../core/clock.ts'
import type { TokenOutcome, TokenRefusal, TokenVerifier } from '../core/auth/ports.ts'
import { metrics } from '../contract.ts'
import { createJwksCache, type JwksCache, type JwksEvent } from './jwks-cache.ts'
import type { KeySetStore } from './key-set-store.ts'
import type { Telemetry } from './telemetry.ts'

const ALGORITHMS = ['RS256', 'ES256']
/** `at+jwt` by RFC 9068, `JWT` by habit, nothing by Cognito, whose tokens say what they are in `token_use`. */
const TYPES: readonly unknown[] = [undefined, 'JWT', 'at+jwt', 'application/at+jwt']
/** Three parts of unpadded base64url: no spaces, padding or percent signs (TOKEN-28). */
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/
const MAX_KID_CHARACTERS = 256

export interface JoseTokenVerifierOptions {
  readonly issuer: string
  readonly audience: string
  readonly keys: JwksCache
  readonly clock: Clock
}

/**
 * Verifies access tokens with jose. Nothing in a token's header makes us fetch anything: only `alg`, `kid`, `typ` and `crit`
 * are read, `jku`, `x5u`, `jwk` and `x5c` are not.
 *
 * @throws TypeError without issuer or audience: jose would then check neither (TOKEN-18).
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
      const nowMs = options.clock.now()
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
  // Required: with a single key in the set jose would take a token without `kid` (TOKEN-8).
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

export interface TokenConfig {
  readonly issuer: string
  readonly audience: string
  readonly jwksUri: string
}

/** The verifier of a function's configuration, with a key cache that shares what it fetched; the cache's events become metrics. */
export function createTokenVerifier(
  config: TokenConfig,
  {
    clock,
    telemetry,
    store,
  }: { readonly clock: Clock; readonly telemetry: Telemetry; readonly store: KeySetStore },
): TokenVerifier {
  const onEvent = (event: JwksEvent): void => {
    reportKeys(event, telemetry)
  }
  const keys = createJwksCache({ url: new URL(config.jwksUri), clock, store, onEvent })
  return joseTokenVerifier({ issuer: config.issuer, audience: config.audience, keys, clock })
}

function reportKeys(event: JwksEvent, { log, metrics: sink }: Telemetry): void {
  switch (event.kind) {
    case 'fetched':
      sink.count(metrics.jwksFetches)
      log.info('key set fetched', { keys: event.keys })
      break
    case 'failed':
      sink.count(metrics.jwksFetches)
      sink.count(metrics.jwksFetchFailed)
      log.warn('key set not fetched', { reason: event.reason })
      break
    case 'frozen':
      log.info('key set not fetched', { reason: 'the function was frozen while it asked' })
      break
    case 'unanswered':
      log.warn('key set not fetched', { reason: 'another environment asks and has no answer yet' })
      break
    case 'shared':
      log.info('key set taken over', { ageSeconds: event.ageSeconds })
      break
    case 'unshared':
      log.warn('key set not shared', { reason: event.reason })
      break
    case 'stale':
      sink.count(metrics.jwksStaleSeconds, event.ageSeconds)
      break
  }
}
