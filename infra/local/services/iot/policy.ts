import { AwsError } from '../../platform/errors.ts'

/** The connection that a policy is evaluated for. */
export interface PolicySubject {
  readonly clientId: string
  /** The thing that the certificate is attached to; undefined when the client id is not its name (IOT-25). */
  readonly thing?: { readonly name: string; readonly attributes: Readonly<Record<string, string>> }
}

/** Whether an action on a resource ARN is allowed: explicit Deny wins, nothing matching is a refusal (IOT-28). */
export type PolicyDecision = (action: string, resource: string) => boolean

/** A policy document as the template gives it, checked. */
export interface IotPolicy {
  readonly statements: readonly Statement[]
}

interface Statement {
  readonly effect: 'Allow' | 'Deny'
  readonly actions: readonly string[]
  readonly resources: readonly string[]
  readonly conditions: readonly Condition[]
}

interface Condition {
  readonly operator: string
  readonly key: string
  readonly values: readonly string[]
}

const CONDITION_OPERATORS = ['Bool', 'StringEquals', 'StringNotEquals', 'StringLike']
const VARIABLE = /\$\{([^}]*)\}/g

/** Reads a policy document. Throws {@link AwsError} `MalformedPolicyException` naming what is wrong. */
export function readPolicy(document: unknown): IotPolicy {
  if (typeof document !== 'object' || document === null || !('Statement' in document)) {
    throw malformed('a policy document is an object with Version and Statement')
  }
  return { statements: list(document.Statement).map(readStatement) }
}

/** The decision for one connection; variables are filled in once. */
export function decisionFor(
  policies: readonly IotPolicy[],
  subject: PolicySubject,
): PolicyDecision {
  const rules = policies
    .flatMap((policy) => policy.statements)
    .filter((statement) => statement.conditions.every((condition) => holds(condition, subject)))
    .map((statement) => ({
      effect: statement.effect,
      actions: statement.actions.map((action) => glob(action.toLowerCase(), undefined)),
      resources: statement.resources.map((resource) => glob(resource, subject)),
    }))
  const matching = (effect: string, action: string, resource: string): boolean =>
    rules.some(
      (rule) =>
        rule.effect === effect &&
        rule.actions.some((pattern) => pattern?.test(action.toLowerCase())) &&
        rule.resources.some((pattern) => pattern?.test(resource)),
    )
  return (action, resource) =>
    !matching('Deny', action, resource) && matching('Allow', action, resource)
}

function readStatement(value: unknown): Statement {
  if (typeof value !== 'object' || value === null) throw malformed('a statement is an object')
  const {
    Effect: effect,
    Action: action,
    Resource: resource,
    Condition: condition,
  } = value as Record<string, unknown>
  if (effect !== 'Allow' && effect !== 'Deny') throw malformed('Effect is Allow or Deny')
  return {
    effect,
    actions: texts(action, 'Action'),
    resources: texts(resource, 'Resource'),
    conditions: condition === undefined ? [] : readConditions(condition),
  }
}

function readConditions(value: unknown): readonly Condition[] {
  if (typeof value !== 'object' || value === null) throw malformed('Condition is an object')
  return Object.entries(value).flatMap(([operator, keys]) => {
    if (!CONDITION_OPERATORS.includes(operator)) {
      throw malformed(
        `the condition operator ${operator} is not supported on one machine; use ${CONDITION_OPERATORS.join(', ')}`,
      )
    }
    return Object.entries(keys as Record<string, unknown>).map(([key, values]) => ({
      operator,
      key,
      values: list(values).map(String),
    }))
  })
}

function holds(condition: Condition, subject: PolicySubject): boolean {
  const actual = variable(condition.key, subject)
  if (actual === undefined) return false
  const expected = condition.values.map((value) =>
    glob(value, subject, condition.operator === 'StringLike'),
  )
  const some = expected.some((pattern) => pattern?.test(actual))
  return condition.operator === 'StringNotEquals' ? !some : some
}

/**
 * IOT-22–IOT-26: the value of a policy variable; undefined when it cannot be resolved, and then the resource matches nothing.
 */
function variable(name: string, subject: PolicySubject): string | undefined {
  if (name === 'iot:ClientId') return subject.clientId
  if (name === 'iot:Connection.Thing.IsAttached') return subject.thing ? 'true' : 'false'
  if (name === 'iot:Connection.Thing.ThingName') return subject.thing?.name
  const attribute = /^iot:Connection\.Thing\.Attributes\[(.+)\]$/.exec(name)?.[1]
  return attribute === undefined ? undefined : subject.thing?.attributes[attribute]
}

/**
 * IOT-23: `*` and `?` of the policy's own text are wildcards, MQTT's `+` and `#` are ordinary characters, and what a variable stands for
 * is taken literally. Undefined when a variable cannot be resolved (IOT-26).
 */
function glob(
  text: string,
  subject: PolicySubject | undefined,
  wildcards = true,
): RegExp | undefined {
  let source = ''
  let offset = 0
  for (const match of text.matchAll(VARIABLE)) {
    const value = subject && variable(match[1] ?? '', subject)
    if (value === undefined) return undefined
    source += pattern(text.slice(offset, match.index), wildcards) + escape(value)
    offset = match.index + match[0].length
  }
  return new RegExp(`^${source}${pattern(text.slice(offset), wildcards)}$`, 's')
}

function pattern(text: string, wildcards: boolean): string {
  const escaped = escape(text)
  return wildcards ? escaped.replaceAll('\\*', '.*').replaceAll('\\?', '.') : escaped
}

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

function texts(value: unknown, name: string): readonly string[] {
  const values = list(value)
  if (values.length === 0 || !values.every((item) => typeof item === 'string')) {
    throw malformed(`${name} is a text or a list of texts`)
  }
  return values
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value]
}

function malformed(reason: string): AwsError {
  return new AwsError('MalformedPolicyException', `The IoT policy cannot be read: ${reason}.`)
}
