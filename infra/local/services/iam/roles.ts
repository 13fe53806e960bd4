import { StartError } from '../../platform/errors.ts'
import type { ConditionContext, Principal } from '../../platform/types.ts'
import { awsManagedPolicies } from './managed-policies.ts'
import type { Effect, Statement } from './policy.ts'
import { compilePolicy, evaluate } from './policy.ts'

export interface Role {
  readonly arn: string
  readonly name: string
  /** Service principals of the trust policy. */
  readonly trusted: ReadonlySet<string>
  /** By the policy that holds them. */
  readonly policies: Map<string, readonly Statement[]>
}

/** The roles and managed policies that exist, and the decisions they lead to. */
export interface Roles {
  add(role: Omit<Role, 'policies'>): void
  remove(name: string): void
  byArn(arn: string): Role | undefined
  /** Throws StartError `POLICY_INVALID` when no role has this name. */
  attach(roleName: string, policy: AttachedPolicy): void
  /** From every role that has it. */
  detach(policyId: string): void
  addManagedPolicy(arn: string, statements: readonly Statement[]): void
  /** Statements of a managed policy, ours or AWS's. Throws StartError `POLICY_INVALID` for an unknown one. */
  managedPolicy(arn: string): readonly Statement[]
  /** Undefined: nothing allows it. */
  decide(principal: Principal, request: RoleRequest): Effect | undefined
}

export interface AttachedPolicy {
  readonly id: string
  readonly statements: readonly Statement[]
}

export interface RoleRequest {
  readonly action: string
  readonly resource: string
  readonly context?: ConditionContext | undefined
}

/** Answers kept; enough for every table and thousands of connection ARNs. */
const DECISIONS_KEPT = 20_000

function readAwsPolicy(arn: string): readonly Statement[] {
  const name = arn.split('/').at(-1) ?? ''
  const document = arn.startsWith('arn:aws:iam::aws:policy/') ? awsManagedPolicies[name] : undefined
  if (document) return compilePolicy(document, name)
  throw new StartError(
    'POLICY_INVALID',
    `the managed policy ${arn} is not known here; write its statements in the template or add it to infra/local/services/iam/managed-policies.ts`,
  )
}

/** Condition keys are case-insensitive. Every call on one machine stands for one over TLS. */
const lowered = (context: ConditionContext = {}): ConditionContext => ({
  'aws:securetransport': 'true',
  ...Object.fromEntries(Object.entries(context).map(([key, value]) => [key.toLowerCase(), value])),
})

/** No roles yet. */
export function createRoles(): Roles {
  const roles = new Map<string, Role>()
  const managed = new Map<string, readonly Statement[]>()
  const decisions = new Map<string, Effect | undefined>()
  const named = (name: string): Role => {
    const role = [...roles.values()].find((candidate) => candidate.name === name)
    if (role) return role
    throw new StartError('POLICY_INVALID', `there is no role ${name}`)
  }
  const evaluated = (
    role: Role,
    { action, resource, context }: RoleRequest,
  ): Effect | undefined => {
    const key = `${role.arn} ${action} ${resource}`
    if (decisions.has(key)) return decisions.get(key)
    const statements = [...role.policies.values()].flat()
    const effect = evaluate(statements, { action, resource, context: lowered(context) })
    if (statements.every((statement) => statement.unconditional)) {
      if (decisions.size >= DECISIONS_KEPT) decisions.clear()
      decisions.set(key, effect)
    }
    return effect
  }
  return {
    add(role) {
      roles.set(role.arn, { ...role, policies: new Map() })
      decisions.clear()
    },
    remove(name) {
      roles.delete(named(name).arn)
      decisions.clear()
    },
    byArn: (arn) => roles.get(arn),
    attach(roleName, { id, statements }) {
      named(roleName).policies.set(id, statements)
      decisions.clear()
    },
    detach(policyId) {
      for (const role of roles.values()) role.policies.delete(policyId)
      decisions.clear()
    },
    addManagedPolicy(arn, statements) {
      managed.set(arn, statements)
    },
    managedPolicy: (arn) => managed.get(arn) ?? readAwsPolicy(arn),
    decide(principal, request) {
      if (principal.roleArn === undefined) return 'Allow'
      const role = roles.get(principal.roleArn)
      return role && evaluated(role, request)
    },
  }
}
