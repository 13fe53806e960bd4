import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
  type Message,
} from '@aws-sdk/client-sqs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Functions } from '../../../infra/local/platform/types.ts'
import { createEventSourceMappings } from '../../../infra/local/services/event-source/index.ts'
import { createSqs, type Sqs } from '../../../infra/local/services/sqs/index.ts'
import { awsFront, ground, type AwsFront, type Ground } from '../../support/aws-front.ts'
import { describeLocal, itLocal, named, target, targetClient } from '../target.ts'

let on: Ground
let front: AwsFront | undefined
let sqs: Sqs
let client: SQSClient
let QueueUrl: string
let received: Message[]
const QUEUE_ARN = 'arn:aws:sqs:eu-west-1:000000000000:work'
const DEAD_ARN = 'arn:aws:sqs:eu-west-1:000000000000:dead'

beforeEach(async () => {
  received = []
  if (target) {
    client = new SQSClient(targetClient(target))
    QueueUrl = named(target.queues, 'Work')
    return
  }
  on = ground()
  sqs = createSqs(on)
  front = await awsFront(on, [sqs])
  client = new SQSClient({ ...front.developer, useQueueUrlAsEndpoint: false })
  await front.create('AWS::SQS::Queue', { QueueName: 'dead' }, 'Dead')
  const created = await front.create('AWS::SQS::Queue', {
    QueueName: 'work',
    VisibilityTimeout: 30,
    RedrivePolicy: { deadLetterTargetArn: DEAD_ARN, maxReceiveCount: 2 },
  })
  QueueUrl = created.ref
})
afterEach(async () => {
  if (target) await removeReceived()
  client.destroy()
  await front?.stop()
})

/** A queue of the target is left as it was found. */
async function removeReceived(): Promise<void> {
  const waiting = await receive()
  for (const { ReceiptHandle } of [...received, ...waiting]) {
    await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }))
  }
}

const send = (MessageBody: string, more: object = {}) =>
  client.send(new SendMessageCommand({ QueueUrl, MessageBody, ...more }))
async function receive(more: object = {}): Promise<Message[]> {
  // A short poll of AWS asks only some of its machines.
  const input = { QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: target ? 2 : 0 }
  const answer = await client.send(
    new ReceiveMessageCommand({ ...input, MessageSystemAttributeNames: ['All'], ...more }),
  )
  received.push(...(answer.Messages ?? []))
  return answer.Messages ?? []
}
const bodies = async (more: object = {}) => (await receive(more)).map((message) => message.Body)

describe('queues', () => {
  it('Ref is the URL; the queue is found by name and listed', async () => {
    const { region, account } = target ?? { region: 'eu-west-1', account: on.account.accountId }
    const QueueName = QueueUrl.split('/').at(-1)
    expect(QueueUrl).toBe(`https://sqs.${region}.amazonaws.com/${account}/${QueueName}`)
    const byName = await client.send(new GetQueueUrlCommand({ QueueName }))
    expect(byName.QueueUrl).toBe(QueueUrl)
    const listed = await client.send(new ListQueuesCommand({ QueueNamePrefix: QueueName }))
    expect(listed.QueueUrls).toEqual([QueueUrl])
    await expect(
      client.send(new GetQueueUrlCommand({ QueueName: 'GaugelineNothing' })),
    ).rejects.toMatchObject({ name: 'QueueDoesNotExist' })
  })

  itLocal(
    'clock',
    'a received message is hidden for the visibility timeout, then comes again',
    async () => {
      await send('one')
      const [message] = await receive()
      expect(message).toMatchObject({ Body: 'one', Attributes: { ApproximateReceiveCount: '1' } })
      expect(await bodies()).toEqual([])
      await on.clock.advance(30_000)
      const [again] = await receive()
      expect(again).toMatchObject({ Body: 'one', Attributes: { ApproximateReceiveCount: '2' } })
      await client.send(
        new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message?.ReceiptHandle }),
      )
      await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: again?.ReceiptHandle }))
      await on.clock.advance(60_000)
      expect(await bodies()).toEqual([])
    },
  )

  itLocal('clock', 'an older receipt handle deletes nothing', async () => {
    await send('one')
    const [first] = await receive()
    await on.clock.advance(30_000)
    await receive()
    await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: first?.ReceiptHandle }))
    const { Attributes } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
    )
    expect(Attributes).toMatchObject({
      ApproximateNumberOfMessagesNotVisible: '1',
      QueueArn: QUEUE_ARN,
      VisibilityTimeout: '30',
    })
  })

  it('a delay of more than 15 minutes is refused', async () => {
    await expect(send('never', { DelaySeconds: 901 })).rejects.toMatchObject({
      name: 'InvalidParameterValue',
    })
  })

  itLocal('clock', 'a delay of up to 15 minutes holds a message back', async () => {
    await send('later', { DelaySeconds: 900 })
    await on.clock.advance(899_000)
    expect(await bodies()).toEqual([])
    await on.clock.advance(1000)
    expect(await bodies()).toEqual(['later'])
  })

  itLocal(
    'clock',
    'after maxReceiveCount receives a message goes to the dead-letter queue',
    async () => {
      await send('poison')
      await receive()
      await on.clock.advance(30_000)
      await receive()
      await on.clock.advance(30_000)
      expect(await bodies()).toEqual([])
      expect(await bodies({ QueueUrl: QueueUrl.replace('work', 'dead') })).toEqual(['poison'])
    },
  )

  it('changing the visibility to 0 shows a message at once', async () => {
    await send('one')
    const [message] = await receive()
    await client.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl,
        ReceiptHandle: message?.ReceiptHandle,
        VisibilityTimeout: 0,
      }),
    )
    expect(await bodies()).toEqual(['one'])
  })

  it('a long poll returns as soon as a message arrives', async () => {
    if (!target)
      on.faults.add({ seam: 'sqs.ReceiveMessage', count: 0, fault: { kind: 'throttle' } })
    const polled = bodies({ WaitTimeSeconds: 20 })
    // Here it is known that the poll waits; over a network it may also come late.
    if (!target) await expect.poll(() => on.faults.report()[0]?.asked).toBe(1)
    await send('now')
    expect(await polled).toEqual(['now'])
  })

  it('a batch answers for each entry by itself', async () => {
    const answer = await client.send(
      new SendMessageBatchCommand({
        QueueUrl,
        Entries: [
          { Id: 'a', MessageBody: '1' },
          { Id: 'b', MessageBody: '2', DelaySeconds: 1000 },
        ],
      }),
    )
    expect(answer.Successful?.map((entry) => entry.Id)).toEqual(['a'])
    expect(answer.Failed).toMatchObject([{ Id: 'b', Code: 'InvalidParameterValue' }])
  })

  itLocal('clock', 'publishes depth and age each minute', async () => {
    await send('old')
    await on.clock.advance(60_000)
    const value = (name: string) =>
      on.recorded.find((datum) => datum.name === name && datum.dimensions['QueueName'] === 'work')
    expect(value('ApproximateNumberOfMessagesVisible')?.value).toBe(1)
    expect(value('ApproximateAgeOfOldestMessage')).toMatchObject({ value: 60, unit: 'Seconds' })
  })

  itLocal('internals', 'refuses a role what its policies do not allow', async () => {
    on.denied.add(`sqs:SendMessage ${QUEUE_ARN}`)
    const asRole = new SQSClient(front!.role)
    await expect(
      asRole.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' })),
    ).rejects.toMatchObject({ name: 'AccessDeniedException' })
  })
})

describeLocal('clock', 'a queue as event source', () => {
  it('KINESIS-22 and visibility: what is not reported failed is removed, the rest comes again, then goes to the dead letters', async () => {
    const batches: string[][] = []
    const functions: Functions = {
      invoke({ payload }) {
        const { Records } = payload as { Records: { body: string; messageId: string }[] }
        batches.push(Records.map((record) => record.body))
        const bad = Records.filter((record) => record.body === 'bad')
        return Promise.resolve({
          requestId: 'r',
          payload: {
            batchItemFailures: bad.map((record) => ({ itemIdentifier: record.messageId })),
          },
        })
      },
      describe: () => ({ arn: 'arn:aws:lambda:::function:f', timeoutSeconds: 3, memoryMb: 128 }),
    }
    const mappings = createEventSourceMappings({
      ...on,
      functions,
      queues: sqs,
      queueSource: sqs,
      topics: { publish: () => Promise.resolve() },
      streams: {} as never,
    })
    await mappings.providers[0]!.create({
      logicalId: 'Mapping',
      type: 'AWS::Lambda::EventSourceMapping',
      properties: {
        EventSourceArn: QUEUE_ARN,
        FunctionName: 'f',
        FunctionResponseTypes: ['ReportBatchItemFailures'],
      },
    })
    const Entries = ['good', 'bad'].map((MessageBody) => ({ Id: MessageBody, MessageBody }))
    await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }))
    await on.clock.advance(90_000)
    expect(batches.flat().filter((body) => body === 'good')).toHaveLength(1)
    expect(batches.flat().filter((body) => body === 'bad')).toHaveLength(2)
    expect(await bodies({ QueueUrl: QueueUrl.replace('work', 'dead') })).toEqual(['bad'])
    await mappings.stop()
  })
})
