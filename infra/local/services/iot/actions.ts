import { AwsError } from '../../platform/errors.ts'
import type {
  Account,
  Authorization,
  Broker,
  Clock,
  Functions,
  Queues,
  Streams,
} from '../../platform/types.ts'
import type { Scope } from './sql/message.ts'
import { compileTemplate } from './sql/rule-sql.ts'

export interface ActionPorts {
  readonly account: Account
  readonly clock: Clock
  readonly streams: Streams
  readonly functions: Functions
  readonly queues: Queues
  readonly authorization: Authorization
  readonly broker: Broker
}

/** One action of a rule, ready to run. */
export interface RuleAction {
  /** The value of the metrics' dimension `ActionType` (IOT-73); `{type}Action` names it in an error record (IOT-61). */
  readonly type: string
  /** What the action writes to, for the error record. */
  readonly resource: string
  /** Starts at once, in the order of the calls, so that a device's messages keep their order. */
  run(scope: Scope, data: Buffer): Promise<unknown>
}

type Properties = Readonly<Record<string, unknown>>
type Maker = (properties: Properties, ports: ActionPorts, ruleArn: string) => RuleAction

/** Names of the actions that run on one machine, as the template writes them. */
export const actionNames = ['Kinesis', 'Lambda', 'Republish', 'Sqs'] as const

const MAKERS: Readonly<Record<(typeof actionNames)[number], Maker>> = {
  Kinesis: kinesisAction,
  Lambda: lambdaAction,
  Republish: republishAction,
  Sqs: sqsAction,
}

/**
 * Makes the action that the template describes: an object with one member, the action's name. Throws {@link AwsError}
 * `InvalidRequestException` for another one.
 */
export function makeAction(description: unknown, ports: ActionPorts, ruleArn: string): RuleAction {
  const entries = Object.entries((description ?? {}) as Readonly<Record<string, unknown>>)
  const [name, properties] = entries[0] ?? ['', {}]
  const maker = Object.hasOwn(MAKERS, name) ? MAKERS[name as keyof typeof MAKERS] : undefined
  if (entries.length !== 1 || !maker) {
    throw new AwsError(
      'InvalidRequestException',
      `The rule action ${entries.map(([key]) => key).join(', ') || '(none)'} is not one of ${actionNames.join(', ')}.`,
    )
  }
  return maker(properties as Properties, ports, ruleArn)
}

/** IOT-58, IOT-59: one PutRecord per message; the data are the bytes of the SELECT. */
function kinesisAction(properties: Properties, ports: ActionPorts): RuleAction {
  const streamName = text(properties, 'StreamName')
  const partitionKey = compileTemplate(text(properties, 'PartitionKey', '${newuuid()}'))
  const { region, accountId } = ports.account
  const allow = roleCheck(ports, text(properties, 'RoleArn'), 'kinesis:PutRecord')
  const streamArn = `arn:aws:kinesis:${region}:${accountId}:stream/${streamName}`
  return {
    type: 'Kinesis',
    resource: streamName,
    async run(scope, data) {
      allow(streamArn)
      await ports.streams.put({ streamName, partitionKey: partitionKey(scope), data })
    },
  }
}

/** IOT-56, IOT-57: asynchronous; the event is the result of the SELECT, and the function must allow `iot.amazonaws.com`. */
function lambdaAction(properties: Properties, ports: ActionPorts, ruleArn: string): RuleAction {
  const functionName = text(properties, 'FunctionArn')
  return {
    type: 'Lambda',
    resource: functionName,
    async run(_, data) {
      await ports.functions.invoke({
        functionName,
        payload: jsonPayload(data),
        invocationType: 'Event',
        invokedBy: { service: 'iot.amazonaws.com', sourceArn: ruleArn },
      })
    },
  }
}

function republishAction(properties: Properties, ports: ActionPorts): RuleAction {
  const source = text(properties, 'Topic')
  const topic = compileTemplate(source)
  const qos = Number(properties.Qos ?? 0) === 1 ? 1 : 0
  const { region, accountId } = ports.account
  const allow = roleCheck(ports, text(properties, 'RoleArn'), 'iot:Publish')
  return {
    type: 'Republish',
    resource: source,
    async run(scope, data) {
      const target = topic(scope)
      allow(`arn:aws:iot:${region}:${accountId}:topic/${target}`)
      await ports.broker.publish(target, data, { qos })
    },
  }
}

function sqsAction(properties: Properties, ports: ActionPorts): RuleAction {
  const queueUrl = text(properties, 'QueueUrl')
  const { region, accountId } = ports.account
  const queueArn = `arn:aws:sqs:${region}:${accountId}:${queueUrl.slice(queueUrl.lastIndexOf('/') + 1)}`
  const allow = roleCheck(ports, text(properties, 'RoleArn'), 'sqs:SendMessage')
  const useBase64 = properties.UseBase64 === true || properties.UseBase64 === 'true'
  return {
    type: 'Sqs',
    resource: queueUrl,
    async run(_, data) {
      allow(queueArn)
      await ports.queues.send(queueArn, data.toString(useBase64 ? 'base64' : 'utf8'))
    },
  }
}

const CHECK_EVERY_MS = 5000

/** Throws when the role may not; an answer holds for five seconds, as a change of a policy takes a moment on AWS too. */
function roleCheck(
  ports: ActionPorts,
  roleArn: string,
  action: string,
): (resource: string) => void {
  const allowedUntil = new Map<string, number>()
  return (resource) => {
    const nowMs = ports.clock.now()
    if ((allowedUntil.get(resource) ?? 0) > nowMs) return
    ports.authorization.check({ arn: roleArn, roleArn }, action, resource)
    if (allowedUntil.size >= 1000) allowedUntil.clear()
    allowedUntil.set(resource, nowMs + CHECK_EVERY_MS)
  }
}

/** IOT-51: a Lambda action cannot take bytes that are not JSON. */
function jsonPayload(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString('utf8'))
  } catch (cause) {
    throw new AwsError(
      'InvalidRequestContentException',
      "The message is not JSON and cannot be a function's event; select encode(*, 'base64') AS data instead.",
      { cause },
    )
  }
}

function text(properties: Properties, name: string, fallback?: string): string {
  const value = properties[name] ?? fallback
  if (typeof value === 'string' && value !== '') return value
  throw new AwsError('InvalidRequestException', `The rule action needs ${name}, a text.`)
}
