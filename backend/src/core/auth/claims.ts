import { parseTopicFilter, type Role } from '../../protocol/index.ts'
import type { TokenOutcome, TokenRefusal } from './ports.ts'

/** The longest token that is decoded at all; also bounds the authorizer's context (APIGW-70: 8 KB). */
export const MAX_TOKEN_CHARACTERS = 4_096
/** No token we accept lives longer, whatever its issuer says. */
export const MAX_TOKEN_AGE_SECONDS = 24 * 3_600
/** How far `iat` and `nbf` may lie ahead of our clock. `exp` has no tolerance: an expired token is expired. */
export const CLOCK_TOLERANCE_SECONDS = 5
const MAX_DEVICES = 200
/** No `#`, `|` or control characters: the subject becomes part of a table key. */
const SUBJECT = /^[A-Za-z0-9._:@+=,-]{1,128}$/
const TOKEN_ID = /^[\x21-\x7e]{1,128}$/
const ROLES: readonly Role[] = ['viewer', 'operator', 'admin']

export interface ClaimRules {
  readonly issuer: string
  /** Our client id. Cognito's access tokens carry it as `client_id` and have no `aud`. */
  readonly audience: string
  readonly nowSeconds: number
}

type Claims = Readonly<Record<string, unknown>>

/**
 * The identity in a payload whose signature is already verified, or why it is refused. Closes what jose leaves open
 *: `exp` and `iat` are required safe integers, `iat` is not ahead of the clock, the life is bounded.
 */
export function readClaims(claims: Claims, rules: ClaimRules): TokenOutcome {
  const refusal =
    checkAddressee(claims, rules) ?? checkTimes(claims, rules.nowSeconds) ?? checkSubject(claims)
  if (refusal) return { ok: false, reason: refusal }
  const devices = readDevices(claims['devices'])
  if (!devices) return { ok: false, reason: 'ENTITLEMENT_INVALID' }
  const roles = readRoles(claims)
  if (devices.length === 0 || roles.length === 0) return { ok: false, reason: 'NO_ACCESS' }
  return {
    ok: true,
    identity: {
      user: claims['sub'] as string,
      roles,
      devices,
      expiresAt: claims['exp'] as number,
      issuedAt: claims['iat'] as number,
      tokenId: typeof claims['jti'] === 'string' ? claims['jti'] : '',
      issuer: rules.issuer,
    },
  }
}

function checkAddressee(claims: Claims, rules: ClaimRules): TokenRefusal | undefined {
  if (claims['iss'] !== rules.issuer) return 'ISSUER_INVALID'
  if (!isAccessToken(claims)) return 'TOKEN_TYPE'
  const audience = claims['aud']
  if (audience === undefined) {
    return claims['client_id'] === rules.audience ? undefined : 'AUDIENCE_INVALID'
  }
  const audiences: readonly unknown[] = Array.isArray(audience) ? audience : [audience]
  return audiences.includes(rules.audience) ? undefined : 'AUDIENCE_INVALID'
}

/** An ID token proves who somebody is to its client and is no key to an API (RFC 8725 3.11); Cognito says which is which. */
function isAccessToken(claims: Claims): boolean {
  if (claims['token_use'] !== undefined) return claims['token_use'] === 'access'
  return claims['nonce'] === undefined && claims['at_hash'] === undefined
}

function checkTimes(claims: Claims, nowSeconds: number): TokenRefusal | undefined {
  const { exp, iat, nbf } = claims
  if (!isEpochSeconds(exp) || !isEpochSeconds(iat)) return 'TIMES_INVALID'
  if (iat > nowSeconds + CLOCK_TOLERANCE_SECONDS) return 'TIMES_INVALID'
  if (nbf !== undefined && (!isEpochSeconds(nbf) || nbf > nowSeconds + CLOCK_TOLERANCE_SECONDS)) {
    return 'TIMES_INVALID'
  }
  if (exp - iat > MAX_TOKEN_AGE_SECONDS) return 'TIMES_INVALID'
  return exp <= nowSeconds ? 'TOKEN_EXPIRED' : undefined
}

const isEpochSeconds = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0

function checkSubject(claims: Claims): TokenRefusal | undefined {
  const { sub, jti } = claims
  if (typeof sub !== 'string' || !SUBJECT.test(sub)) return 'SUBJECT_INVALID'
  if (jti === undefined) return undefined
  return typeof jti === 'string' && TOKEN_ID.test(jti) ? undefined : 'SUBJECT_INVALID'
}

/** Only an array of topic filters grants anything; `undefined` = more than we carry, so that a grant is never silently cut. */
function readDevices(claim: unknown): readonly string[] | undefined {
  if (!Array.isArray(claim)) return []
  const filters = claim.filter(
    (entry): entry is string => typeof entry === 'string' && parseTopicFilter(entry) !== undefined,
  )
  return filters.length > MAX_DEVICES ? undefined : [...new Set(filters)]
}

function readRoles(claims: Claims): readonly Role[] {
  const held = [claims['roles'], claims['cognito:groups']].flatMap((claim) =>
    Array.isArray(claim) ? (claim as unknown[]) : [],
  )
  return ROLES.filter((role) => held.includes(role))
}
