import { authorizerContext } from '../../contract.ts'
import type { Role } from '../../protocol/index.ts'
import type { Identity } from './identity.ts'

/**
 * The identity as the authorizer's context: strings only (APIGW-67: an object makes the whole answer invalid). Lists are
 * joined by a space, which neither a role nor a topic filter can contain.
 */
export function toAuthorizerContext(identity: Identity): Record<string, string> {
  return {
    [authorizerContext.user]: identity.user,
    [authorizerContext.roles]: identity.roles.join(' '),
    [authorizerContext.devices]: identity.devices.join(' '),
    [authorizerContext.expiresAt]: String(identity.expiresAt),
    [authorizerContext.issuedAt]: String(identity.issuedAt),
    [authorizerContext.tokenId]: identity.tokenId,
    [authorizerContext.issuer]: identity.issuer,
  }
}

/**
 * The identity that the authorizer put into an event (APIGW-68, APIGW-69), or `undefined` when there is none: an API
 * without its authorizer must fail closed.
 */
export function fromAuthorizerContext(
  context: Readonly<Record<string, unknown>> | null | undefined,
): Identity | undefined {
  const text = (key: string): string => {
    const value = context?.[key]
    return typeof value === 'string' ? value : ''
  }
  const list = (key: string): string[] => text(key).split(' ').filter(Boolean)
  const user = text(authorizerContext.user)
  const expiresAt = Number(text(authorizerContext.expiresAt))
  if (!user || !Number.isSafeInteger(expiresAt) || expiresAt <= 0) return undefined
  return {
    user,
    roles: list(authorizerContext.roles) as Role[],
    devices: list(authorizerContext.devices),
    expiresAt,
    issuedAt: Number(text(authorizerContext.issuedAt)) || 0,
    tokenId: text(authorizerContext.tokenId),
    issuer: text(authorizerContext.issuer),
  }
}
