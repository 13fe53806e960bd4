/** The answer of an authorizer function that could be understood. */
export interface AuthorizerAnswer {
  readonly principalId: string
  /** APIGW-68: values as strings. */
  readonly context: Readonly<Record<string, string>>
  readonly allows: boolean
}

interface Statement {
  readonly Effect?: unknown
  readonly Action?: unknown
  readonly NotAction?: unknown
  readonly Resource?: unknown
  readonly NotResource?: unknown
  readonly Condition?: unknown
}

const ACTION = 'execute-api:Invoke'
/** APIGW-70. */
const MAX_ANSWER_BYTES = 8192
const MAX_RESOURCE_LENGTH = 512

/**
 * Reads and evaluates what an authorizer answered (APIGW-62–APIGW-68) against the ARN of `$connect`. Undefined = malformed: the handshake fails
 * with 500 (APIGW-63).
 */
export function evaluateAuthorizer(
  answer: unknown,
  methodArn: string,
): AuthorizerAnswer | undefined {
  if (!isRecord(answer) || typeof answer.principalId !== 'string') return undefined
  if (Buffer.byteLength(JSON.stringify(answer)) > MAX_ANSWER_BYTES) return undefined
  const context = readContext(answer.context)
  if (!context || !isRecord(answer.policyDocument)) return undefined
  const statements = asList(answer.policyDocument.Statement)
  if (statements.length === 0 || !statements.every(isRecord)) return undefined
  const effects = statements.map((statement) => effectOf(statement, methodArn))
  if (effects.includes('malformed')) return undefined
  // APIGW-65: an explicit Deny wins, nothing matching is an implicit deny.
  const allows = effects.includes('Allow') && !effects.includes('Deny')
  return { principalId: answer.principalId, context, allows }
}

/** APIGW-67: strings, numbers and booleans only. */
function readContext(context: unknown): Record<string, string> | undefined {
  if (context === undefined || context === null) return {}
  if (!isRecord(context)) return undefined
  const strings: Record<string, string> = {}
  for (const [key, value] of Object.entries(context)) {
    if (!['string', 'number', 'boolean'].includes(typeof value)) return undefined
    strings[key] = String(value)
  }
  return strings
}

function effectOf(
  statement: Statement,
  methodArn: string,
): 'Allow' | 'Deny' | 'none' | 'malformed' {
  if (statement.Effect !== 'Allow' && statement.Effect !== 'Deny') return 'malformed'
  if (statement.Condition !== undefined) return 'malformed' // no condition is emulated, so none may be taken as met
  const action = matches(statement.Action, statement.NotAction, {
    value: ACTION,
    ignoreCase: true,
  })
  const resource = matches(statement.Resource, statement.NotResource, {
    value: methodArn,
    ignoreCase: false,
  })
  if (action === undefined || resource === undefined) return 'malformed'
  return action && resource ? statement.Effect : 'none'
}

/** APIGW-66: one pattern or several, or their negation. Undefined when neither is given or one is no string. */
function matches(
  patterns: unknown,
  notPatterns: unknown,
  subject: { readonly value: string; readonly ignoreCase: boolean },
): boolean | undefined {
  const given = patterns ?? notPatterns
  const list = asList(given)
  if (given === undefined || !list.every((pattern) => typeof pattern === 'string')) return undefined
  if (list.some((pattern) => pattern.length > MAX_RESOURCE_LENGTH)) return undefined
  const matched = list.some((pattern) => wildcard(pattern, subject))
  return patterns === undefined ? !matched : matched
}

function wildcard(
  pattern: string,
  subject: { readonly value: string; readonly ignoreCase: boolean },
): boolean {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&')
  const source = escaped.replaceAll('*', '.*').replaceAll('?', '.')
  return new RegExp(`^${source}$`, subject.ignoreCase ? 'is' : 's').test(subject.value)
}

function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value]
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
