import { randomUUID } from 'node:crypto'
import { AwsError, StartError } from '../../platform/errors.ts'
import { propertiesOf } from '../../platform/fields.ts'
import { physicalName, stableId } from '../../platform/naming.ts'
import type { Account, ResolvedResource, ResourceProvider } from '../../platform/types.ts'

export interface PoolClient {
  readonly clientId: string
  readonly name: string
  readonly redirectUris: readonly string[]
  readonly logoutUris: readonly string[]
  readonly scopes: readonly string[]
  /** Seconds. */
  readonly accessTokenTtl: number
  readonly idTokenTtl: number
  readonly refreshTokenTtl: number
}

/** What the template says about the user pool. */
export interface UserPool {
  readonly id: string
  readonly arn: string
  /** The pre token generation trigger, version V2_0. */
  readonly preTokenFunction?: string
}

export interface PoolRegistry {
  readonly providers: readonly ResourceProvider[]
  pool(): UserPool
  clients(): readonly PoolClient[]
}

export interface PoolRegistryOptions {
  readonly account: Account
  /** The local issuer, without a trailing slash. */
  readonly issuer: () => string
  /** Told the host name of the sign-in domain. */
  readonly addHost: (host: string) => void
  /** Clients changed: the provider must be made again. */
  readonly changed: () => void
}

const SECONDS = { seconds: 1, minutes: 60, hours: 3_600, days: 86_400 } as const

/** Cognito's resource types, reduced to what a local sign-in needs. */
export function createPoolRegistry(options: PoolRegistryOptions): PoolRegistry {
  const clients = new Map<string, PoolClient>()
  const groups = new Set<string>()
  let pool: UserPool | undefined

  const addPool = (resource: ResolvedResource): UserPool => {
    if (pool)
      throw new StartError(
        'COGNITO_ONE_POOL',
        `${resource.logicalId}: one user pool is emulated, and ${pool.id} is already there. Remove one from the template.`,
      )
    const made = readPool(resource, options.account)
    pool = made
    options.addHost(`cognito-idp.${options.account.region}.amazonaws.com`)
    return made
  }

  const providers: readonly ResourceProvider[] = [
    {
      type: 'AWS::Cognito::UserPool',
      properties: poolProperties,
      create(resource) {
        const { id, arn } = addPool(resource)
        const issuer = options.issuer()
        return {
          ref: id,
          attributes: {
            Arn: arn,
            UserPoolId: id,
            ProviderURL: issuer,
            ProviderName: issuer.replace(/^https?:\/\//, ''),
          },
        }
      },
      delete() {
        pool = undefined
      },
    },
    {
      type: 'AWS::Cognito::UserPoolClient',
      properties: clientProperties,
      create(resource) {
        const client = readClient(resource, options.account)
        clients.set(resource.logicalId, client)
        options.changed()
        return { ref: client.clientId, attributes: { ClientId: client.clientId } }
      },
      delete(resource) {
        clients.delete(resource.logicalId)
        options.changed()
      },
    },
    {
      type: 'AWS::Cognito::UserPoolDomain',
      properties: { Domain: 'used', UserPoolId: 'used', ManagedLoginVersion: 'inert' },
      create(resource) {
        const domain = propertiesOf(resource).text('Domain')
        options.addHost(`${domain}.auth.${options.account.region}.amazoncognito.com`)
        return { ref: domain, attributes: { CloudFrontDistribution: 'none.cloudfront.net' } }
      },
    },
    {
      type: 'AWS::Cognito::UserPoolGroup',
      // Precedence and role concern identity pools; a description has no effect anywhere.
      properties: {
        UserPoolId: 'used',
        GroupName: 'used',
        Description: 'inert',
        Precedence: 'inert',
      },
      create(resource) {
        const name = propertiesOf(resource).text('GroupName')
        groups.add(name)
        return { ref: name }
      },
      delete(resource) {
        groups.delete(propertiesOf(resource).text('GroupName'))
      },
    },
  ]
  return {
    providers,
    pool() {
      if (pool) return pool
      throw new AwsError('ResourceNotFoundException', 'The template has no user pool')
    },
    clients: () => [...clients.values()],
  }
}

function readPool(resource: ResolvedResource, { region, accountId, stackName }: Account): UserPool {
  const id = `${region}_${stableId(`${stackName}/${resource.logicalId}`, 9)}`
  const trigger = propertiesOf(resource).nested('LambdaConfig')?.nested('PreTokenGenerationConfig')
  const version = trigger?.text('LambdaVersion')
  if (version !== undefined && version !== 'V2_0')
    throw new StartError(
      'COGNITO_TRIGGER_VERSION',
      `${resource.logicalId}: LambdaConfig.PreTokenGenerationConfig.LambdaVersion ${version} is not emulated; use V2_0.`,
    )
  return {
    id,
    arn: `arn:aws:cognito-idp:${region}:${accountId}:userpool/${id}`,
    ...(trigger ? { preTokenFunction: trigger.text('LambdaArn') } : {}),
  }
}

function readClient(resource: ResolvedResource, { stackName }: Account): PoolClient {
  const properties = propertiesOf(resource)
  const refuse = (property: string, rule: string): StartError =>
    new StartError('COGNITO_CLIENT', `${resource.logicalId}: ${property}: ${rule}`)
  if (properties.optionalBoolean('GenerateSecret') === true)
    throw refuse('GenerateSecret', 'a browser cannot keep a secret; set it to false.')
  const flows = properties.texts('AllowedOAuthFlows')
  if (flows.length !== 1 || flows[0] !== 'code')
    throw refuse('AllowedOAuthFlows', 'only the code flow is emulated; use ["code"].')
  const units = properties.nested('TokenValidityUnits')
  const ttl = (property: string, unitName: string, fallback: [number, keyof typeof SECONDS]) => {
    const unit = units?.optionalText(unitName) ?? fallback[1]
    if (!(unit in SECONDS)) throw refuse(`TokenValidityUnits.${unitName}`, `${unit} is no unit.`)
    return (
      (properties.optionalInteger(property) ?? fallback[0]) * SECONDS[unit as keyof typeof SECONDS]
    )
  }
  return {
    clientId: stableId(`${stackName}/${resource.logicalId}`, 26).toLowerCase(),
    name: properties.optionalText('ClientName') ?? physicalName(stackName, resource.logicalId, 128),
    redirectUris: properties.texts('CallbackURLs'),
    logoutUris: properties.texts('LogoutURLs'),
    scopes: properties.texts('AllowedOAuthScopes'),
    accessTokenTtl: ttl('AccessTokenValidity', 'AccessToken', [1, 'hours']),
    idTokenTtl: ttl('IdTokenValidity', 'IdToken', [1, 'hours']),
    refreshTokenTtl: ttl('RefreshTokenValidity', 'RefreshToken', [30, 'days']),
  }
}

/** The local pool has fixed demo users, so what concerns making and recovering accounts has no effect. */
const poolProperties: ResourceProvider['properties'] = {
  LambdaConfig: { PreTokenGenerationConfig: { LambdaArn: 'used', LambdaVersion: 'used' } },
  UserPoolName: 'inert',
  UserPoolTier: 'inert',
  UserPoolTags: 'inert',
  UserPoolAddOns: 'inert',
  UsernameConfiguration: 'inert',
  AccountRecoverySetting: 'inert',
  AdminCreateUserConfig: 'inert',
  AliasAttributes: 'inert',
  AutoVerifiedAttributes: 'inert',
  DeletionProtection: 'inert',
  EmailVerificationMessage: 'inert',
  EmailVerificationSubject: 'inert',
  EnabledMfas: 'inert',
  MfaConfiguration: 'inert',
  Policies: 'inert',
  Schema: 'inert',
  SmsVerificationMessage: 'inert',
  VerificationMessageTemplate: 'inert',
}

const clientProperties: ResourceProvider['properties'] = {
  UserPoolId: 'used',
  ClientName: 'used',
  CallbackURLs: 'used',
  LogoutURLs: 'used',
  AllowedOAuthFlows: 'used',
  AllowedOAuthScopes: 'used',
  GenerateSecret: 'used',
  AccessTokenValidity: 'used',
  IdTokenValidity: 'used',
  RefreshTokenValidity: 'used',
  TokenValidityUnits: { AccessToken: 'used', IdToken: 'used', RefreshToken: 'used' },
  // The code flow is always on; a client without it is refused by AllowedOAuthFlows.
  AllowedOAuthFlowsUserPoolClient: 'inert',
  // Password flows (SRP and others) have no endpoint here.
  ExplicitAuthFlows: 'inert',
  // Revocation is always possible; whether a user exists is no secret on a page that lists them.
  EnableTokenRevocation: 'inert',
  PreventUserExistenceErrors: 'inert',
  // The demo users' attributes are neither shown nor changed.
  ReadAttributes: 'inert',
  WriteAttributes: 'inert',
  // The pool itself is the only provider of identities.
  SupportedIdentityProviders: 'inert',
}

/** An identifier as Cognito makes them. */
export const newId = (): string => randomUUID()
