import { randomBytes } from 'node:crypto'
import { AwsError, StartError } from '../../platform/errors.ts'
import { physicalName, stableId } from '../../platform/naming.ts'
import type {
  Account,
  Authorization,
  Principal,
  ResolvedResource,
  ResourceProvider,
  ResourceService,
} from '../../platform/types.ts'
import { awsManagedPolicies } from './managed-policies.ts'
import type { Statement } from './policy.ts'
import { compilePolicy, evaluate } from './policy.ts'

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

interface Role {
  readonly arn: string
  readonly name: string
  /** Service principals of the trust policy. */
  readonly trusted: ReadonlySet<string>
  readonly statements: Statement[]
  readonly decisions: Map<string, Decision>
}

type Decision = 'Allow' | 'Deny' | 'none'

/** Answers kept per role; enough for every table and thousands of connection ARNs. */
const DECISIONS_KEPT = 20_000

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

function trustedServices(document: unknown): ReadonlySet<string> {
  const statements = (document as { Statement?: unknown } | undefined)?.Statement
  const services = list(Array.isArray(statements) ? statements : [statements]).flatMap((entry) => {
    const principal = (entry as { Principal?: { Service?: unknown } } | undefined)?.Principal
    const service = principal?.Service
    return (Array.isArray(service) ? service : [service]).map(String)
  })
  return new Set(services)
}

function deniedMessage(principal: Principal, request: readonly string[], denied: boolean): string {
  const [action = '', resource = ''] = request
  const why = denied
    ? 'with an explicit deny in an identity-based policy'
    : `because no identity-based policy allows the ${action} action`
  return `User: ${principal.arn} is not authorized to perform: ${action} on resource: ${resource} ${why}`
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
  const roles = new Map<string, Role>()
  const managed = new Map<string, readonly Statement[]>()
  const keys = new Map<string, KeyOwner>()
  const arn = (kind: 'role' | 'policy', path: string, name: string): string =>
    `arn:aws:iam::${account.accountId}:${kind}${path}${name}`

  const roleNamed = (name: unknown): Role => {
    const role = [...roles.values()].find((candidate) => candidate.name === name)
    if (role) return role
    throw new StartError('POLICY_INVALID', `there is no role ${String(name)}`)
  }

  const managedStatements = (policyArn: unknown): readonly Statement[] => {
    const known = managed.get(String(policyArn))
    if (known) return known
    const name = String(policyArn).split('/').at(-1) ?? ''
    const document = String(policyArn).startsWith('arn:aws:iam::aws:policy/')
      ? awsManagedPolicies[name]
      : undefined
    if (document) return compilePolicy(document, name)
    throw new StartError(
      'POLICY_INVALID',
      `the managed policy ${String(policyArn)} is not known here; write its statements in the template or add it to infra/local/services/iam/managed-policies.ts`,
    )
  }

  const attach = (role: Role, statements: readonly Statement[]): void => {
    role.statements.push(...statements)
    role.decisions.clear()
  }

  const decide = (
    principal: Principal,
    request: readonly [action: string, resource: string],
    context: Readonly<Record<string, string | readonly string[]>> = {},
  ): Decision => {
    if (principal.roleArn === undefined) return 'Allow'
    const role = roles.get(principal.roleArn)
    if (!role) return 'none'
    const [action, resource] = request
    const cacheKey = `${action} ${resource}`
    const kept = role.decisions.get(cacheKey)
    if (kept) return kept
    // Every call on one machine stands for one over TLS.
    const lowered = { 'aws:securetransport': 'true', ...lowerKeys(context) }
    const decision =
      evaluate(role.statements, { action, resource, context: lowered }) ?? ('none' as const)
    if (role.statements.every((statement) => statement.unconditional)) {
      if (role.decisions.size >= DECISIONS_KEPT) role.decisions.clear()
      role.decisions.set(cacheKey, decision)
    }
    return decision
  }

  const createRole = (resource: ResolvedResource): Role => {
    const name =
      text(resource.properties['RoleName']) ?? physicalName(account.stackName, resource.logicalId)
    const role: Role = {
      name,
      arn: arn('role', text(resource.properties['Path']) ?? '/', name),
      trusted: trustedServices(resource.properties['AssumeRolePolicyDocument']),
      statements: [],
      decisions: new Map(),
    }
    for (const policyArn of list(resource.properties['ManagedPolicyArns'])) {
      attach(role, managedStatements(policyArn))
    }
    for (const policy of list(resource.properties['Policies'])) {
      const { PolicyName, PolicyDocument } = policy as Record<string, unknown>
      attach(role, compilePolicy(PolicyDocument, String(PolicyName)))
    }
    roles.set(role.arn, role)
    return role
  }

  const roleProvider: ResourceProvider = {
    type: 'AWS::IAM::Role',
    properties: {
      AssumeRolePolicyDocument: 'used',
      ManagedPolicyArns: 'used',
      Policies: [{ PolicyName: 'used', PolicyDocument: 'used' }],
      RoleName: 'used',
      Path: 'used',
      Description: 'inert',
      // Sessions live as long as the process here.
      MaxSessionDuration: 'inert',
      Tags: 'inert',
    },
    create(resource) {
      const role = createRole(resource)
      const roleId = `AROA${stableId(role.arn, 17)}`
      return { ref: role.name, attributes: { Arn: role.arn, RoleId: roleId } }
    },
    delete: (resource) => {
      for (const role of roles.values()) {
        const wanted =
          text(resource.properties['RoleName']) ??
          physicalName(account.stackName, resource.logicalId)
        if (role.name === wanted) roles.delete(role.arn)
      }
    },
  }

  const policyProvider: ResourceProvider = {
    type: 'AWS::IAM::Policy',
    properties: { PolicyName: 'used', PolicyDocument: 'used', Roles: 'used' },
    create(resource) {
      const name = String(resource.properties['PolicyName'])
      const statements = compilePolicy(resource.properties['PolicyDocument'], name)
      for (const role of list(resource.properties['Roles'])) attach(roleNamed(role), statements)
      return { ref: name, attributes: { Id: physicalName(account.stackName, resource.logicalId) } }
    },
  }

  const managedPolicyProvider: ResourceProvider = {
    type: 'AWS::IAM::ManagedPolicy',
    properties: {
      ManagedPolicyName: 'used',
      PolicyDocument: 'used',
      Roles: 'used',
      Path: 'used',
      Description: 'inert',
    },
    create(resource) {
      const name =
        text(resource.properties['ManagedPolicyName']) ??
        physicalName(account.stackName, resource.logicalId, 128)
      const policyArn = arn('policy', text(resource.properties['Path']) ?? '/', name)
      const statements = compilePolicy(resource.properties['PolicyDocument'], name)
      managed.set(policyArn, statements)
      for (const role of list(resource.properties['Roles'])) attach(roleNamed(role), statements)
      return { ref: policyArn, attributes: { PolicyArn: policyArn } }
    },
  }

  return {
    name: 'iam',
    providers: [roleProvider, policyProvider, managedPolicyProvider],
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    isAllowed: (principal, action, resource, context) =>
      decide(principal, [action, resource], context) === 'Allow',
    check(principal, action, resource, context) {
      const decision = decide(principal, [action, resource], context)
      if (decision === 'Allow') return
      throw new AwsError(
        'AccessDeniedException',
        deniedMessage(principal, [action, resource], decision === 'Deny'),
        { status: 403 },
      )
    },
    credentialsFor(roleArn, functionName) {
      const role = roles.get(roleArn)
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
      const principal = {
        arn: `arn:aws:sts::${account.accountId}:assumed-role/${role.name}/${functionName}`,
        roleArn,
      }
      keys.set(accessKeyId, { principal, secretAccessKey, sessionToken })
      return { accessKeyId, secretAccessKey, sessionToken }
    },
    principalFor: (accessKeyId) => keys.get(accessKeyId),
  }
}

const lowerKeys = (
  context: Readonly<Record<string, string | readonly string[]>>,
): Record<string, string | readonly string[]> =>
  Object.fromEntries(Object.entries(context).map(([key, value]) => [key.toLowerCase(), value]))
