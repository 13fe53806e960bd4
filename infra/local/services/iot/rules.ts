import { randomUUID } from 'node:crypto'
import { AwsError } from '../../platform/errors.ts'
import type { Account, Clock, Faults } from '../../platform/types.ts'
import { runThroughSeam } from './action-seam.ts'
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
   * Runs every rule whose FROM matches (IOT-55). The actions have started when it returns; the promise resolves when they are
   * done, failed ones after their error action: false when a rule lost the message, because its error action failed too. Undefined when no
   * rule matched. Never rejects.
   */
  process(message: RuleMessage): Promise<boolean> | undefined
  /** Basic Ingest: only the named rule, whatever its FROM says (IOT-64). */
  processNamed(ruleName: string, message: RuleMessage): Promise<boolean> | undefined
}

interface ActionFailure {
  readonly failedAction: string
  readonly failedResource: string
  readonly errorMessage: string
}

export function rulesEngine(options: {
  readonly account: Account
  readonly clock: Clock
  readonly faults?: Faults
  readonly counters: Counters
  readonly newId?: () => string
}): RulesEngine {
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
      const running = matching.map((rule) => execute(rule, scope, options))
      return Promise.all(running).then((kept) => kept.every(Boolean))
    },
    processNamed(ruleName, message) {
      const rule = rules.get(ruleName)
      if (!rule || rule.isDisabled) {
        options.counters.count('RuleNotFound', { RuleName: ruleName })
        return undefined
      }
      return execute(rule, messageScope(message, environment), options)
    },
  }
}

interface ExecutionPorts {
  readonly clock: Clock
  readonly faults?: Faults
  readonly counters: Counters
}

/** False when the message is lost. A rule without an error action has chosen that itself, and AWS tells nobody (IOT-61). */
async function execute(rule: Rule, scope: Scope, ports: ExecutionPorts): Promise<boolean> {
  const { counters } = ports
  const dimensions = { RuleName: rule.name }
  // IOT-34: a match counts even when WHERE rejects.
  counters.count('TopicMatch', dimensions)
  const accepted = rule.sql.accepts(scope)
  const data = accepted ? rule.sql.select(scope) : undefined
  if (scope.parseFailed) counters.count('ParseError', dimensions)
  if (data === undefined) return true
  counters.count('RulesExecuted')
  const failures = await runActions(rule, { scope, data, ports })
  return failures.length === 0 || reportFailures(rule, { scope, ports, failures })
}

/** IOT-62: the failure of one action does not stop the others. */
async function runActions(
  rule: Rule,
  run: { readonly scope: Scope; readonly data: Buffer; readonly ports: ExecutionPorts },
): Promise<readonly ActionFailure[]> {
  const { scope, data, ports } = run
  const { counters } = ports
  const failures: ActionFailure[] = []
  const running = rule.actions.map(async (action) => {
    const dimensions = { RuleName: rule.name, ActionType: action.type }
    try {
      await runThroughSeam(
        ports,
        { seam: 'iot.action', ruleName: rule.name },
        { action, scope, data },
      )
      counters.count('Success', dimensions)
    } catch (error) {
      counters.count('Failure', dimensions)
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

/** IOT-61: one record per rule and message, however many actions failed. */
async function reportFailures(
  rule: Rule,
  run: {
    readonly scope: Scope
    readonly ports: ExecutionPorts
    readonly failures: readonly ActionFailure[]
  },
): Promise<boolean> {
  const { errorAction } = rule
  if (!errorAction) return true
  const { scope, ports } = run
  const { message } = scope
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
    await runThroughSeam(
      ports,
      { seam: 'iot.errorAction', ruleName: rule.name },
      { action: errorAction, scope, data: Buffer.from(JSON.stringify(record)) },
    )
    ports.counters.count('ErrorActionSuccess', dimensions)
    return true
  } catch {
    ports.counters.count('ErrorActionFailure', dimensions)
    return false
  }
}

function messageOf(error: unknown): string {
  if (error instanceof AwsError) return `${error.message} (Error Code: ${error.code})`
  return error instanceof Error ? error.message : String(error)
}
