import { readFileSync } from 'node:fs'
import {
  BatchWriteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb'
import {
  ApiGatewayManagementApiClient,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import { IoTDataPlaneClient, PublishCommand } from '@aws-sdk/client-iot-data-plane'
import { KinesisClient, PutRecordCommand } from '@aws-sdk/client-kinesis'
import { PublishCommand as PublishNews, SNSClient } from '@aws-sdk/client-sns'
import {
  GetQueueAttributesCommand,
  ListQueuesCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import mqtt, { type MqttClient } from 'mqtt'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { seams, type Seam, type SeamName } from '../../infra/local/platform/seams.ts'
import type { Fault } from '../../infra/local/platform/types.ts'
import { waitFor } from '../support/wait.ts'
import { names, startSeamBench, type SeamBench } from './seam-bench.ts'

let bench: SeamBench
const open: { end(): unknown }[] = []
const delayMs = 400
const error = { kind: 'error', code: 'OwnException', message: 'Own words', status: 503 } as const
const twice = { kind: 'duplicate', times: 2 } as const

beforeAll(async () => {
  bench = await startSeamBench()
})
beforeEach(() => {
  bench.system.faults.clear()
})
afterAll(async () => {
  for (const one of open) one.end()
  await bench.stop()
})

/** Injects a fault once. */
function once(seam: string, fault: Fault, target?: string): void {
  bench.inject({ seam, fault, count: 1, ...(target !== undefined && { target }) })
}

/** The first call waits on the clock; the second, made after it, is through before it. */
async function isDelayed(seam: string, call: () => Promise<unknown>): Promise<void> {
  once(seam, { kind: 'delay', ms: delayMs })
  let isDone = false
  const first = call().then(() => {
    isDone = true
  })
  await waitFor(() => bench.injected() === 1, `the fault at ${seam}`)
  await call()
  expect(isDone).toBe(false)
  await bench.clock.advance(delayMs)
  await first
}

/** A call that is refused with the error's own code, message and status. */
async function refuses(seam: string, call: () => Promise<unknown>): Promise<void> {
  once(seam, error)
  await expect(call()).rejects.toMatchObject({
    name: 'OwnException',
    $metadata: { httpStatusCode: 503 },
  })
}

/** The connection is cut: the client learns nothing. */
async function isCut(seam: string, call: () => Promise<unknown>): Promise<void> {
  once(seam, { kind: 'drop' })
  const failure: unknown = await call().catch((reason: unknown) => reason)
  expect(failure).toBeInstanceOf(Error)
  expect((failure as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode).toBe(
    undefined,
  )
  expect(bench.injected()).toBe(1)
}

async function throttles(seam: string, name: string, call: () => Promise<unknown>): Promise<void> {
  once(seam, { kind: 'throttle' })
  await expect(call()).rejects.toMatchObject({ name })
}

// --- what the calls are --------------------------------------------------------------------------------------------------

async function device(): Promise<MqttClient> {
  const client = await mqtt.connectAsync(
    bench.system.endpoints.mqtt,
    {
      protocolVersion: 4,
      reconnectPeriod: 0,
    },
    false,
  )
  client.on('error', () => undefined)
  open.push(client)
  return client
}
async function publish(payload = 'x'): Promise<void> {
  await (await device()).publishAsync('dt/a', payload, { qos: 1 })
}
/** No acknowledgement comes: the broker ends the connection instead. */
async function publishAndLoseTheConnection(): Promise<void> {
  const client = await device()
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
  client.publish('dt/a', 'x', { qos: 1 })
  await closed
}
const iotMetric = (name: string) => bench.sum('AWS/IoT', name, { Protocol: 'MQTT' })
const publishOverHttp = (payload = 'x') =>
  new IoTDataPlaneClient(bench.aws).send(
    new PublishCommand({ topic: 'dt/a', payload: Buffer.from(payload) }),
  )
const put = (text = 'x') =>
  new KinesisClient(bench.aws).send(
    new PutRecordCommand({ StreamName: names.stream, PartitionKey: 'a', Data: Buffer.from(text) }),
  )
const putItem = (pk = 'a') =>
  new DynamoDBClient(bench.aws).send(
    new PutItemCommand({ TableName: names.table, Item: { pk: { S: pk } } }),
  )
const queueUrl = () => `${bench.aws.endpoint}/000000000000/${names.queue}`
const sendMessage = () =>
  new SQSClient(bench.aws).send(new SendMessageCommand({ QueueUrl: queueUrl(), MessageBody: 'x' }))
async function queued(): Promise<number> {
  const { Attributes } = await new SQSClient(bench.aws).send(
    new GetQueueAttributesCommand({ QueueUrl: queueUrl(), AttributeNames: ['All'] }),
  )
  return Number(Attributes?.['ApproximateNumberOfMessages'])
}
const topicArn = `arn:aws:sns:eu-west-1:000000000000:${names.topic}`
const publishNews = () =>
  new SNSClient(bench.aws).send(new PublishNews({ TopicArn: topicArn, Message: 'x' }))
const listQueues = () => new SQSClient(bench.aws).send(new ListQueuesCommand({}))
const invoke = (functionName: string = names.counter) =>
  bench.system.services.lambda.invoke({ functionName, payload: {} })
const invokeLater = () =>
  bench.system.services.lambda.invoke({
    functionName: names.counter,
    payload: {},
    invocationType: 'Event',
  })
const busEvent = () =>
  bench.system.services.events.put({
    source: 'test',
    detailType: 'test',
    resources: [],
    detail: {},
  })
const jwks = () => fetch(bench.system.endpoints.jwks)

interface Socket {
  readonly socket: WebSocket
  readonly id: string
  readonly received: string[]
}
async function socket(): Promise<Socket> {
  const before = new Set(connectionIds)
  const client = new WebSocket(bench.system.endpoints.websocket)
  const received: string[] = []
  client.on('message', (data: Buffer) => received.push(data.toString()))
  await new Promise((resolve) => client.once('open', resolve))
  open.push({
    end: () => {
      client.terminate()
    },
  })
  // A message of the client's is answered with an error frame, and that names the connection.
  client.send('{}')
  const frame = await waitFor(() => received.shift(), 'the error frame')
  const id = (JSON.parse(frame) as { connectionId: string }).connectionId
  expect(before.has(id)).toBe(false)
  connectionIds.push(id)
  return { socket: client, id, received }
}
const connectionIds: string[] = []
const post = ({ id }: Socket, data = 'x') =>
  new ApiGatewayManagementApiClient({
    ...bench.aws,
    endpoint: bench.system.endpoints.management,
  }).send(new PostToConnectionCommand({ ConnectionId: id, Data: Buffer.from(data) }))

/** How many more times something happened while `act` ran. */
async function more(count: () => number | Promise<number>, act: () => Promise<unknown>) {
  const before = await count()
  await act()
  return (await count()) - before
}
const storedMore = (act: () => Promise<unknown>) => more(() => bench.stored().length, act)
/** The mapping has brought everything that was put. */
async function runsSettleAt(expected: number): Promise<void> {
  await bench.eventually(async () => (await bench.runs()) >= expected, `${expected} runs`)
  await bench.clock.advance(2_000)
  expect(await bench.runs()).toBe(expected)
}
/** Nothing is on its way to the function that counts. */
async function calm(): Promise<number> {
  let seen = -1
  await bench.eventually(async () => {
    const now = await bench.runs()
    const isCalm = now === seen
    seen = now
    return isCalm
  }, 'the mapping to be calm')
  return seen
}

type Cases = { [S in SeamName]: Record<keyof (typeof seams)[S]['kinds'], () => Promise<void>> }

const failsAtMapping = async (fault: Fault): Promise<void> => {
  const before = await calm()
  bench.inject({ seam: 'esm.deliver', fault, target: names.counter })
  await put()
  await bench.eventually(() => bench.injected() >= 2, 'the fault, and the batch again')
  expect(await bench.runs()).toBe(before)
  bench.system.faults.clear()
  await runsSettleAt(before + 1)
}
const failsAtTarget = async (fault: Fault): Promise<void> => {
  const before = await queued()
  once('events.target', fault)
  await busEvent()
  await waitFor(() => bench.injected() === 1, 'the fault')
  expect(await queued()).toBe(before)
  await bench.eventually(async () => (await queued()) === before + 1, 'the second attempt')
}

const cases: Cases = {
  'iot.connect': {
    async throttle() {
      once('iot.connect', { kind: 'throttle' })
      expect(
        await more(
          () => iotMetric('Connect.Throttle'),
          () => expect(device()).rejects.toMatchObject({ code: 3 }),
        ),
      ).toBe(1)
    },
    async error() {
      once('iot.connect', { kind: 'error' })
      expect(
        await more(
          () => iotMetric('Connect.ServerError'),
          () => expect(device()).rejects.toMatchObject({ code: 3 }),
        ),
      ).toBe(1)
    },
    delay: () => isDelayed('iot.connect', device),
    async drop() {
      once('iot.connect', { kind: 'drop' })
      await expect(device()).rejects.not.toMatchObject({ code: 3 })
      expect(bench.injected()).toBe(1)
    },
  },
  'iot.publish': {
    async throttle() {
      once('iot.publish', { kind: 'throttle' })
      expect(await more(() => iotMetric('PublishIn.Throttle'), isThrownAway)).toBe(1)
    },
    async error() {
      once('iot.publish', { kind: 'error' })
      await publishAndLoseTheConnection()
      expect(await iotMetric('PublishIn.ServerError')).toBe(1)
    },
    delay: () => isDelayed('iot.publish', publish),
    async drop() {
      once('iot.publish', { kind: 'drop' })
      expect(await more(() => iotMetric('PublishIn.Throttle'), isThrownAway)).toBe(0)
    },
    async duplicate() {
      once('iot.publish', twice)
      expect(await storedMore(() => publish())).toBe(3)
    },
  },
  'iotdata.Publish': {
    throttle: () => throttles('iotdata.Publish', 'ThrottlingException', publishOverHttp),
    error: () => refuses('iotdata.Publish', publishOverHttp),
    delay: () => isDelayed('iotdata.Publish', publishOverHttp),
    async drop() {
      expect(await storedMore(() => isCut('iotdata.Publish', publishOverHttp))).toBe(0)
    },
    async duplicate() {
      once('iotdata.Publish', twice)
      expect(await storedMore(publishOverHttp)).toBe(3)
    },
  },
  'iot.action': {
    throttle: () => actionFails({ kind: 'throttle' }),
    error: () => actionFails(error),
    delay: () => isDelayed('iot.action', publish),
    async duplicate() {
      once('iot.action', twice, names.rule)
      expect(await storedMore(() => publish())).toBe(3)
    },
  },
  'iot.errorAction': {
    throttle: () => errorActionFails({ kind: 'throttle' }),
    error: () => errorActionFails(error),
    async delay() {
      bench.inject({ seam: 'iot.errorAction', count: 1, fault: { kind: 'delay', ms: delayMs } })
      bench.system.faults.add({ seam: 'iot.action', count: 1, fault: { kind: 'throttle' } })
      let isDone = false
      const first = publish().then(() => {
        isDone = true
      })
      await waitFor(() => bench.injected() === 2, 'both faults')
      await publish()
      expect(isDone).toBe(false)
      await bench.clock.advance(delayMs)
      await first
    },
    async duplicate() {
      bench.inject({ seam: 'iot.errorAction', count: 1, fault: twice })
      bench.system.faults.add({ seam: 'iot.action', count: 1, fault: { kind: 'throttle' } })
      expect(await more(queued, () => publish())).toBe(3)
    },
  },
  'kinesis.put': {
    throttle: () => throttles('kinesis.put', 'ProvisionedThroughputExceededException', put),
    error: () => refuses('kinesis.put', put),
    delay: () => isDelayed('kinesis.put', put),
    async drop() {
      expect(await storedMore(() => isCut('kinesis.put', put))).toBe(0)
      once('kinesis.put', { kind: 'drop' })
      expect(await more(queued, () => publish())).toBe(1)
    },
    async duplicate() {
      once('kinesis.put', twice)
      expect(await storedMore(put)).toBe(3)
    },
  },
  'esm.deliver': {
    throttle: () => failsAtMapping({ kind: 'throttle' }),
    error: () => failsAtMapping({ kind: 'error' }),
    async delay() {
      const before = await calm()
      once('esm.deliver', { kind: 'delay', ms: 60_000 })
      await put()
      await bench.eventually(() => bench.injected() === 1, 'the fault')
      expect(await bench.runs()).toBe(before)
      await bench.clock.advance(60_000)
      await runsSettleAt(before + 1)
    },
    async drop() {
      const before = await calm()
      once('esm.deliver', { kind: 'drop' })
      await put()
      await runsSettleAt(before + 2)
    },
    async duplicate() {
      const before = await calm()
      once('esm.deliver', twice)
      await put()
      await runsSettleAt(before + 3)
    },
  },
  'lambda.invoke': {
    async throttle() {
      await calm()
      once('lambda.invoke', { kind: 'throttle' })
      const count = await more(
        () => bench.runs('Throttles'),
        () => expect(invoke()).rejects.toMatchObject({ code: 'TooManyRequestsException' }),
      )
      expect(count).toBe(1)
    },
    async error() {
      await calm()
      const fails = async () => {
        once('lambda.invoke', { kind: 'error', code: 'OwnError', message: 'Own words' })
        expect(await invoke()).toMatchObject({
          functionError: 'Unhandled',
          payload: { errorType: 'OwnError', errorMessage: 'Own words' },
        })
      }
      expect(await more(() => bench.runs('Errors'), fails)).toBe(1)
      expect(await more(() => bench.runs(), fails)).toBe(1)
      const serviceFails = async () => {
        once('lambda.invoke', error)
        await expect(invoke()).rejects.toMatchObject({ code: 'OwnException', status: 503 })
      }
      expect(await more(() => bench.runs('Errors'), serviceFails)).toBe(0)
      expect(await more(() => bench.runs(), serviceFails)).toBe(0)
    },
    delay: () => isDelayed('lambda.invoke', invoke),
    async drop() {
      await calm()
      once('lambda.invoke', { kind: 'drop' })
      const count = await more(
        () => bench.runs(),
        () => expect(invoke()).rejects.toMatchObject({ code: 'ServiceException' }),
      )
      expect(count).toBe(1)
    },
    async duplicate() {
      await calm()
      once('lambda.invoke', twice)
      expect(await more(() => bench.runs(), invoke)).toBe(3)
    },
    async kill() {
      once('lambda.invoke', { kind: 'kill', ms: 100 })
      const running = invoke(names.sleeper)
      await waitFor(() => bench.injected() === 1, 'the fault')
      const killed = await Promise.race([running, bench.eventually(() => false, 'a death')])
      expect(killed).toMatchObject({
        functionError: 'Unhandled',
        payload: { errorType: 'Runtime.ExitError' },
      })
      expect(await bench.runs('Errors', names.sleeper)).toBe(1)
    },
  },
  'lambda.async': {
    async delay() {
      const before = await calm()
      once('lambda.async', { kind: 'delay', ms: 60_000 })
      await invokeLater()
      expect(await bench.runs()).toBe(before)
      await bench.clock.advance(60_000)
      await runsSettleAt(before + 1)
    },
    async drop() {
      const before = await calm()
      once('lambda.async', { kind: 'drop' })
      await invokeLater()
      await invokeLater()
      await runsSettleAt(before + 1)
    },
    async duplicate() {
      const before = await calm()
      once('lambda.async', twice)
      await invokeLater()
      await runsSettleAt(before + 3)
    },
  },
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
  'management.post': {
    async throttle() {
      const client = await socket()
      await throttles('management.post', 'LimitExceededException', () => post(client))
    },
    async error() {
      const client = await socket()
      await refuses('management.post', () => post(client))
    },
    async delay() {
      const client = await socket()
      await isDelayed('management.post', () => post(client))
    },
    async drop() {
      const client = await socket()
      once('management.post', { kind: 'drop' }, client.id)
      await post(client, 'lost')
      await post(client, 'kept')
      expect(await waitFor(() => client.received[0], 'a message')).toBe('kept')
    },
    async duplicate() {
      const client = await socket()
      once('management.post', twice, client.id)
      await post(client, 'a')
      await post(client, 'b')
      await waitFor(() => client.received.includes('b'), 'the last message')
      expect(client.received).toEqual(['a', 'a', 'a', 'b'])
    },
  },
  'gateway.disconnect': {
    async delay() {
      const before = await calm()
      const { socket: client, id } = await socket()
      once('gateway.disconnect', { kind: 'delay', ms: 60_000 }, id)
      client.terminate()
      await waitFor(() => bench.injected() === 1, 'the fault')
      expect(await bench.runs()).toBe(before)
      await bench.clock.advance(60_000)
      await runsSettleAt(before + 1)
    },
    async drop() {
      const before = await calm()
      const [first, second] = [await socket(), await socket()]
      once('gateway.disconnect', { kind: 'drop' }, first.id)
      first.socket.terminate()
      await waitFor(() => bench.injected() === 1, 'the fault')
      second.socket.terminate()
      await runsSettleAt(before + 1)
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
  'events.target': {
    throttle: () => failsAtTarget({ kind: 'throttle' }),
    error: () => failsAtTarget({ kind: 'error' }),
    async delay() {
      const before = await queued()
      once('events.target', { kind: 'delay', ms: 60_000 })
      await busEvent()
      await waitFor(() => bench.injected() === 1, 'the fault')
      expect(await queued()).toBe(before)
      await bench.clock.advance(60_000)
      await bench.eventually(async () => (await queued()) === before + 1, 'the event')
    },
    drop: () => failsAtTarget({ kind: 'drop' }),
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

/** The publish gets no answer, and nothing of it is stored; the connection goes on. */
async function isThrownAway(): Promise<void> {
  const client = await device()
  let isAnswered = false
  const stored = await storedMore(async () => {
    client.publish('dt/a', 'x', { qos: 1 }, () => {
      isAnswered = true
    })
    await waitFor(() => bench.injected() === 1, 'the fault')
    await client.publishAsync('dt/a', 'y', { qos: 1 })
  })
  expect([stored, isAnswered]).toEqual([1, false])
}

async function actionFails(fault: Fault): Promise<void> {
  once('iot.action', fault, names.rule)
  let stored = -1
  const errors = await more(queued, async () => {
    stored = await storedMore(() => publish())
  })
  expect([stored, errors]).toEqual([0, 1])
}

async function errorActionFails(fault: Fault): Promise<void> {
  bench.inject({ seam: 'iot.errorAction', target: names.rule, count: 1, fault })
  bench.system.faults.add({ seam: 'iot.action', count: 1, fault: { kind: 'throttle' } })
  let stored = -1
  const errors = await more(queued, async () => {
    stored = await storedMore(publishAndLoseTheConnection)
  })
  expect([stored, errors]).toEqual([0, 0])
}

const rows = Object.entries<Seam>(seams)

describe('each seam does what the table says', () => {
  it.each(
    rows.flatMap(([name, { kinds }]) =>
      Object.entries(kinds).map(([kind, meaning]) => [name, kind, meaning] as const),
    ),
  )('%s %s: %s', async (name, kind) => {
    const ofSeam: Readonly<Record<string, () => Promise<void>>> = cases[name as SeamName]
    await ofSeam[kind]?.()
    expect.hasAssertions()
  })
})

describe('the table of seams', () => {
  it('names the operations and services that there are', async () => {
    const ask = async (service: string, target: string): Promise<string[]> => {
      const scope = `test/20260101/eu-west-1/${service}/aws4_request`
      const response = await fetch(bench.aws.endpoint, {
        method: 'POST',
        headers: {
          authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`,
          'content-type': 'application/x-amz-json-1.0',
          'x-amz-date': '20260101T000000Z',
          'x-amz-target': target,
        },
        body: '{}',
      })
      const list = /emulated: ([\w, ]+)/.exec((await response.text()).replace(/.*emulated on/, ''))
      return (list?.[1] ?? '').split(', ')
    }
    expect(await ask('dynamodb', 'DynamoDB_20120810.Nothing')).toEqual(
      [...seams['dynamodb.{Operation}'].members].sort(),
    )
    expect((await ask('sqs', 'AmazonSQS.Nothing')).filter((name) => name !== 'ListQueues')).toEqual(
      [...seams['sqs.{Operation}'].members].sort(),
    )
    expect(await ask('nothing', 'Nothing')).toEqual([...seams['api.{service}'].members].sort())
  })

  it('is the one in docs/local.md', () => {
    const page = readFileSync(new URL('../../docs/local.md', import.meta.url), 'utf8')
    const shown = rows.map(([name, { target, kinds }]) => {
      const what = Object.entries(kinds).map(([kind, meaning]) => `\`${kind}\`: ${meaning}`)
      return `| \`${name}\` | ${target} | ${what.join('<br>')} |`
    })
    const table = ['| seam | target | what it can do |', '|---|---|---|', ...shown]
    expect(page).toContain(`\n${table.join('\n')}\n`)
  })
})
