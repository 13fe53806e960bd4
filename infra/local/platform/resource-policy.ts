import { StartError } from './errors.ts'
import { isObject } from './fields.ts'
import { compileConditions, type ConditionContext } from './policy-conditions.ts'
import { compilePattern } from './policy-patterns.ts'

/** What an AWS service wants of a resource. */
export interface ServiceRequest {
  /** `cloudwatch.amazonaws.com`. */
  readonly service: string
  /** `sns:Publish`. */
  readonly action: string
  /** ARN of the resource that the policy is of. */
  readonly resource: string
  /** On whose behalf: the ARN of the alarm or the rule. */
  readonly sourceArn: string
}

/**
 * Whether a resource policy lets an AWS service through. Services have no policy of their own, so without an Allow here nothing does; an explicit Deny
 * wins. What services send is signed and over TLS. Source: IAM User Guide, "Policy evaluation logic". Throws StartError `POLICY_INVALID` for what this
 * evaluation does not know.
 */
export function allowsService(document: unknown, request: ServiceRequest, name: string): boolean {
  const statements = isObject(document) ? document['Statement'] : undefined
  if (statements === undefined) throw invalid(name, 'a policy document needs Statement')
  const context: ConditionContext = {
    'aws:sourceaccount': request.sourceArn.split(':')[4] ?? '',
    'aws:sourcearn': request.sourceArn,
    'aws:securetransport': 'true',
    'aws:principalisawsservice': 'true',
  }
  const effects = listOf(statements)
    .filter((statement) => applies(statement, { request, context, name }))
    .map((statement) => statement['Effect'])
  return effects.includes('Allow') && !effects.includes('Deny')
}

function applies(
  statement: Readonly<Record<string, unknown>>,
  of: {
    readonly request: ServiceRequest
    readonly context: ConditionContext
    readonly name: string
  },
): boolean {
  const { request, context, name } = of
  const unknown = Object.keys(statement).filter((key) => !KNOWN.has(key))
  if (unknown.length > 0) throw invalid(name, `unknown keys: ${unknown.join(', ')}`)
  return (
    isService(statement['Principal'], request.service) &&
    matches(statement['Action'], request.action, true) &&
    matches(statement['Resource'], request.resource, false) &&
    (compileConditions(statement['Condition'], name)?.(context) ?? true)
  )
}

const KNOWN = new Set(['Sid', 'Effect', 'Principal', 'Action', 'Resource', 'Condition'])

function isService(principal: unknown, service: string): boolean {
  if (principal === '*') return true
  if (!isObject(principal)) return false
  return texts(principal['Service']).includes(service) || texts(principal['AWS']).includes('*')
}

function matches(patterns: unknown, text: string, ignoreCase: boolean): boolean {
  return texts(patterns).some((pattern) => compilePattern(pattern, { ignoreCase })(text))
}

function texts(value: unknown): readonly string[] {
  const all: readonly unknown[] = Array.isArray(value) ? value : [value]
  return all.filter((one) => typeof one === 'string')
}

function listOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  const all: readonly unknown[] = Array.isArray(value) ? value : [value]
  return all.filter(isObject)
}

const invalid = (name: string, message: string): StartError =>
  new StartError('POLICY_INVALID', `policy ${name}: ${message}`)
