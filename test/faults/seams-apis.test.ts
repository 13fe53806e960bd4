import {
  BatchWriteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb'
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns'
import { ListQueuesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { expect } from 'vitest'
import { names } from './seam-bench.ts'
import { queued, queueUrl } from './seam-calls.ts'
import {
  bench,
  describeSeams,
  isCut,
  isDelayed,
  more,
  once,
  refuses,
  throttles,
  type Cases,
} from './seam-kit.ts'

const putItem = (pk = 'a') =>
  new DynamoDBClient(bench.aws).send(
    new PutItemCommand({ TableName: names.table, Item: { pk: { S: pk } } }),
  )
const sendMessage = () =>
  new SQSClient(bench.aws).send(new SendMessageCommand({ QueueUrl: queueUrl(), MessageBody: 'x' }))
const topicArn = `arn:aws:sns:eu-west-1:000000000000:${names.topic}`
const publishNews = () =>
  new SNSClient(bench.aws).send(new PublishCommand({ TopicArn: topicArn, Message: 'x' }))
const listQueues = () => new SQSClient(bench.aws).send(new ListQueuesCommand({}))
const jwks = () => fetch(bench.system.endpoints.jwks)

const cases: Cases<'apis'> = {
  'dynamodb.{Operation}': {
    async throttle() {
      await throttles('dynamodb.PutItem', 'ProvisionedThroughputExceededException', putItem)
      once('dynamodb.BatchWriteItem', { kind: 'throttle' })
      const requests = ['p', 'q'].map((pk) => ({ PutRequest: { Item: { pk: { S: pk } } } }))
      const { UnprocessedItems } = await new DynamoDBClient(bench.aws).send(
        new BatchWriteItemCommand({ RequestItems: { [names.table]: requests } }),
      )
      expect(UnprocessedItems?.[names.table]).toHaveLength(1)
    },
    error: () => refuses('dynamodb.PutItem', putItem),
    delay: () => isDelayed('dynamodb.PutItem', putItem),
    async drop() {
      await isCut('dynamodb.PutItem', () => putItem('dropped'))
      const { Item } = await new DynamoDBClient(bench.aws).send(
        new GetItemCommand({ TableName: names.table, Key: { pk: { S: 'dropped' } } }),
      )
      expect(Item).toBeUndefined()
    },
  },
  'sqs.{Operation}': {
    throttle: () => throttles('sqs.SendMessage', 'RequestThrottled', sendMessage),
    error: () => refuses('sqs.SendMessage', sendMessage),
    delay: () => isDelayed('sqs.SendMessage', sendMessage),
    async drop() {
      expect(await more(queued, () => isCut('sqs.SendMessage', sendMessage))).toBe(0)
    },
  },
  'sns.Publish': {
    throttle: () => throttles('sns.Publish', 'Throttling', publishNews),
    error: () => refuses('sns.Publish', publishNews),
    delay: () => isDelayed('sns.Publish', publishNews),
    drop: () => isCut('sns.Publish', publishNews),
  },
  jwks: {
    async throttle() {
      once('jwks', { kind: 'throttle' })
      expect((await jwks()).status).toBe(429)
    },
    async error() {
      once('jwks', { kind: 'error', status: 200, message: 'not keys' })
      const response = await jwks()
      expect([response.status, await response.text()]).toEqual([200, 'not keys'])
    },
    delay: () => isDelayed('jwks', jwks),
    drop: () => isCut('jwks', jwks),
  },
  'api.{service}': {
    throttle: () => throttles('api.sqs', 'ThrottlingException', listQueues),
    error: () => refuses('api.sqs', listQueues),
    delay: () => isDelayed('api.sqs', listQueues),
    drop: () => isCut('api.sqs', listQueues),
  },
}

describeSeams('apis', cases)
