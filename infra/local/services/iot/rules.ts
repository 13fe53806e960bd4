import { randomUUID } from 'node:crypto'
import { AwsError } from '../../platform/errors.ts'
import type { Account } from '../../platform/types.ts'
import type { RuleAction } from './actions.ts'
import type { Counters } from './counters.ts'
import { messageScope } from './sql/message.ts'
import type { RuleEnvironment, RuleMessage, Scope } from './sql/message.ts'
import type { RuleSql } from './sql/rule-sql.ts'
import { topicTrie } from './topic-trie.ts'

export interface Rule {
  readonly name: string
  readonly sql: RuleSql
  readonly isDisabled: boolean
  readonly actions: readonly RuleAction[]
  readonly errorAction?: RuleAction
}

/** The rules engine: which rules a message concerns, and what they do with it. */
export interface RulesEngine {
  put(rule: Rule): void
  remove(name: string): void
  /**
   * Runs every rule whose FROM matches (aws-behaviour I55). The actions have started when it returns; the promise resolves when they are
   * done, failed ones after their error action. Undefined when no rule matched. Never rejects.
   */
  process(message: RuleMessage): Promise<unknown> | undefined
  /** Basic Ingest: only the named rule, whatever its FROM says (aws-behaviour I64). */
  processNamed(ruleName: string, message: RuleMessage): Promise<unknown> | undefined
}

interface ActionFailure {
  readonly failedAction: string
  readonly failedResource: string
  readonly errorMessage: string
}

export function rulesEngine(options: {
  readonly account: Account
  readonly counters: Counters
  readonly newId?: () => string
}): RulesEngine {
  const { counters } = options
  const rules = new Map<string, Rule>()
  const byTopic = topicTrie<Rule>()
  const environment: RuleEnvironment = {
    accountId: options.account.accountId,
    newId: options.newId ?? randomUUID,
  }
  const remove = (name: string): void => {
    const rule = rules.get(name)
    if (rule?.sql.topicFilter !== undefined) byTopic.remove(rule.sql.topicFilter, rule)
    rules.delete(name)
  }
  return {
    put(rule) {
      remove(rule.name)
      rules.set(rule.name, rule)
      if (rule.sql.topicFilter !== undefined) byTopic.add(rule.sql.topicFilter, rule)
    },
    remove,
    process(message) {
      const matching = byTopic.match(message.topic).filter((rule) => !rule.isDisabled)
      if (matching.length === 0) return undefined
      const scope = messageScope(message, environment)
      const running = matching.map((rule) => execute(rule, scope, counters))
      return running.length === 1 ? running[0] : Promise.all(running)
    },
    processNamed(ruleName, message) {
      const rule = rules.get(ruleName)
      if (!rule || rule.isDisabled) {
        counters.count('RuleNotFound', { RuleName: ruleName })
        return undefined
      }
      return execute(rule, messageScope(message, environment), counters)
    },
  }
}

async function execute(rule: Rule, scope: Scope, counters: Counters): Promise<void> {
  const dimensions = { RuleName: rule.name }
  // I34: a match counts even when WHERE rejects.
  counters.count('TopicMatch', dimensions)
  const accepted = rule.sql.accepts(scope)
  const data = accepted ? rule.sql.select(scope) : undefined
  if (scope.parseFailed) counters.count('ParseError', dimensions)
  if (data === undefined) return
  counters.count('RulesExecuted')
  const failures = await runActions(rule, { scope, data, counters })
  if (failures.length > 0) await reportFailures(rule, { scope, counters, failures })
}

/** I62: the failure of one action does not stop the others. */
async function runActions(
  rule: Rule,
  run: { readonly scope: Scope; readonly data: Buffer; readonly counters: Counters },
): Promise<readonly ActionFailure[]> {
  const failures: ActionFailure[] = []
  const running = rule.actions.map(async (action) => {
    const dimensions = { RuleName: rule.name, ActionType: action.type }
    try {
      await action.run(run.scope, run.data)
      run.counters.count('Success', dimensions)
    } catch (error) {
      run.counters.count('Failure', dimensions)
      failures.push({
        failedAction: `${action.type}Action`,
        failedResource: action.resource,
        errorMessage: messageOf(error),
      })
    }
  })
  await Promise.all(running)
  return failures
}

/** I61: one record per rule and message, however many actions failed. */
async function reportFailures(
  rule: Rule,
  run: {
    readonly scope: Scope
    readonly counters: Counters
    readonly failures: readonly ActionFailure[]
  },
): Promise<void> {
  const { errorAction } = rule
  if (!errorAction) return
  const { message } = run.scope
  const record = {
    ruleName: rule.name,
    topic: message.topic,
    cloudwatchTraceId: message.traceId ?? randomUUID(),
    clientId: message.clientId ?? 'N/A',
    base64OriginalPayload: message.payload.toString('base64'),
    failures: run.failures,
  }
  const dimensions = { RuleName: rule.name, ActionType: errorAction.type }
  try {
    await errorAction.run(run.scope, Buffer.from(JSON.stringify(record)))
    run.counters.count('ErrorActionSuccess', dimensions)
  } catch {
    run.counters.count('ErrorActionFailure', dimensions)
  }
}

function messageOf(error: unknown): string {
  if (error instanceof AwsError) return `${error.message} (Error Code: ${error.code})`
  return error instanceof Error ? error.message : String(error)
}
