import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib'
import {
  CfnUserPoolGroup,
  ClientAttributes,
  FeaturePlan,
  LambdaVersion,
  Mfa,
  OAuthScope,
  StringAttribute,
  UserPool,
  type UserPoolClient,
  UserPoolClientIdentityProvider,
  UserPoolOperation,
} from 'aws-cdk-lib/aws-cognito'
import { Construct } from 'constructs'
import { env } from '../../backend/src/contract.ts'
import type { Foundation } from './foundation.ts'
import type { Environment } from './environment.ts'
import type { ExternalSignIn } from './region-config.ts'
import { ServiceFunction } from './service-function.ts'

/** What a verifier of tokens must know. */
export interface TokenIssuer {
  readonly issuer: string
  readonly clientId: string
  readonly environment: Environment
}

/** An issuer that this stack does not own. */
export function externalIssuer({ issuer, clientId, jwksUri }: ExternalSignIn): TokenIssuer {
  return { issuer, clientId, environment: issuerEnvironment({ issuer, clientId, jwksUri }) }
}

const issuerEnvironment = (
  of: Pick<ExternalSignIn, 'issuer' | 'clientId' | 'jwksUri'>,
): Environment => ({
  [env.issuer]: of.issuer,
  [env.audience]: of.clientId,
  [env.jwksUri]: of.jwksUri,
})

export interface IdentityProps {
  readonly foundation: Foundation
  /** Where the dashboards live: `https://…`, no trailing slash. */
  readonly dashboardOrigins: readonly string[]
  /** Prefix of the sign-in page's domain. */
  readonly domainPrefix: string
}

/** Longer ones make an access token that is over the size that `$connect` takes (backend/src/core/auth/claims.ts). */
const DEVICES_MAX_CHARACTERS = 1_900

const groups = {
  viewer: 'May watch the devices named in custom:devices',
  operator: 'May also command these devices, write notes, acknowledge and shelve alarms',
  admin: 'May also revoke users and tokens',
} as const

/** Users, their roles (groups) and their devices (custom:devices), and the tokens that say so. */
export class Identity extends Construct implements TokenIssuer {
  readonly issuer: string
  readonly clientId: string
  readonly userPoolId: string
  readonly environment: Environment

  constructor(scope: Construct, id: string, props: IdentityProps) {
    super(scope, id)
    const pool = this.#userPool(props.foundation)
    this.#addTokenClaims(pool, props.foundation)
    for (const [groupName, description] of Object.entries(groups))
      new CfnUserPoolGroup(this, `${groupName.charAt(0).toUpperCase()}${groupName.slice(1)}s`, {
        userPoolId: pool.userPoolId,
        groupName,
        description,
      })
    pool.addDomain('SignIn', { cognitoDomain: { domainPrefix: props.domainPrefix } })
    const client = dashboardClient(pool, props.dashboardOrigins)
    this.issuer = pool.userPoolProviderUrl
    this.userPoolId = pool.userPoolId
    this.clientId = client.userPoolClientId
    const jwksUri = `${this.issuer}/.well-known/jwks.json`
    this.environment = issuerEnvironment({ issuer: this.issuer, clientId: this.clientId, jwksUri })
  }

  #userPool({ config }: Foundation): UserPool {
    return new UserPool(this, 'Users', {
      userPoolName: Stack.of(this).stackName,
      // Version 2 of the token trigger, which may change access tokens, needs this plan.
      featurePlan: FeaturePlan.ESSENTIALS,
      selfSignUpEnabled: false,
      signInAliases: { username: true, email: true },
      customAttributes: {
        devices: new StringAttribute({ maxLen: DEVICES_MAX_CHARACTERS, mutable: true }),
      },
      // With optional MFA Cognito's pages ask only those who have set it up; they do not offer it.
      mfa: config.requireMfa ? Mfa.REQUIRED : Mfa.OPTIONAL,
      mfaSecondFactor: { sms: false, otp: true },
      passwordPolicy: {
        minLength: 12,
        requireLowercase: true,
        requireUppercase: true,
        requireDigits: true,
        requireSymbols: true,
        tempPasswordValidity: Duration.days(3),
      },
      deletionProtection: config.retainData,
      removalPolicy: config.retainData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    })
  }

  #addTokenClaims(pool: UserPool, foundation: Foundation): void {
    const preToken = new ServiceFunction(this, 'PreToken', {
      foundation,
      name: 'pre-token',
      description: 'Puts roles and devices into access tokens',
      memoryMb: 256,
      // Cognito waits five seconds for a trigger.
      timeoutSeconds: 5,
    })
    pool.addTrigger(
      UserPoolOperation.PRE_TOKEN_GENERATION_CONFIG,
      preToken.function,
      LambdaVersion.V2_0,
    )
  }
}

/** A public client (no secret, PKCE) that may only use the code flow, and may not write `custom:devices`. */
function dashboardClient(pool: UserPool, origins: readonly string[]): UserPoolClient {
  return pool.addClient('Dashboard', {
    generateSecret: false,
    // Nothing but renewing: without a list Cognito also allows SRP and custom flows past the sign-in page.
    authFlows: { userSrp: false },
    supportedIdentityProviders: [UserPoolClientIdentityProvider.COGNITO],
    oAuth: {
      flows: { authorizationCodeGrant: true },
      scopes: [OAuthScope.OPENID, OAuthScope.PROFILE],
      callbackUrls: origins.map((origin) => `${origin}/callback`),
      logoutUrls: origins.map((origin) => `${origin}/`),
    },
    readAttributes: new ClientAttributes().withStandardAttributes({
      email: true,
      fullname: true,
      preferredUsername: true,
    }),
    writeAttributes: new ClientAttributes().withStandardAttributes({ preferredUsername: true }),
    preventUserExistenceErrors: true,
    enableTokenRevocation: true,
    accessTokenValidity: Duration.hours(1),
    idTokenValidity: Duration.hours(1),
    refreshTokenValidity: Duration.hours(12),
  })
}
