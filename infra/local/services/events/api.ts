import { AwsError } from '../../platform/errors.ts'
import { eventPattern } from '../../platform/event-pattern.ts'
import { isObject, type Fields } from '../../platform/fields.ts'
import { jsonApi, type JsonOperation } from '../../platform/json-api.ts'
import type { Account, ApiHandler, Authorization, BusEvent } from '../../platform/types.ts'
import type { Rule } from './rule.ts'

/** EventBridge API, PutEvents. */
const MAX_ENTRIES = 10

export interface EventsApiOptions {
  readonly account: Account
  readonly authorization: Authorization
  readonly rules: () => readonly Rule[]
  /** Returns the event id. */
  readonly put: (event: BusEvent) => string
}

/** The EventBridge API: put events, look at rules, switch them on and off. */
export function eventsApi(options: EventsApiOptions): ApiHandler {
  const { account, authorization } = options
  const prefix = `arn:aws:events:${account.region}:${account.accountId}`
  const busArn = `${prefix}:event-bus/default`
  const find = (name: string): Rule => {
    const rule = options.rules().find((one) => one.name === name)
    if (rule) return rule
    throw new AwsError(
      'ResourceNotFoundException',
      `Rule ${name} does not exist on EventBus default.`,
    )
  }
  const onRule =
    (work: (rule: Rule) => unknown): JsonOperation =>
    (input, request) => {
      const name = input.optionalText('Rule') ?? input.text('Name')
      const arn = `${prefix}:rule/${name}`
      authorization.check(request.principal, `events:${request.operation}`, arn)
      return work(find(name))
    }
  return jsonApi(['events'], {
    PutEvents(input, request) {
      authorization.check(request.principal, 'events:PutEvents', busArn)
      return putEvents(options, input)
    },
    ListRules(input, request) {
      authorization.check(request.principal, 'events:ListRules', `${prefix}:rule/*`)
      const namePrefix = input.optionalText('NamePrefix') ?? ''
      const rules = options.rules().filter((rule) => rule.name.startsWith(namePrefix))
      return { Rules: rules.map(ruleShape) }
    },
    ListEventBuses: () => ({ EventBuses: [{ Name: 'default', Arn: busArn }] }),
    DescribeRule: onRule(ruleShape),
    ListTargetsByRule: onRule((rule) => ({
      Targets: rule.targets.map((target) => ({ Id: target.id, Arn: target.arn })),
    })),
    EnableRule: onRule((rule) => void (rule.isEnabled = true)),
    DisableRule: onRule((rule) => void (rule.isEnabled = false)),
    TestEventPattern: (input) => testPattern(input),
  })
}

function ruleShape(rule: Rule): Record<string, unknown> {
  return {
    Name: rule.name,
    Arn: rule.arn,
    State: rule.isEnabled ? 'ENABLED' : 'DISABLED',
    EventBusName: 'default',
    Description: rule.description,
    EventPattern: rule.patternText,
    ScheduleExpression: rule.scheduleText,
  }
}

function putEvents(options: EventsApiOptions, input: Fields): unknown {
  const entries = input.nestedList('Entries')
  if (entries.length === 0 || entries.length > MAX_ENTRIES) {
    throw new AwsError('ValidationException', `PutEvents takes 1 to ${MAX_ENTRIES} entries`)
  }
  const results = entries.map((entry) => putEntry(options, entry))
  const failed = results.filter((result) => 'ErrorCode' in result).length
  return { FailedEntryCount: failed, Entries: results }
}

function putEntry(options: EventsApiOptions, entry: Fields): Record<string, string> {
  const source = entry.optionalText('Source') ?? ''
  const detailType = entry.optionalText('DetailType') ?? ''
  const detail = parsed(entry.optionalText('Detail') ?? '')
  if (source === '' || detailType === '') {
    return refused('InvalidArgument', 'Parameters Source and DetailType are not valid.')
  }
  if (source.startsWith('aws.')) {
    return refused('NotAuthorizedForSourceException', 'Not authorized for the source.')
  }
  if (!isObject(detail)) return refused('MalformedDetail', 'Detail is malformed.')
  const bus = entry.optionalText('EventBusName') ?? 'default'
  if (bus !== 'default' && !bus.endsWith('event-bus/default')) {
    return refused('ResourceNotFoundException', `Event bus ${bus} does not exist.`)
  }
  return {
    EventId: options.put({ source, detailType, detail, resources: entry.texts('Resources') }),
  }
}

function refused(code: string, message: string): Record<string, string> {
  return { ErrorCode: code, ErrorMessage: message }
}

function testPattern(input: Fields): unknown {
  try {
    const matches = eventPattern(parsed(input.text('EventPattern')))
    return { Result: matches(parsed(input.text('Event'))) }
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : ''
    throw new AwsError('InvalidEventPatternException', `Event pattern is not valid. ${message}`, {
      cause,
    })
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
