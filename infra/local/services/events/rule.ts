import { StartError } from '../../platform/errors.ts'
import { eventPattern, type EventPattern } from '../../platform/event-pattern.ts'
import { propertiesOf, type Fields } from '../../platform/fields.ts'
import { physicalName } from '../../platform/naming.ts'
import type { Account, ResolvedResource } from '../../platform/types.ts'
import { parseSchedule, type Schedule } from './schedule.ts'
import { targetInput, type TargetInput } from './target-input.ts'

export interface Target {
  readonly id: string
  readonly arn: string
  readonly input: TargetInput
  /** Attempts after the first. */
  readonly maxRetries: number
  readonly maxAgeMs: number
  readonly deadLetterArn: string | undefined
}

export interface Rule {
  readonly name: string
  readonly arn: string
  readonly description: string | undefined
  readonly patternText: string | undefined
  readonly scheduleText: string | undefined
  readonly matches: EventPattern | undefined
  readonly schedule: Schedule | undefined
  isEnabled: boolean
  readonly targets: readonly Target[]
}

/** EventBridge User Guide, "retry policy": the defaults. */
const MAX_RETRIES = 185
const MAX_AGE_SECONDS = 86_400

/** Reads an `AWS::Events::Rule`. Throws StartError naming what is wrong or not emulated. */
export function ruleOf(account: Account, resource: ResolvedResource): Rule {
  const given = propertiesOf(resource)
  const name = given.optionalText('Name') ?? physicalName(account.stackName, resource.logicalId, 64)
  const bus = given.optionalText('EventBusName') ?? 'default'
  if (bus !== 'default') throw invalid(resource, `only the default bus is emulated, not ${bus}`)
  const pattern = given.value('EventPattern')
  const scheduleText = given.optionalText('ScheduleExpression')
  if (pattern === undefined && scheduleText === undefined) {
    throw invalid(resource, 'EventPattern or ScheduleExpression is needed')
  }
  try {
    return {
      name,
      arn: `arn:aws:events:${account.region}:${account.accountId}:rule/${name}`,
      description: given.optionalText('Description'),
      patternText: pattern === undefined ? undefined : JSON.stringify(pattern),
      scheduleText,
      matches: pattern === undefined ? undefined : eventPattern(pattern),
      schedule: scheduleText === undefined ? undefined : parseSchedule(scheduleText),
      isEnabled: given.optionalText('State') !== 'DISABLED',
      targets: given.nestedList('Targets').map(targetOf),
    }
  } catch (error) {
    if (error instanceof TypeError) throw invalid(resource, error.message)
    throw error
  }
}

function targetOf(target: Fields): Target {
  const retry = target.nested('RetryPolicy')
  const arn = target.text('Arn')
  if (!/^arn:aws:(lambda|sqs|sns):/.test(arn)) {
    throw new TypeError(`target ${arn} is not emulated; Lambda, SQS and SNS targets are`)
  }
  return {
    id: target.text('Id'),
    arn,
    input: targetInput(target),
    maxRetries: retry?.optionalInteger('MaximumRetryAttempts') ?? MAX_RETRIES,
    maxAgeMs: (retry?.optionalInteger('MaximumEventAgeInSeconds') ?? MAX_AGE_SECONDS) * 1000,
    deadLetterArn: target.nested('DeadLetterConfig')?.optionalText('Arn'),
  }
}

function invalid(resource: ResolvedResource, problem: string): StartError {
  return new StartError('RULE_INVALID', `${resource.logicalId} (${resource.type}): ${problem}.`)
}
