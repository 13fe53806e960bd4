import { GetTopicAttributesCommand, PublishCommand, SNSClient } from '@aws-sdk/client-sns'
import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSns } from '../../../infra/local/services/sns/index.ts'
import { createSqs } from '../../../infra/local/services/sqs/index.ts'
import { awsFront, ground, type AwsFront } from '../../support/aws-front.ts'
import { named, runId, target, targetClient } from '../target.ts'

const TIMEOUT_MS = 20_000
let front: AwsFront | undefined
let topics: SNSClient
let queues: SQSClient
let TopicArn: string
const urls: Record<string, string> = {}

beforeAll(async () => {
  if (target) {
    topics = new SNSClient(targetClient(target))
    queues = new SQSClient(targetClient(target))
    TopicArn = named(target.topics, 'Topic')
    Object.assign(urls, target.queues)
    return
  }
  const on = ground()
  const sqs = createSqs(on)
  const functions = {
    invoke: () => Promise.resolve({ requestId: 'r', payload: undefined }),
    describe: () => ({ arn: 'a', timeoutSeconds: 3, memoryMb: 128 }),
  }
  const sns = createSns({ ...on, functions, queues: sqs, logs: { write: () => undefined } })
  front = await awsFront(on, [sqs, sns])
  topics = new SNSClient(front.developer)
  queues = new SQSClient({ ...front.developer, useQueueUrlAsEndpoint: false })
  TopicArn = (await front.create('AWS::SNS::Topic', { TopicName: 'topic' })).ref
  for (const name of ['Wrapped', 'Raw']) {
    const queue = await front.create('AWS::SQS::Queue', { QueueName: name }, name)
    urls[name] = queue.ref
    await front.create(
      'AWS::SNS::Subscription',
      {
        TopicArn,
        Protocol: 'sqs',
        Endpoint: queue.attributes?.['Arn'],
        RawMessageDelivery: name === 'Raw',
      },
      `${name}Subscription`,
    )
  }
})
afterAll(async () => {
  topics.destroy()
  queues.destroy()
  await front?.stop()
})

/** Takes one message of a queue away; undefined when none came within two seconds. */
async function take(name: string): Promise<string | undefined> {
  const QueueUrl = named(urls, name)
  const { Messages: [message] = [] } = await queues.send(
    new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: target ? 2 : 0 }),
  )
  if (!message) return undefined
  await queues.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }))
  return message.Body
}

describe('publishing', () => {
  it(
    'wraps the message for one queue and sends it raw to the other',
    async () => {
      const Message = `${runId} & more`
      const { MessageId } = await topics.send(
        new PublishCommand({ TopicArn, Subject: 'S <1>', Message }),
      )
      await expect.poll(() => take('Raw'), { timeout: TIMEOUT_MS }).toBe(Message)
      let wrapped: string | undefined
      await expect
        .poll(async () => (wrapped = await take('Wrapped')), { timeout: TIMEOUT_MS })
        .toContain(runId)
      expect(JSON.parse(wrapped ?? '')).toMatchObject({
        Type: 'Notification',
        MessageId,
        TopicArn,
        Subject: 'S <1>',
        Message,
      })
    },
    3 * TIMEOUT_MS,
  )

  it('CFN-20: a topic is described by its ARN', async () => {
    const { Attributes } = await topics.send(new GetTopicAttributesCommand({ TopicArn }))
    expect(Attributes).toMatchObject({ TopicArn, Owner: TopicArn.split(':')[4] })
  })

  it('refuses empty messages and unknown topics', async () => {
    await expect(topics.send(new PublishCommand({ TopicArn, Message: '' }))).rejects.toMatchObject({
      name: 'InvalidParameterException',
    })
    await expect(
      topics.send(new PublishCommand({ TopicArn: `${TopicArn}x`, Message: 'm' })),
    ).rejects.toMatchObject({ name: 'NotFoundException' })
  })
})
