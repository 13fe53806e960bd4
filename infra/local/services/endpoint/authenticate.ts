import { AwsError } from '../../platform/errors.ts'
import { verifySigV4 } from '../../platform/sigv4.ts'
import type { Account, Principal } from '../../platform/types.ts'
import type { HttpCall } from './parse-call.ts'

/** Who owns an access key; undefined = a key this run did not hand out. */
export type Principals = (
  accessKeyId: string,
) => { readonly principal: Principal; readonly secretAccessKey: string } | undefined

export interface Caller {
  /** The signing name: which service is meant. */
  readonly service: string
  readonly principal: Principal
}

/**
 * Who calls which service. Without credentials: 403 `MissingAuthenticationTokenException`. A key this run handed out must carry a right
 * signature, otherwise 403 `InvalidSignatureException`. Any other key is the local developer: nobody but this machine
 * reaches the port, and developers come with whatever credentials their tools hold. But not in the query: there a page can put anything, and
 * every browser of this machine would send it (an `Authorization` header it sends for no foreign page).
 */
export function authenticate(
  call: HttpCall,
  { account, principals }: { readonly account: Account; readonly principals: Principals },
): Caller {
  // The age of a signature is not checked: the clock here may run faster than the caller's.
  const outcome = verifySigV4(
    { ...call, rawUrl: call.url },
    (accessKeyId) => principals(accessKeyId)?.secretAccessKey,
  )
  if (!outcome.ok) {
    const code = outcome.code.endsWith('Exception') ? outcome.code : `${outcome.code}Exception`
    throw new AwsError(code, outcome.message, { status: 403 })
  }
  if (!outcome.verified && call.headers['authorization'] === undefined) {
    throw new AwsError(
      'InvalidSignatureException',
      `The access key ${outcome.accessKeyId} of the signature in the query is not one that this run gave out. Sign in the Authorization header, as SDKs and the AWS CLI do.`,
      { status: 403 },
    )
  }
  const principal = principals(outcome.accessKeyId)?.principal ?? {
    arn: `arn:aws:iam::${account.accountId}:user/local-developer`,
  }
  return { service: outcome.service, principal }
}
