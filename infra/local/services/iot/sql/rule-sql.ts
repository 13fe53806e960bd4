import { compileExpression, compileItems } from './compile.ts'
import type { Evaluate } from './message.ts'
import type { Scope } from './message.ts'
import { parseExpression, parseStatement } from './parser.ts'
import type { Statement } from './parser.ts'
import { SqlSyntaxError } from './syntax.ts'
import { plain, toText } from './values.ts'

/** SQL of a topic rule, read once. */
export interface RuleSql {
  /** The FROM filter; undefined for a rule that only Basic Ingest reaches (IOT-32). */
  readonly topicFilter: string | undefined
  /** WHERE on the original payload: only `true` lets the actions run (IOT-33). */
  accepts(scope: Scope): boolean
  /** The bytes that the actions get; undefined when SELECT VALUE is Undefined. */
  select(scope: Scope): Buffer | undefined
}

/** Text with `${expression}` parts, evaluated on the original payload (IOT-52). Undefined parts become `undefined`. */
export type Template = (scope: Scope) => string

/** SQL versions of the rules engine (IOT-54). */
export type SqlVersion = '2015-10-08' | '2016-03-23' | 'beta'

/** Reads a rule's SQL. Throws {@link SqlSyntaxError} with the position and what was expected. */
export function compileRuleSql(source: string, version: SqlVersion): RuleSql {
  const statement = parseStatement(source)
  if (version === '2015-10-08') refuseNewSyntax(source)
  const where = statement.where && compileExpression(statement.where)
  return {
    topicFilter: statement.topicFilter,
    accepts: (scope) => !where || where(scope) === true,
    select: selection(statement),
  }
}

/** Reads a substitution template. `$$` at the start of a text stands for a literal `$` (IOT-60). */
export function compileTemplate(source: string): Template {
  const parts: (string | Evaluate)[] = []
  let offset = 0
  for (const match of source.matchAll(/\$\{((?:[^{}']|'[^']*'|\{[^}]*\})*)\}/g)) {
    parts.push(source.slice(offset, match.index))
    parts.push(compileExpression(parseExpression(match[1] ?? '')))
    offset = match.index + match[0].length
  }
  parts.push(source.slice(offset))
  const [first] = parts
  if (typeof first === 'string' && first.startsWith('$$')) parts[0] = first.slice(1)
  return (scope) => {
    let text = ''
    for (const part of parts)
      text += typeof part === 'string' ? part : (toText(part(scope)) ?? 'undefined')
    return text
  }
}

function selection(statement: Statement): (scope: Scope) => Buffer | undefined {
  const [only] = statement.items
  // IOT-30, IOT-51: `SELECT *` hands the payload on as it came, JSON or not.
  if (!statement.value && statement.items.length === 1 && only && !only.expression) {
    return (scope) => scope.message.payload
  }
  const evaluate = statement.value
    ? compileExpression(statement.value)
    : compileItems(statement.items)
  return (scope) => {
    const value = evaluate(scope)
    return value === undefined ? undefined : Buffer.from(JSON.stringify(plain(value)))
  }
}

/** IOT-41, IOT-44: SELECT VALUE and literals of objects and arrays came with 2016-03-23. */
function refuseNewSyntax(source: string): void {
  const found = /\bSELECT\s+VALUE\b/i.exec(source) ?? /[{[](?=[^']*(?:'[^']*'[^']*)*$)/.exec(source)
  if (found) {
    throw new SqlSyntaxError(
      `${found[0]} needs AwsIotSqlVersion 2016-03-23; without that property a rule is read as 2015-10-08`,
      found.index,
    )
  }
}
