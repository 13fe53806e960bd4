import type { Identity } from './identity.ts'

/** Why a token was refused. For logs and metrics; the client only learns 401 or 403. */
export type TokenRefusal =
  | 'TOKEN_MALFORMED'
  | 'TOKEN_TOO_LONG'
  | 'TOKEN_ALGORITHM'
  | 'TOKEN_TYPE'
  | 'KEY_UNKNOWN'
  | 'KEYS_UNAVAILABLE'
  | 'SIGNATURE_INVALID'
  | 'ISSUER_INVALID'
  | 'AUDIENCE_INVALID'
  | 'TIMES_INVALID'
  | 'TOKEN_EXPIRED'
  | 'SUBJECT_INVALID'
  | 'ENTITLEMENT_INVALID'
  | 'NO_ACCESS'

export type TokenOutcome =
  | { readonly ok: true; readonly identity: Identity }
  | { readonly ok: false; readonly reason: TokenRefusal }

/** Decides whether a bearer token is genuine and for us. Never throws because of what a token contains. */
export interface TokenVerifier {
  verify(token: string): Promise<TokenOutcome>
}

/** Whether an administrator took it back. */
export interface RevocationChecks {
  /**
   * True when the token itself was revoked, or its user after the token was issued. A user's revocation ends every token issued up to
   * then; a later sign-in is the identity provider's decision.
   */
  isRevoked(identity: RevocationSubject): Promise<boolean>
}

export interface Revocations extends RevocationChecks {
  /** Kept for 25 h: longer than any token we accept lives. `atMs`: epoch ms. */
  revokeUser(issuer: string, user: string, atMs: number): Promise<void>
  revokeToken(issuer: string, tokenId: string, atMs: number): Promise<void>
}

export type RevocationSubject = Pick<Identity, 'issuer' | 'user' | 'tokenId' | 'issuedAt'>
