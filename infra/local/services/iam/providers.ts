import { physicalName, stableId } from '../../platform/naming.ts'
import type { Account, ResolvedResource, ResourceProvider } from '../../platform/types.ts'
import { compilePolicy } from './policy.ts'
import type { Roles } from './roles.ts'

interface ProviderOptions {
  readonly account: Account
  readonly roles: Roles
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value])
const texts = (value: unknown): readonly string[] =>
  value === undefined ? [] : list(value).map(String)

function trustedServices(document: unknown): ReadonlySet<string> {
  const statements = list((document as { Statement?: unknown } | undefined)?.Statement)
  return new Set(
    statements.flatMap((statement) => {
      const principal = (statement as { Principal?: { Service?: unknown } } | undefined)?.Principal
      return texts(principal?.Service)
    }),
  )
}

const nameOf = (account: Account, resource: ResolvedResource): string =>
  text(resource.properties['RoleName']) ?? physicalName(account.stackName, resource.logicalId)

/** `AWS::IAM::Role`: Ref = name; GetAtt Arn, RoleId. */
function roleProvider({ account, roles }: ProviderOptions): ResourceProvider {
  return {
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
      const { properties } = resource
      const name = nameOf(account, resource)
      const arn = `arn:aws:iam::${account.accountId}:role${text(properties['Path']) ?? '/'}${name}`
      roles.add({ arn, name, trusted: trustedServices(properties['AssumeRolePolicyDocument']) })
      for (const policyArn of texts(properties['ManagedPolicyArns'])) {
        roles.attach(name, { id: policyArn, statements: roles.managedPolicy(policyArn) })
      }
      for (const policy of list(properties['Policies'] ?? [])) {
        const { PolicyName, PolicyDocument } = policy as Record<string, unknown>
        const id = `inline ${String(PolicyName)}`
        roles.attach(name, { id, statements: compilePolicy(PolicyDocument, String(PolicyName)) })
      }
      return { ref: name, attributes: { Arn: arn, RoleId: `AROA${stableId(arn, 17)}` } }
    },
    delete: (resource) => {
      roles.remove(nameOf(account, resource))
    },
  }
}

/** `AWS::IAM::Policy`: Ref = its name. */
function policyProvider({ account, roles }: ProviderOptions): ResourceProvider {
  return {
    type: 'AWS::IAM::Policy',
    properties: { PolicyName: 'used', PolicyDocument: 'used', Roles: 'used' },
    create({ logicalId, properties }) {
      const name = String(properties['PolicyName'])
      const statements = compilePolicy(properties['PolicyDocument'], name)
      for (const role of texts(properties['Roles'])) {
        roles.attach(role, { id: logicalId, statements })
      }
      return { ref: name, attributes: { Id: physicalName(account.stackName, logicalId) } }
    },
    delete: ({ logicalId }) => {
      roles.detach(logicalId)
    },
  }
}

/** `AWS::IAM::ManagedPolicy`: Ref = its ARN. */
function managedPolicyProvider({ account, roles }: ProviderOptions): ResourceProvider {
  return {
    type: 'AWS::IAM::ManagedPolicy',
    properties: {
      ManagedPolicyName: 'used',
      PolicyDocument: 'used',
      Roles: 'used',
      Path: 'used',
      Description: 'inert',
    },
    create({ logicalId, properties }) {
      const name =
        text(properties['ManagedPolicyName']) ?? physicalName(account.stackName, logicalId, 128)
      const path = text(properties['Path']) ?? '/'
      const arn = `arn:aws:iam::${account.accountId}:policy${path}${name}`
      const statements = compilePolicy(properties['PolicyDocument'], name)
      roles.addManagedPolicy(arn, statements)
      for (const role of texts(properties['Roles'])) {
        roles.attach(role, { id: logicalId, statements })
      }
      return { ref: arn, attributes: { PolicyArn: arn } }
    },
    delete: ({ logicalId }) => {
      roles.detach(logicalId)
    },
  }
}

/** The three IAM resource types of a stack. */
export const iamProviders = (options: ProviderOptions): readonly ResourceProvider[] => [
  roleProvider(options),
  policyProvider(options),
  managedPolicyProvider(options),
]
