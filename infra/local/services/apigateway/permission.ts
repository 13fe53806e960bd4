import { verifySigV4 } from '../../platform/sigv4.ts'
import type { SignedRequest } from '../../platform/sigv4.ts'
import type { Account, Authorization, Clock, Principal } from '../../platform/types.ts'

/** Whose access key that is; undefined for a key that nobody here gave out. */
export type Principals = (
  accessKeyId: string,
) => { readonly principal: Principal; readonly secretAccessKey: string } | undefined

export interface PermissionDependencies {
  readonly account: Account
  readonly authorization: Authorization
  readonly principals: Principals
  /** The clock of those who sign: functions and SDKs read the machine's, wherever the clock of the services has been moved to. */
  readonly signingClock: Clock
}

/**
 * Why a request may not do `action` on `resource`, in AWS's words; undefined when it may. The signature is checked first, so that nobody
 * learns anything without one. A key that nobody here gave out is the local developer's: its signature cannot be checked, and it
 * may do everything (MGMT-6).
 */
export function refusalOf(
  { account, authorization, principals, signingClock }: PermissionDependencies,
  request: SignedRequest,
  asked: { readonly action: string; readonly resource: string },
): string | undefined {
  const signature = verifySigV4(
    request,
    (accessKeyId) => principals(accessKeyId)?.secretAccessKey,
    { nowMs: signingClock.now() },
  )
  if (!signature.ok) return signature.message
  // MGMT-11, MGMT-19
  if (signature.service !== 'execute-api')
    return "Credential should be scoped to correct service: 'execute-api'. "
  const principal = principals(signature.accessKeyId)?.principal
  if (!principal) return undefined
  if (signature.region !== account.region)
    return `Credential should be scoped to a valid region, not '${signature.region}'. `
  if (authorization.isAllowed(principal, asked.action, asked.resource)) return undefined
  return `User: ${principal.arn} is not authorized to perform: ${asked.action} on resource: ${asked.resource}`
}
