import {
  GetEventSourceMappingCommand,
  GetFunctionConcurrencyCommand,
  GetPolicyCommand,
  LambdaClient,
  ListEventSourceMappingsCommand,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda'
import {
  ListMessageMoveTasksCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createEventSourceMappings } from '../../infra/local/services/event-source/index.ts'
import { createKinesis } from '../../infra/local/services/kinesis/index.ts'
import { createSqs } from '../../infra/local/services/sqs/index.ts'
import { awsFront, ground, type AwsFront, type Ground } from '../support/aws-front.ts'
import { lambdaBench, type LambdaBench } from './lambda/support.ts'
import { describeLocal } from './target.ts'

const STREAM_ARN = 'arn:aws:kinesis:eu-west-1:000000000000:stream/readings'
const arnOf = (queue: string): string => `arn:aws:sqs:eu-west-1:000000000000:${queue}`

let on: Ground
let bench: LambdaBench
let front: AwsFront
let lambda: LambdaClient
let sqs: SQSClient
let kinesis: ReturnType<typeof createKinesis>

beforeEach(async () => {
  on = ground()
  kinesis = createKinesis(on)
  const queues = createSqs(on)
  bench = lambdaBench({ clock: on.clock, mappings: () => mappings })
  const mappings = createEventSourceMappings({
    ...on,
    functions: bench.lambda,
    streams: kinesis,
    queues,
    queueSource: queues,
    topics: { publish: () => Promise.resolve() },
  })
  await bench.create('quiet', 'functions.nothing')
  await bench.create('limited', 'functions.nothing', { ReservedConcurrentExecutions: 3 })
  front = await awsFront(on, [kinesis, queues, mappings, bench.lambda])
  lambda = new LambdaClient(front.developer)
  sqs = new SQSClient({ ...front.developer, useQueueUrlAsEndpoint: false })
  await front.create('AWS::Kinesis::Stream', { Name: 'readings', ShardCount: 1 }, 'Readings')
  await front.create(
    'AWS::Lambda::EventSourceMapping',
    { EventSourceArn: STREAM_ARN, FunctionName: 'quiet', StartingPosition: 'LATEST', BatchSize: 7 },
    'Mapping',
  )
  await front.create('AWS::SQS::Queue', { QueueName: 'dead' }, 'Dead')
  const redrive = { deadLetterTargetArn: arnOf('dead'), maxReceiveCount: 1 }
  for (const QueueName of ['one', 'two']) {
    const settings = { QueueName, VisibilityTimeout: 5, RedrivePolicy: redrive }
    await front.create('AWS::SQS::Queue', settings, QueueName)
  }
})
afterEach(async () => {
  lambda.destroy()
  sqs.destroy()
  await front.stop()
})

const QueueUrl = (queue: string): string =>
  `https://sqs.eu-west-1.amazonaws.com/000000000000/${queue}`
async function bodies(queue: string): Promise<(string | undefined)[]> {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl: QueueUrl(queue), MaxNumberOfMessages: 10 }),
  )
  return Messages.map(({ Body }) => Body)
}

describeLocal('internals', 'what the runbook asks of Lambda', () => {
  it('lists the mappings of a function, and shows one', async () => {
    const { EventSourceMappings } = await lambda.send(
      new ListEventSourceMappingsCommand({ FunctionName: 'quiet' }),
    )
    expect(EventSourceMappings).toMatchObject([
      { EventSourceArn: STREAM_ARN, BatchSize: 7, State: 'Enabled', MaximumRetryAttempts: -1 },
    ])
    const UUID = EventSourceMappings![0]!.UUID!
    expect(await lambda.send(new GetEventSourceMappingCommand({ UUID }))).toMatchObject({ UUID })
    const others = await lambda.send(
      new ListEventSourceMappingsCommand({ FunctionName: 'limited' }),
    )
    expect(others.EventSourceMappings).toEqual([])
    await expect(
      lambda.send(new GetEventSourceMappingCommand({ UUID: 'none' })),
    ).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
  })

  it('switches a mapping off and on: nothing is delivered meanwhile, and nothing is lost', async () => {
    const [mapping] = (await lambda.send(new ListEventSourceMappingsCommand({})))
      .EventSourceMappings!
    const { UUID } = mapping!
    const put = (text: string) =>
      kinesis.put({ streamName: 'readings', partitionKey: 'a', data: Buffer.from(text) })
    const switchTo = (Enabled: boolean) =>
      lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled }))
    const invocations = () =>
      bench.metrics.filter(({ name }) => name === 'IteratorAge').length +
      on.recorded.filter(({ name }) => name === 'IteratorAge').length
    expect(await switchTo(false)).toMatchObject({ State: 'Disabled' })
    await put('while off')
    await on.clock.advance(5000)
    expect(invocations()).toBe(0)
    expect(await switchTo(true)).toMatchObject({ State: 'Enabled' })
    await on.clock.advance(50)
    expect(invocations()).toBe(1)
    await expect(
      lambda.send(new UpdateEventSourceMappingCommand({ UUID, BatchSize: 10 })),
    ).rejects.toThrow("only Enabled of a mapping can be changed; BatchSize is the template's")
  })

  it('shows a reserved concurrency, and who may invoke a function', async () => {
    const concurrency = (FunctionName: string) =>
      lambda.send(new GetFunctionConcurrencyCommand({ FunctionName }))
    expect((await concurrency('limited')).ReservedConcurrentExecutions).toBe(3)
    expect((await concurrency('quiet')).ReservedConcurrentExecutions).toBeUndefined()
    const policy = () => lambda.send(new GetPolicyCommand({ FunctionName: 'quiet' }))
    await expect(policy()).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
    await bench.resource('AWS::Lambda::Permission', 'May', {
      Action: 'lambda:InvokeFunction',
      FunctionName: 'quiet',
      Principal: 'events.amazonaws.com',
      SourceArn: 'arn:aws:events:eu-west-1:000000000000:rule/*',
    })
    expect(JSON.parse((await policy()).Policy!)).toMatchObject({
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Service: 'events.amazonaws.com' },
          Condition: {
            ArnLike: { 'AWS:SourceArn': 'arn:aws:events:eu-west-1:000000000000:rule/*' },
          },
        },
      ],
    })
  })
})

describeLocal('internals', 'moving messages out of a dead-letter queue', () => {
  /** Received twice, so that the second time it is given up. */
  async function giveUp(queue: string, body: string): Promise<void> {
    await sqs.send(new SendMessageCommand({ QueueUrl: QueueUrl(queue), MessageBody: body }))
    await bodies(queue)
    await on.clock.advance(5000)
    expect(await bodies(queue)).toEqual([])
  }
  const start = (more: { DestinationArn?: string; SourceArn?: string } = {}) =>
    sqs.send(new StartMessageMoveTaskCommand({ SourceArn: arnOf('dead'), ...more }))

  it('brings each back to the queue that gave it up', async () => {
    await giveUp('one', 'of one')
    await giveUp('two', 'of two')
    expect((await start()).TaskHandle).toBeTruthy()
    expect([await bodies('one'), await bodies('two'), await bodies('dead')]).toEqual([
      ['of one'],
      ['of two'],
      [],
    ])
    const { Results } = await sqs.send(
      new ListMessageMoveTasksCommand({ SourceArn: arnOf('dead') }),
    )
    expect(Results).toMatchObject([{ Status: 'COMPLETED', ApproximateNumberOfMessagesMoved: 2 }])
  })

  it('brings them where it is told', async () => {
    await giveUp('one', 'of one')
    await start({ DestinationArn: arnOf('two') })
    expect(await bodies('two')).toEqual(['of one'])
  })

  it('keeps a message whose queue is not known, and says so', async () => {
    await sqs.send(new SendMessageCommand({ QueueUrl: QueueUrl('dead'), MessageBody: 'direct' }))
    await start()
    const { Results } = await sqs.send(
      new ListMessageMoveTasksCommand({ SourceArn: arnOf('dead') }),
    )
    expect(Results).toMatchObject([
      { Status: 'FAILED', FailureReason: 'CouldNotDetermineMessageSource' },
    ])
    expect(await bodies('dead')).toEqual(['direct'])
  })

  it('is refused for a queue that is no dead-letter queue, and for one that there is not', async () => {
    await expect(start({ SourceArn: arnOf('one') })).rejects.toThrow('Dead Letter Queue')
    await expect(start({ SourceArn: arnOf('none') })).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    })
  })
})
