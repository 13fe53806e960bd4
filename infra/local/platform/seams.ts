import type { Fault } from './types.ts'

export type FaultKind = Fault['kind']

/** One place at which a service asks for a fault. */
export interface Seam {
  /** What the call is about: a rule's `target` is compared with it. */
  readonly target: string
  /** The kinds that this seam can do, and what each does there. */
  readonly kinds: Readonly<Partial<Record<FaultKind, string>>>
  /** Of a family (`dynamodb.{Operation}`): what may stand for the braces. */
  readonly members?: readonly string[]
}

const dynamoDbOperations = [
  'BatchGetItem',
  'BatchWriteItem',
  'CreateTable',
  'DeleteItem',
  'DeleteTable',
  'DescribeTable',
  'DescribeTimeToLive',
  'GetItem',
  'ListTables',
  'ListTagsOfResource',
  'PutItem',
  'Query',
  'Scan',
  'TagResource',
  'TransactGetItems',
  'TransactWriteItems',
  'UntagResource',
  'UpdateItem',
  'UpdateTable',
  'UpdateTimeToLive',
]

const sqsOperations = [
  'ChangeMessageVisibility',
  'ChangeMessageVisibilityBatch',
  'DeleteMessage',
  'DeleteMessageBatch',
  'GetQueueAttributes',
  'GetQueueUrl',
  'ListMessageMoveTasks',
  'PurgeQueue',
  'ReceiveMessage',
  'SendMessage',
  'SendMessageBatch',
  'StartMessageMoveTask',
]

const apiServices = [
  'cloudformation',
  'dynamodb',
  'events',
  'iotdata',
  'iotdevicegateway',
  'kinesis',
  'lambda',
  'logs',
  'monitoring',
  'sns',
  'sqs',
]

const delayed = 'waits `ms` first'
const lost = 'nothing is done, and the connection is cut without an answer'

/**
 * Every seam and what it can do: the one list. A rule for anything else is refused, so a fault that is counted has happened.
 * `docs/local.md` shows it, and a test holds each entry against the running system.
 */
export const seams = {
  'iot.connect': {
    target: 'client id',
    kinds: {
      throttle: 'CONNACK 3, counted as `Connect.Throttle`',
      error: 'CONNACK 3, counted as `Connect.ServerError`',
      delay: delayed,
      drop: 'the connection is cut without a CONNACK',
    },
  },
  'iot.publish': {
    target: 'topic',
    kinds: {
      throttle: 'thrown away without an answer, counted as `PublishIn.Throttle`',
      error: 'the connection is closed, counted as `PublishIn.ServerError`',
      delay: delayed,
      drop: 'thrown away without an answer and without a count',
      duplicate: 'comes `times` more times',
    },
  },
  'iotdata.Publish': {
    target: 'topic',
    kinds: {
      throttle: '429 ThrottlingException',
      error: 'the error, 500 InternalFailureException by default',
      delay: delayed,
      drop: lost,
      duplicate: 'comes `times` more times',
    },
  },
  'iot.action': {
    target: 'rule name',
    kinds: {
      throttle: 'the action fails with ThrottlingException: the error action runs',
      error: 'the action fails with the error: the error action runs',
      delay: delayed,
      duplicate: 'the action runs `times` more times',
    },
  },
  'iot.errorAction': {
    target: 'rule name',
    kinds: {
      throttle:
        'the error action fails: nothing keeps the message, it is not acknowledged and the connection ends',
      error:
        'the error action fails: nothing keeps the message, it is not acknowledged and the connection ends',
      delay: delayed,
      duplicate: 'the error action runs `times` more times',
    },
  },
  'kinesis.put': {
    target: 'stream',
    kinds: {
      throttle: 'ProvisionedThroughputExceededException',
      error: 'the error, 500 InternalServerError by default',
      delay: delayed,
      drop: 'nothing is stored, and a topic rule takes it as a failure',
      duplicate: 'the record is stored `times` more times, as by a producer that tried again',
    },
  },
  'esm.deliver': {
    target: 'function',
    kinds: {
      throttle: 'the batch waits and comes later',
      error: 'the batch waits and comes later',
      delay: delayed,
      drop: 'the function runs, its answer is lost: the whole batch comes again',
      duplicate: 'the function runs with the batch `times` more times',
    },
  },
  'lambda.invoke': {
    target: 'function',
    kinds: {
      throttle: '429 TooManyRequestsException, counted in `Throttles`',
      error:
        'the function fails before it does anything, counted in `Errors`; with a `status` the service fails, and nothing is counted',
      delay: delayed,
      drop: 'the function runs, its answer is lost: ServiceException',
      duplicate: 'the function runs `times` more times, one after the other',
      kill: 'the environment dies `ms` after the event began, counted in `Errors`; the next event is a cold start',
    },
  },
  'lambda.async': {
    target: 'function',
    kinds: {
      delay: 'the accepted event waits `ms`',
      drop: 'the accepted event is lost',
      duplicate: 'the accepted event runs `times` more times',
    },
  },
  'dynamodb.{Operation}': {
    target: 'table',
    members: dynamoDbOperations,
    kinds: {
      throttle:
        'ProvisionedThroughputExceededException; a batch does half and gives the rest back unprocessed',
      error: 'the error, 500 InternalServerError by default',
      delay: delayed,
      drop: lost,
    },
  },
  'management.post': {
    target: 'connection id',
    kinds: {
      throttle: '429 LimitExceededException',
      error: 'the error, 500 InternalServerErrorException by default',
      delay: delayed,
      drop: '200, and nothing is sent',
      duplicate: 'the message is sent `times` more times',
    },
  },
  'gateway.disconnect': {
    target: 'connection id',
    kinds: {
      delay: '`$disconnect` runs `ms` later',
      drop: '`$disconnect` does not run',
    },
  },
  'sqs.{Operation}': {
    target: 'queue',
    members: sqsOperations,
    kinds: {
      throttle: 'RequestThrottled',
      error: 'the error, 500 InternalServerError by default',
      delay: delayed,
      drop: lost,
    },
  },
  'sns.Publish': {
    target: 'topic ARN',
    kinds: {
      throttle: 'Throttling',
      error: 'the error, 500 InternalServerError by default',
      delay: delayed,
      drop: lost,
    },
  },
  'events.target': {
    target: 'target ARN',
    kinds: {
      throttle: 'the attempt fails: tried again as the target says',
      error: 'the attempt fails: tried again as the target says',
      delay: delayed,
      drop: 'the attempt fails: tried again as the target says',
    },
  },
  jwks: {
    target: 'path',
    kinds: {
      throttle: '429',
      error: '`status`, 500 by default, with `message` as the body',
      delay: delayed,
      drop: lost,
    },
  },
  'api.{service}': {
    target: 'operation',
    members: apiServices,
    kinds: {
      throttle: 'ThrottlingException',
      error: 'the error, 500 InternalServerError by default',
      delay: delayed,
      drop: lost,
    },
  },
} as const satisfies Readonly<Record<string, Seam>>

export type SeamName = keyof typeof seams

/** Every name that a rule may write, without the wildcards, and its row. */
const byName = new Map<string, Seam>(
  Object.entries<Seam>(seams).flatMap(([name, seam]): [string, Seam][] =>
    (seam.members ?? ['']).map((member) => [name.replace(/\{\w+\}/, member), seam]),
  ),
)

/**
 * Checks a rule's seam (a trailing `*` takes every seam that begins so) and kind. Throws TypeError with the value, the rule and the way out.
 */
export function checkSeam(seam: string, kind: FaultKind): void {
  const matching = [...byName].filter(([name]) =>
    seam.endsWith('*') ? name.startsWith(seam.slice(0, -1)) : name === seam,
  )
  if (matching.length === 0) {
    throw new TypeError(
      `fault rule: there is no seam ${seam}; use one of ${Object.keys(seams).join(', ')}, or a beginning with *`,
    )
  }
  const unable = matching.find(([, { kinds }]) => kinds[kind] === undefined)
  if (unable) {
    throw new TypeError(
      `fault rule: ${unable[0]} cannot ${kind}; it can ${Object.keys(unable[1].kinds).join(', ')}`,
    )
  }
}
