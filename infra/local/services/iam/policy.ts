import { StartError } from '../../platform/errors.ts'
import type { ConditionContext } from '../../platform/policy-conditions.ts'
import { compileConditions } from '../../platform/policy-conditions.ts'
import { compilePattern } from '../../platform/policy-patterns.ts'

/** What a policy says about one request. */
export type Effect = 'Allow' | 'Deny'

export interface AccessRequest {
  readonly action: string
  readonly resource: string
  readonly context: ConditionContext
}

/** One compiled statement: its effect when it applies to the request. */
export interface Statement {
  readonly effect: Effect
  /** True when it has no condition, so that its answer depends on action and resource only. */
  readonly unconditional: boolean
  applies(request: AccessRequest): boolean
}

const statementKeys = new Set([
  'Sid',
  'Effect',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
])

const invalid = (name: string, message: string): StartError =>
  new StartError('POLICY_INVALID', `policy ${name}: ${message}`)

function strings(value: unknown, name: string, what: string): readonly string[] {
  const all: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (all.length > 0 && all.every((entry) => typeof entry === 'string')) return all
  throw invalid(name, `${what} must be a string or a list of strings`)
}

type Test = (text: string) => boolean

function oneOf(
  statement: Readonly<Record<string, unknown>>,
  key: 'Action' | 'Resource',
  name: string,
): Test {
  const inverted = `Not${key}`
  const isInverted = statement[inverted] !== undefined
  if (isInverted === (statement[key] !== undefined)) {
    throw invalid(name, `a statement needs ${key} or ${inverted}, one of them`)
  }
  const patterns = strings(statement[isInverted ? inverted : key], name, key).map((pattern) =>
    compilePattern(pattern, { ignoreCase: key === 'Action' }),
  )
  return (text) => patterns.some((matches) => matches(text)) !== isInverted
}

function compileStatement(value: unknown, name: string): Statement {
  if (typeof value !== 'object' || value === null) throw invalid(name, 'a statement is no object')
  const statement = value as Readonly<Record<string, unknown>>
  const unknown = Object.keys(statement).filter((key) => !statementKeys.has(key))
  if (unknown.length > 0) throw invalid(name, `unknown keys: ${unknown.join(', ')}`)
  const effect = statement['Effect']
  if (effect !== 'Allow' && effect !== 'Deny') throw invalid(name, 'Effect is Allow or Deny')
  const action = oneOf(statement, 'Action', name)
  const resource = oneOf(statement, 'Resource', name)
  const conditions = compileConditions(statement['Condition'], name)
  return {
    effect,
    unconditional: conditions === undefined,
    applies: (request) =>
      action(request.action) &&
      resource(request.resource) &&
      (conditions === undefined || conditions(request.context)),
  }
}

/** Compiles a policy document. Throws StartError `POLICY_INVALID` for what this evaluation does not know. */
export function compilePolicy(document: unknown, name: string): readonly Statement[] {
  if (typeof document !== 'object' || document === null || !('Statement' in document)) {
    throw invalid(name, 'a policy document needs Statement')
  }
  const statements: readonly unknown[] = Array.isArray(document.Statement)
    ? document.Statement
    : [document.Statement]
  return statements.map((statement) => compileStatement(statement, name))
}

/** IAM's rule: an explicit Deny wins, then any Allow, otherwise undefined: nobody allowed it. */
export function evaluate(
  statements: readonly Statement[],
  request: AccessRequest,
): Effect | undefined {
  let effect: Effect | undefined
  for (const statement of statements) {
    if (!statement.applies(request)) continue
    if (statement.effect === 'Deny') return 'Deny'
    effect = 'Allow'
  }
  return effect
}
