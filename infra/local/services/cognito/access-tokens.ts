import { AwsError } from '../../platform/errors.ts'
import type { Account, Clock, Functions } from '../../platform/types.ts'
import type { SigningKeys } from './signing-keys.ts'
import { newId, type PoolRegistry } from './user-pool.ts'

/** For whom and how a token is minted. */
export interface TokenRequest {
  readonly user: {
    readonly username: string
    readonly groups: readonly string[]
    readonly devices: readonly string[]
  }
  readonly clientId: string
  readonly scope: string
  readonly expiresInSeconds: number
  readonly trigger: 'TokenGeneration_HostedAuth' | 'TokenGeneration_RefreshTokens'
  /** Epoch seconds of the sign-in; now when absent. */
  readonly authTime?: number
}

export interface AccessTokens {
  /** A signed access token with Cognito's claims and those of the pre token trigger. Throws AwsError when the trigger fails. */
  mint(request: TokenRequest): Promise<string>
}

export interface AccessTokensOptions {
  readonly account: Account
  readonly clock: Clock
  readonly functions: Pick<Functions, 'invoke'>
  readonly registry: PoolRegistry
  readonly keys: SigningKeys
  readonly issuer: () => string
}

/** Claims that a trigger cannot change (Cognito developer guide, "Pre token generation Lambda trigger"). */
const PROTECTED_CLAIMS = new Set([
  ...['acr', 'amr', 'at_hash', 'auth_time', 'azp', 'client_id', 'event_id', 'exp', 'iat', 'iss'],
  ...['jti', 'nbf', 'nonce', 'origin_jti', 'sub', 'token_use', 'username', 'version'],
])

type Claims = Record<string, unknown>

/**
 * Access tokens with the shape of Cognito's. One difference on purpose: `sub` is the user name instead of a UUID, so that
 * commands and logs of a demo can be read.
 */
export function createAccessTokens(options: AccessTokensOptions): AccessTokens {
  const { clock, keys, issuer } = options
  return {
    async mint(request) {
      const { username, groups } = request.user
      const now = Math.floor(clock.now() / 1_000)
      const claims: Claims = {
        sub: username,
        ...(groups.length > 0 ? { 'cognito:groups': groups } : {}),
        iss: issuer(),
        version: 2,
        client_id: request.clientId,
        origin_jti: newId(),
        event_id: newId(),
        token_use: 'access',
        scope: request.scope,
        auth_time: request.authTime ?? now,
        exp: now + request.expiresInSeconds,
        iat: now,
        jti: newId(),
        username,
      }
      applyTrigger(claims, await runTrigger(request, options))
      return keys.sign(claims)
    },
  }
}

/** What the trigger wants in the access token, as far as it is used. */
interface TriggerAnswer {
  readonly response?: {
    readonly claimsAndScopeOverrideDetails?: {
      readonly accessTokenGeneration?: {
        readonly claimsToAddOrOverride?: Claims
        readonly claimsToSuppress?: readonly string[]
        readonly scopesToAdd?: readonly string[]
        readonly scopesToSuppress?: readonly string[]
      } | null
    } | null
  }
}

async function runTrigger(
  request: TokenRequest,
  { account, functions, registry }: AccessTokensOptions,
): Promise<TriggerAnswer> {
  const pool = registry.pool()
  if (pool.preTokenFunction === undefined) return {}
  const result = await functions.invoke({
    functionName: pool.preTokenFunction,
    payload: triggerEvent(request, { region: account.region, userPoolId: pool.id }),
    invokedBy: { service: 'cognito-idp.amazonaws.com', sourceArn: pool.arn },
  })
  if (result.functionError === undefined) return result.payload ?? {}
  const { errorMessage = 'no answer' } = (result.payload ?? {}) as { errorMessage?: string }
  throw new AwsError(
    'UserLambdaValidationException',
    `PreTokenGenerationConfig failed with error ${errorMessage}.`,
  )
}

/** Version V2_0 of the event. */
function triggerEvent(
  { user, clientId, scope, trigger }: TokenRequest,
  pool: { readonly region: string; readonly userPoolId: string },
): Claims {
  return {
    version: '2',
    triggerSource: trigger,
    ...pool,
    userName: user.username,
    callerContext: { awsSdkVersion: 'aws-sdk-unknown-unknown', clientId },
    request: {
      userAttributes: {
        sub: user.username,
        'cognito:user_status': 'CONFIRMED',
        'custom:devices': user.devices.join(' '),
      },
      groupConfiguration: {
        groupsToOverride: user.groups,
        iamRolesToOverride: [],
        preferredRole: null,
      },
      scopes: scope.split(' '),
    },
    response: { claimsAndScopeOverrideDetails: null },
  }
}

function applyTrigger(claims: Claims, { response }: TriggerAnswer): void {
  const changes = response?.claimsAndScopeOverrideDetails?.accessTokenGeneration
  if (!changes) return
  for (const [name, value] of Object.entries(changes.claimsToAddOrOverride ?? {}))
    if (!PROTECTED_CLAIMS.has(name)) claims[name] = value
  for (const name of changes.claimsToSuppress ?? [])
    if (!PROTECTED_CLAIMS.has(name)) Reflect.deleteProperty(claims, name)
  const dropped = new Set(changes.scopesToSuppress ?? [])
  const scopes = String(claims['scope'])
    .split(' ')
    .filter((scope) => !dropped.has(scope))
  claims['scope'] = [...new Set([...scopes, ...(changes.scopesToAdd ?? [])])].join(' ')
}
