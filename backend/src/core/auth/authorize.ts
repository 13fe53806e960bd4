import { toAuthorizerContext } from './context.ts'
import { readOffer } from './handshake.ts'
import type { Identity } from './identity.ts'
import type { RevocationChecks, TokenRefusal, TokenVerifier } from './ports.ts'

export interface AuthorizePorts {
  readonly tokens: TokenVerifier
  readonly revocations: RevocationChecks
}

/** `unauthorized` becomes 401, `forbidden` 403, `undecided` 500 (APIGW-61–APIGW-63). */
export type Decision =
  | { readonly outcome: 'allowed'; readonly identity: Identity }
  | { readonly outcome: 'unauthorized'; readonly reason: TokenRefusal }
  /** The issuer's keys cannot be had: no word about the token, which may be good (PROMISE-17). */
  | { readonly outcome: 'undecided'; readonly reason: 'KEYS_UNAVAILABLE' }
  | {
      readonly outcome: 'forbidden'
      readonly reason: 'REVOKED' | 'NO_ACCESS'
      readonly user?: string
    }

/** Decides about one handshake from its headers. A genuine token that grants nothing, or was taken back, is forbidden. */
export async function authorize(
  headers: Readonly<Record<string, string | undefined>> | null | undefined,
  { tokens, revocations }: AuthorizePorts,
): Promise<Decision> {
  const { token } = readOffer(headers)
  if (token === undefined) return { outcome: 'unauthorized', reason: 'TOKEN_MALFORMED' }
  const verdict = await tokens.verify(token)
  if (!verdict.ok) return refusal(verdict.reason)
  const { identity } = verdict
  if (await revocations.isRevoked(identity)) {
    return { outcome: 'forbidden', reason: 'REVOKED', user: identity.user }
  }
  return { outcome: 'allowed', identity }
}

function refusal(reason: TokenRefusal): Decision {
  if (reason === 'NO_ACCESS') return { outcome: 'forbidden', reason }
  return reason === 'KEYS_UNAVAILABLE'
    ? { outcome: 'undecided', reason }
    : { outcome: 'unauthorized', reason }
}

export interface AuthorizerAnswer {
  readonly principalId: string
  readonly policyDocument: {
    readonly Version: '2012-10-17'
    readonly Statement: readonly [
      {
        readonly Action: 'execute-api:Invoke'
        readonly Effect: 'Allow' | 'Deny'
        readonly Resource: string
      },
    ]
  }
  readonly context?: Record<string, string>
}

/**
 * The policy for exactly this API, stage and `$connect` (APIGW-64, APIGW-65): no wildcard is ever granted. Throws Error: `Unauthorized` for
 * 401 (APIGW-61), any other text for 500 (APIGW-63).
 */
export function toAuthorizerAnswer(decision: Decision, methodArn: string): AuthorizerAnswer {
  if (decision.outcome === 'unauthorized') throw new Error('Unauthorized')
  if (decision.outcome === 'undecided') throw new Error('the keys of the issuer cannot be had')
  const allowed = decision.outcome === 'allowed'
  return {
    principalId: allowed ? decision.identity.user : (decision.user ?? 'unknown'),
    policyDocument: {
      Version: '2012-10-17',
      Statement: [
        {
          Action: 'execute-api:Invoke',
          Effect: allowed ? 'Allow' : 'Deny',
          Resource: methodArn,
        },
      ],
    },
    ...(allowed ? { context: toAuthorizerContext(decision.identity) } : {}),
  }
}
