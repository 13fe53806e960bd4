import { StartError } from '../platform/errors.ts'
import type { Account, CreatedResource } from '../platform/types.ts'
import type { Scope } from './intrinsics.ts'
import { evaluateCondition, NO_VALUE } from './intrinsics.ts'
import type { Template } from './template.ts'

/** The stack's id: an ARN, stable for a stack name. */
export const stackIdOf = (account: Account): string =>
  `arn:aws:cloudformation:${account.region}:${account.accountId}:stack/${account.stackName}/00000000-0000-4000-8000-000000000000`

const pseudo = (account: Account): Readonly<Record<string, unknown>> => ({
  'AWS::Region': account.region,
  'AWS::AccountId': account.accountId,
  'AWS::Partition': 'aws',
  'AWS::URLSuffix': 'amazonaws.com',
  'AWS::StackName': account.stackName,
  'AWS::StackId': stackIdOf(account),
  'AWS::NotificationARNs': [],
  'AWS::NoValue': NO_VALUE,
})

/** Defaults, then what the caller gives. A parameter with neither is an error. An SSM parameter stays its name: nothing reads it here. */
function parameterValues(
  template: Template,
  given: Readonly<Record<string, string>>,
): ReadonlyMap<string, unknown> {
  const values = new Map<string, unknown>()
  const missing: string[] = []
  for (const [name, parameter] of Object.entries(template.Parameters ?? {})) {
    const value = given[name] ?? parameter.Default
    if (value === undefined) missing.push(name)
    else values.set(name, isListType(parameter.Type) ? String(value).split(',') : value)
  }
  if (missing.length > 0) {
    throw new StartError('TEMPLATE_INVALID', `parameters without a value: ${missing.join(', ')}`)
  }
  return values
}

const isListType = (type: string): boolean =>
  type === 'CommaDelimitedList' || type.startsWith('List<')

/** Answers references of a template from its parameters, the pseudo parameters and what was created so far. */
export function createScope(options: {
  readonly template: Template
  readonly account: Account
  readonly parameters: Readonly<Record<string, string>>
  readonly created: ReadonlyMap<string, CreatedResource>
}): Scope {
  const { template, account, created } = options
  const names = new Map([
    ...Object.entries(pseudo(account)),
    ...parameterValues(template, options.parameters),
  ])
  const evaluating = new Set<string>()
  const known = (logicalId: string): CreatedResource => {
    const resource = created.get(logicalId)
    if (resource) return resource
    const why =
      logicalId in template.Resources
        ? 'was not created (its Condition is false)'
        : 'does not exist'
    throw new StartError('TEMPLATE_INVALID', `a reference to ${logicalId}, which ${why}`)
  }
  const scope: Scope = {
    mappings: template.Mappings ?? {},
    region: account.region,
    ref: (name) => (names.has(name) ? names.get(name) : known(name).ref),
    attribute(logicalId, name) {
      const attribute = known(logicalId).attributes?.[name]
      if (attribute !== undefined) return attribute
      const type = template.Resources[logicalId]?.Type ?? ''
      throw new StartError('TEMPLATE_INVALID', `${logicalId} (${type}) has no attribute ${name}`)
    },
    condition(name) {
      const conditions = template.Conditions ?? {}
      if (!(name in conditions) || evaluating.has(name)) {
        const why = evaluating.has(name) ? 'refers to itself' : 'does not exist'
        throw new StartError('TEMPLATE_INVALID', `the condition ${name} ${why}`)
      }
      evaluating.add(name)
      try {
        return evaluateCondition(conditions[name], scope)
      } finally {
        evaluating.delete(name)
      }
    },
  }
  return scope
}
