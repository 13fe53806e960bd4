import {
  GetTopicAttributesCommand,
  ListSubscriptionsByTopicCommand,
  ListTopicsCommand,
  PublishCommand,
  SNSClient,
} from '@aws-sdk/client-sns'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSns, type Sns } from '../../../infra/local/services/sns/index.ts'
import { awsFront, ground, type AwsFront, type Ground } from '../../support/aws-front.ts'

const TopicArn = 'arn:aws:sns:eu-west-1:000000000000:alarms'
let on: Ground
let front: AwsFront
let sns: Sns
let client: SNSClient
let invoked: unknown[]
let queued: string[]
let mails: string[]

beforeEach(async () => {
  on = ground()
  invoked = []
  queued = []
  mails = []
  sns = createSns({
    ...on,
    functions: {
      invoke(request) {
        invoked.push(request)
        return Promise.resolve({ requestId: 'r', payload: undefined })
      },
      describe: () => ({ arn: 'a', timeoutSeconds: 3, memoryMb: 128 }),
    },
    queues: {
      send(_, body) {
        queued.push(body)
        return Promise.resolve({ messageId: 'm' })
      },
    },
    logs: { write: (event) => void mails.push(event.message) },
  })
  front = await awsFront(on, [sns])
  client = new SNSClient(front.developer)
  expect(await front.create('AWS::SNS::Topic', { TopicName: 'alarms' })).toEqual({
    ref: TopicArn,
    attributes: { TopicArn, TopicName: 'alarms' },
  })
})
afterEach(() => front.stop())

const subscribe = (Protocol: string, Endpoint: string, more: object = {}) =>
  front.create('AWS::SNS::Subscription', { TopicArn, Protocol, Endpoint, ...more }, Protocol)

describe('topics', () => {
  it('CFN-20: Ref is the topic ARN; the topic is listed with its attributes', async () => {
    expect((await client.send(new ListTopicsCommand({}))).Topics).toEqual([{ TopicArn }])
    const { Attributes } = await client.send(new GetTopicAttributesCommand({ TopicArn }))
    expect(Attributes).toMatchObject({ TopicArn, Owner: '000000000000' })
  })

  it('a policy of its own decides which services may publish; without one the account’s may', async () => {
    await subscribe('email', 'on-call@example.com')
    const publishedBy = {
      service: 'cloudwatch.amazonaws.com',
      sourceArn: 'arn:aws:cloudwatch:eu-west-1:000000000000:alarm:a',
    }
    const publish = () => sns.publish(TopicArn, { body: 'alarm', publishedBy })
    const policy = (...more: readonly object[]) =>
      front.create('AWS::SNS::TopicPolicy', {
        Topics: [TopicArn],
        PolicyDocument: {
          Statement: [
            {
              Effect: 'Deny',
              Principal: '*',
              Action: 'sns:Publish',
              Resource: TopicArn,
              Condition: { Bool: { 'aws:SecureTransport': 'false' } },
            },
            ...more,
          ],
        },
      })
    await publish()
    await policy()
    await expect(publish()).rejects.toMatchObject({ code: 'AuthorizationError' })
    const allow = (account: string) => ({
      Effect: 'Allow',
      Principal: { Service: 'cloudwatch.amazonaws.com' },
      Action: 'sns:Publish',
      Resource: TopicArn,
      Condition: { StringEquals: { 'aws:SourceAccount': account } },
    })
    await policy(allow('111111111111'))
    await expect(publish()).rejects.toMatchObject({ code: 'AuthorizationError' })
    await policy(allow('000000000000'))
    await publish()
    expect(mails).toHaveLength(2)
  })

  it('LAMBDA-18: invokes a subscribed function asynchronously, as the topic', async () => {
    await subscribe('lambda', 'arn:aws:lambda:eu-west-1:000000000000:function:f')
    await client.send(new PublishCommand({ TopicArn, Subject: 'S <1>', Message: 'M & more' }))
    expect(invoked).toMatchObject([
      {
        invocationType: 'Event',
        invokedBy: { service: 'sns.amazonaws.com', sourceArn: TopicArn },
        payload: {
          Records: [
            {
              EventSource: 'aws:sns',
              Sns: { Type: 'Notification', TopicArn, Subject: 'S <1>', Message: 'M & more' },
            },
          ],
        },
      },
    ])
  })

  it('wraps the message for a queue, or sends it raw', async () => {
    await subscribe('sqs', 'arn:aws:sqs:eu-west-1:000000000000:q', { RawMessageDelivery: true })
    await client.send(new PublishCommand({ TopicArn, Message: 'raw' }))
    await subscribe('sqs', 'arn:aws:sqs:eu-west-1:000000000000:q')
    await client.send(new PublishCommand({ TopicArn, Message: 'wrapped' }))
    expect(queued[0]).toBe('raw')
    expect(JSON.parse(queued[1] ?? '')).toMatchObject({ Type: 'Notification', Message: 'wrapped' })
  })

  it('CFN-20: an e-mail is only written down', async () => {
    await subscribe('email', 'on-call@example.com')
    await client.send(new PublishCommand({ TopicArn, Subject: 'ALARM', Message: 'text' }))
    expect(mails).toEqual(['To on-call@example.com: ALARM\ntext'])
    const { Subscriptions } = await client.send(new ListSubscriptionsByTopicCommand({ TopicArn }))
    expect(Subscriptions).toMatchObject([{ Protocol: 'email', Endpoint: 'on-call@example.com' }])
  })

  it('refuses protocols it does not emulate, empty messages, unknown topics and roles without permission', async () => {
    await expect(subscribe('sms', '+49')).rejects.toThrow('Protocol sms is not emulated')
    await expect(client.send(new PublishCommand({ TopicArn, Message: '' }))).rejects.toMatchObject({
      name: 'InvalidParameterException',
    })
    await expect(
      client.send(new PublishCommand({ TopicArn: `${TopicArn}x`, Message: 'm' })),
    ).rejects.toMatchObject({ name: 'NotFoundException' })
    on.denied.add(`sns:Publish ${TopicArn}`)
    await expect(
      new SNSClient(front.role).send(new PublishCommand({ TopicArn, Message: 'm' })),
    ).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } })
  })
})
