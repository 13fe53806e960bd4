import { randomBytes } from 'node:crypto'
import { AwsError, StartError } from '../../platform/errors.ts'
import { stableId } from '../../platform/naming.ts'
import type { Account, Authorization, Principal, ResourceService } from '../../platform/types.ts'
import { iamProviders } from './providers.ts'
import type { RoleRequest } from './roles.ts'
import { createRoles } from './roles.ts'

/** Who signs with an access key, and the secret to check the signature with. */
export interface KeyOwner {
  readonly principal: Principal
  readonly secretAccessKey: string
  readonly sessionToken: string
}

export interface Iam extends ResourceService, Authorization {
  /** Undefined for a key that this IAM did not issue: the local developer. */
  principalFor(accessKeyId: string): KeyOwner | undefined
}

function deniedError(principal: Principal, request: RoleRequest, isExplicit: boolean): AwsError {
  const { action, resource } = request
  const why = isExplicit
    ? 'with an explicit deny in an identity-based policy'
    : `because no identity-based policy allows the ${action} action`
  return new AwsError(
    'AccessDeniedException',
    `User: ${principal.arn} is not authorized to perform: ${action} on resource: ${resource} ${why}`,
    { status: 403 },
  )
}

/**
 * Roles and policies of the template, and the answer to "may this principal do that": IAM's evaluation of identity-based policies.
 * `randomBytes` makes the keys; give a fixed one in tests.
 */
export function createIam(options: {
  readonly account: Account
  readonly randomBytes?: (size: number) => Buffer
}): Iam {
  const { account } = options
  const random = options.randomBytes ?? randomBytes
  const roles = createRoles()
  const keys = new Map<string, KeyOwner>()
  return {
    name: 'iam',
    providers: iamProviders({ account, roles }),
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    isAllowed: (principal, action, resource, context) =>
      roles.decide(principal, { action, resource, context }) === 'Allow',
    check(principal, action, resource, context) {
      const request = { action, resource, context }
      const effect = roles.decide(principal, request)
      if (effect !== 'Allow') throw deniedError(principal, request, effect === 'Deny')
    },
    credentialsFor(roleArn, functionName) {
      const role = roles.byArn(roleArn)
      if (!role?.trusted.has('lambda.amazonaws.com')) {
        // What CreateFunction answers when the trust policy does not name Lambda.
        throw new StartError(
          'ROLE_NOT_ASSUMABLE',
          `the role ${roleArn} defined for ${functionName} cannot be assumed by Lambda`,
        )
      }
      const accessKeyId = `ASIA${stableId(random(32).toString('hex'), 16)}`
      const secretAccessKey = random(30).toString('base64')
      const sessionToken = random(96).toString('base64')
      const arn = `arn:aws:sts::${account.accountId}:assumed-role/${role.name}/${functionName}`
      keys.set(accessKeyId, { principal: { arn, roleArn }, secretAccessKey, sessionToken })
      return { accessKeyId, secretAccessKey, sessionToken }
    },
    principalFor: (accessKeyId) => keys.get(accessKeyId),
  }
}
