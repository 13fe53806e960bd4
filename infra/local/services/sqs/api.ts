import { AwsError } from '../../platform/errors.ts'
import { fields, isObject, type Fields } from '../../platform/fields.ts'
import { jsonApi, type JsonOperation } from '../../platform/json-api.ts'
import { passSeam } from '../../platform/seam.ts'
import type { ApiHandler, ApiRequest, Authorization, Clock, Faults } from '../../platform/types.ts'
import { md5OfAttributes, systemAttributes } from './message-shape.ts'
import { createMoveTasks } from './move-tasks.ts'
import type { Message, MessageAttribute } from './message.ts'
import type { NewMessage, Queue } from './queue.ts'
import { attributesOf } from './queue-attributes.ts'

const MAX_BATCH = 10
const MAX_DELAY_SECONDS = 900
const MAX_VISIBILITY_SECONDS = 43_200
const MAX_WAIT_SECONDS = 20

export interface SqsApiOptions {
  readonly clock: Clock
  readonly authorization: Authorization
  readonly faults?: Faults
  /** Throws AwsError `QueueDoesNotExist`. */
  find(name: string): Queue
  all(): readonly Queue[]
  counted(queue: Queue, name: string, count: number): void
}

/** The SQS API (AWS JSON 1.0) for standard queues. Seam `sqs.<Operation>`, target = queue name. */
export function sqsApi(options: SqsApiOptions): ApiHandler {
  const allowed = async (input: Fields, request: ApiRequest): Promise<Queue> => {
    const queue = options.find(queueNameOf(input))
    // A batch needs the permission of its single operation. Source: Service Authorization Reference, SQS.
    const action = request.operation.replace(/Batch$/, '')
    options.authorization.check(request.principal, `sqs:${action}`, queue.settings.arn)
    await passSeam(options, `sqs.${request.operation}`, queue.settings.name, 'RequestThrottled')
    return queue
  }
  const on =
    (work: (queue: Queue, input: Fields, request: ApiRequest) => unknown): JsonOperation =>
    async (input, request) =>
      work(await allowed(input, request), input, request)

  const moves = createMoveTasks(options)
  return jsonApi(
    ['sqs'],
    {
      StartMessageMoveTask: (input, request) => moves.start(input, request),
      ListMessageMoveTasks: (input, request) => moves.list(input, request),
      ListQueues: (input) => ({ QueueUrls: listUrls(options.all(), input) }),
      GetQueueUrl: on((queue) => ({ QueueUrl: queue.url })),
      GetQueueAttributes: on((queue, input) => ({
        Attributes: attributesOf(queue, input.texts('AttributeNames')),
      })),
      PurgeQueue: on((queue) => {
        queue.purge()
        return {}
      }),
      SendMessage: on((queue, input, request) => send(options, queue, { input, request })),
      SendMessageBatch: on((queue, input, request) =>
        eachEntry(input, (entry) => send(options, queue, { input: entry, request })),
      ),
      ReceiveMessage: on((queue, input) => receive(options, queue, input)),
      DeleteMessage: on((queue, input) => remove(options, queue, input)),
      DeleteMessageBatch: on((queue, input) =>
        eachEntry(input, (entry) => remove(options, queue, entry)),
      ),
      ChangeMessageVisibility: on((queue, input) => changeVisibility(queue, input)),
      ChangeMessageVisibilityBatch: on((queue, input) =>
        eachEntry(input, (entry) => changeVisibility(queue, entry)),
      ),
    },
    'InvalidParameterValue',
  )
}

/** The queue's name, from its URL (its last part, whatever the host) or given as such. */
function queueNameOf(input: Fields): string {
  const url = input.optionalText('QueueUrl')
  return url === undefined ? input.text('QueueName') : url.slice(url.lastIndexOf('/') + 1)
}

function listUrls(queues: readonly Queue[], input: Fields): readonly string[] {
  const prefix = input.optionalText('QueueNamePrefix') ?? ''
  return queues.filter((queue) => queue.settings.name.startsWith(prefix)).map((queue) => queue.url)
}

function send(
  options: SqsApiOptions,
  queue: Queue,
  { input, request }: { readonly input: Fields; readonly request: ApiRequest },
): Record<string, unknown> {
  const attributes = attributesGiven(input)
  const delaySeconds = within(input, 'DelaySeconds', MAX_DELAY_SECONDS)
  const message: NewMessage = {
    body: input.text('MessageBody'),
    messageAttributes: attributes,
    senderId: request.principal.arn,
    ...(delaySeconds === undefined ? {} : { delaySeconds }),
  }
  if (Buffer.byteLength(message.body) > queue.settings.maxMessageBytes) {
    throw invalid(
      `One or more parameters are invalid. Reason: Message must be shorter than ${queue.settings.maxMessageBytes} bytes.`,
    )
  }
  const sent = queue.send(message)
  options.counted(queue, 'NumberOfMessagesSent', 1)
  const md5 = md5OfAttributes(attributes)
  return {
    MessageId: sent.messageId,
    MD5OfMessageBody: sent.md5OfBody,
    ...(md5 === undefined ? {} : { MD5OfMessageAttributes: md5 }),
  }
}

function attributesGiven(input: Fields): Record<string, MessageAttribute> {
  const given = input.value('MessageAttributes')
  if (!isObject(given)) return {}
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      const attribute = fields(value, (message) => invalid(`MessageAttributes.${name}: ${message}`))
      const text = attribute.optionalText('StringValue')
      const binary = attribute.optionalText('BinaryValue')
      return [
        name,
        {
          DataType: attribute.text('DataType'),
          ...(text === undefined ? {} : { StringValue: text }),
          ...(binary === undefined ? {} : { BinaryValue: binary }),
        },
      ]
    }),
  )
}

async function receive(options: SqsApiOptions, queue: Queue, input: Fields): Promise<unknown> {
  const max = within(input, 'MaxNumberOfMessages', MAX_BATCH) ?? 1
  const visibility = within(input, 'VisibilityTimeout', MAX_VISIBILITY_SECONDS)
  const waitSeconds =
    within(input, 'WaitTimeSeconds', MAX_WAIT_SECONDS) ?? queue.settings.receiveWaitSeconds
  let messages = queue.receive(max, visibility)
  if (messages.length === 0 && waitSeconds > 0) {
    await messageOrTimeout(options.clock, queue, waitSeconds * 1000)
    messages = queue.receive(max, visibility)
  }
  if (messages.length === 0) return {}
  options.counted(queue, 'NumberOfMessagesReceived', messages.length)
  const wanted = [...input.texts('AttributeNames'), ...input.texts('MessageSystemAttributeNames')]
  const wantedOwn = input.texts('MessageAttributeNames')
  return { Messages: messages.map((message) => received(message, wanted, wantedOwn)) }
}

function messageOrTimeout(clock: Clock, queue: Queue, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const removals: (() => void)[] = []
    const done = (): void => {
      for (const remove of removals) remove()
      resolve()
    }
    removals.push(queue.onMessages(done), clock.after(ms, done))
  })
}

function received(
  message: Message,
  wanted: readonly string[],
  wantedOwn: readonly string[],
): Record<string, unknown> {
  const pick = <T>(of: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T> =>
    Object.fromEntries(
      Object.entries(of).filter(([name]) =>
        names.some(
          (pattern) =>
            pattern === 'All' ||
            pattern === name ||
            (pattern.endsWith('.*') && name.startsWith(pattern.slice(0, -2))),
        ),
      ),
    )
  const system = pick(systemAttributes(message), wanted)
  const own = pick(message.messageAttributes, wantedOwn)
  const md5 = md5OfAttributes(own)
  return {
    MessageId: message.messageId,
    ReceiptHandle: message.receiptHandle,
    MD5OfBody: message.md5OfBody,
    Body: message.body,
    ...(Object.keys(system).length === 0 ? {} : { Attributes: system }),
    ...(md5 === undefined ? {} : { MessageAttributes: own, MD5OfMessageAttributes: md5 }),
  }
}

/** Deleting a message that is gone succeeds. Source: SQS API, DeleteMessage. */
function remove(options: SqsApiOptions, queue: Queue, input: Fields): Record<string, unknown> {
  if (queue.remove(input.text('ReceiptHandle')))
    options.counted(queue, 'NumberOfMessagesDeleted', 1)
  return {}
}

function changeVisibility(queue: Queue, input: Fields): Record<string, unknown> {
  const seconds = within(input, 'VisibilityTimeout', MAX_VISIBILITY_SECONDS) ?? 0
  if (queue.changeVisibility(input.text('ReceiptHandle'), seconds)) return {}
  throw new AwsError('ReceiptHandleIsInvalid', 'The input receipt handle is invalid.')
}

/** A batch answers for each entry by itself. Throws AwsError for an empty, too long or ambiguous batch. */
function eachEntry(
  input: Fields,
  work: (entry: Fields) => Record<string, unknown>,
): Record<string, unknown> {
  const entries = input.nestedList('Entries')
  if (entries.length === 0) {
    throw new AwsError('EmptyBatchRequest', 'There should be at least one entry in the request.')
  }
  if (entries.length > MAX_BATCH) {
    throw new AwsError(
      'TooManyEntriesInBatchRequest',
      `Maximum number of entries per request are ${MAX_BATCH}. You have sent ${entries.length}.`,
    )
  }
  const ids = entries.map((entry) => entry.text('Id'))
  if (new Set(ids).size !== ids.length) {
    throw new AwsError('BatchEntryIdsNotDistinct', 'Two or more entries have the same Id.')
  }
  const successful: unknown[] = []
  const failed: unknown[] = []
  for (const entry of entries) {
    try {
      successful.push({ Id: entry.text('Id'), ...work(entry) })
    } catch (error) {
      if (!(error instanceof AwsError)) throw error
      const { code, message } = error
      failed.push({ Id: entry.text('Id'), SenderFault: true, Code: code, Message: message })
    }
  }
  return { Successful: successful, Failed: failed }
}

function within(input: Fields, name: string, max: number): number | undefined {
  const value = input.optionalInteger(name)
  if (value === undefined || (value >= 0 && value <= max)) return value
  throw invalid(
    `Value ${value} for parameter ${name} is invalid. Reason: Must be between 0 and ${max}.`,
  )
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValue', message)
}
