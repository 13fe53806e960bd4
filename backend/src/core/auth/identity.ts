import type { Role, TopicFilter } from '../../protocol/index.ts'

/** Who opened a socket and what he may see, as the token said at `$connect` or the last `refresh`. */
export interface Identity {
  /** The token's `sub`. */
  readonly user: string
  readonly roles: readonly Role[]
  /** Topic filters the bearer may see. */
  readonly devices: readonly TopicFilter[]
  /** Epoch seconds. */
  readonly expiresAt: number
  /** Epoch seconds. */
  readonly issuedAt: number
  /** `jti`; '' when the issuer gives none (such a token can only be revoked through its user). */
  readonly tokenId: string
  readonly issuer: string
}

/** True when the bearer holds `role` or a stronger one: viewer < operator < admin. */
export function hasRole(identity: Pick<Identity, 'roles'>, role: Role): boolean {
  const rank: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, admin: 2 }
  return identity.roles.some((held) => rank[held] >= rank[role])
}
