import {
  DescribeRuleCommand,
  DisableRuleCommand,
  EventBridgeClient,
  ListRulesCommand,
  PutEventsCommand,
  TestEventPatternCommand,
} from '@aws-sdk/client-eventbridge'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AwsError } from '../../../infra/local/platform/errors.ts'
import { createEvents, type Events } from '../../../infra/local/services/events/index.ts'
import { awsFront, ground, type AwsFront, type Ground } from '../../support/aws-front.ts'

const FUNCTION = 'arn:aws:lambda:eu-west-1:000000000000:function:push'
const QUEUE = 'arn:aws:sqs:eu-west-1:000000000000:q'
let on: Ground
let front: AwsFront
let events: Events
let client: EventBridgeClient
let invoked: { payload: unknown; invokedBy?: unknown }[]
let queued: { body: string; attributes: Readonly<Record<string, string>> | undefined }[]
let failures: AwsError[]

beforeEach(async () => {
  on = ground()
  invoked = []
  queued = []
  failures = []
  events = createEvents({
    ...on,
    functions: {
      invoke(request) {
        const failure = failures.shift()
        if (failure) return Promise.reject(failure)
        invoked.push(request)
        return Promise.resolve({ requestId: 'r', payload: undefined })
      },
      describe: () => ({ arn: FUNCTION, timeoutSeconds: 3, memoryMb: 128 }),
    },
    queues: {
      send(_, body, attributes) {
        queued.push({ body, attributes })
        return Promise.resolve({ messageId: 'm' })
      },
    },
    topics: { publish: () => Promise.resolve() },
  })
  front = await awsFront(on, [events])
  client = new EventBridgeClient(front.developer)
})
afterEach(() => front.stop())

const rule = (properties: object, target: object = {}) =>
  front.create('AWS::Events::Rule', {
    Name: 'it',
    Targets: [{ Id: 'T', Arn: FUNCTION, ...target }],
    ...properties,
  })
async function alarm(alarmName: string): Promise<void> {
  await events.put({
    source: 'aws.cloudwatch',
    detailType: 'CloudWatch Alarm State Change',
    resources: ['arn:alarm'],
    detail: { alarmName, state: { value: 'ALARM' } },
  })
  await on.clock.advance(0)
}
const stack = { source: ['aws.cloudwatch'], detail: { alarmName: [{ prefix: 'Gaugeline-' }] } }

describe('rules by pattern', () => {
  it('hands a matching event in its envelope to the function, as the rule', async () => {
    await rule({ EventPattern: stack })
    await alarm('Gaugeline-late')
    await alarm('Other-late')
    expect(invoked).toHaveLength(1)
    expect(invoked[0]).toMatchObject({
      invocationType: 'Event',
      invokedBy: {
        service: 'events.amazonaws.com',
        sourceArn: 'arn:aws:events:eu-west-1:000000000000:rule/it',
      },
      payload: {
        version: '0',
        'detail-type': 'CloudWatch Alarm State Change',
        source: 'aws.cloudwatch',
        account: '000000000000',
        region: 'eu-west-1',
        time: '2026-01-01T00:00:00Z',
        resources: ['arn:alarm'],
        detail: { alarmName: 'Gaugeline-late' },
      },
    })
  })

  it.each([
    ['an exact value', { a: ['x'] }, { a: 'x' }, { a: 'y' }],
    ['a member of a list', { a: ['x'] }, { a: ['y', 'x'] }, { a: ['y'] }],
    ['null', { a: [null] }, { a: null }, { a: '' }],
    ['a prefix', { a: [{ prefix: 'p-' }] }, { a: 'p-1' }, { a: 'q-1' }],
    ['a suffix', { a: [{ suffix: '.png' }] }, { a: 'x.png' }, { a: 'x.jpg' }],
    ['a wildcard', { a: [{ wildcard: 'dt/*/x' }] }, { a: 'dt/1/x' }, { a: 'dt/1/y' }],
    ['anything but', { a: [{ 'anything-but': ['x', 'y'] }] }, { a: 'z' }, { a: 'x' }],
    [
      'anything but a prefix',
      { a: [{ 'anything-but': { prefix: 'p' } }] },
      { a: 'q' },
      { a: 'p1' },
    ],
    ['a number in a range', { a: [{ numeric: ['>', 0, '<=', 5] }] }, { a: 5 }, { a: 6 }],
    ['presence', { a: [{ exists: true }] }, { a: 1 }, { b: 1 }],
    ['absence', { a: [{ exists: false }] }, { b: 1 }, { a: 1 }],
    ['either of two', { $or: [{ a: ['x'] }, { b: ['x'] }] }, { b: 'x' }, { a: 'y', b: 'y' }],
    ['case aside', { a: [{ 'equals-ignore-case': 'Ab' }] }, { a: 'aB' }, { a: 'a' }],
  ])('matches %s', async (_, pattern, yes, no) => {
    const test = async (event: object) =>
      (
        await client.send(
          new TestEventPatternCommand({
            EventPattern: JSON.stringify(pattern),
            Event: JSON.stringify(event),
          }),
        )
      ).Result
    expect([await test(yes), await test(no)]).toEqual([true, false])
  })

  it('refuses at the start what it would not understand, naming it', async () => {
    await expect(rule({ EventPattern: { a: [{ cidr: '10.0.0.0/24' }] } })).rejects.toThrow(
      'a uses the operator cidr, which is not emulated',
    )
    await expect(rule({ ScheduleExpression: 'cron(0 0 L * ? *)' })).rejects.toThrow(
      'L is not emulated',
    )
    await expect(rule({ EventPattern: stack, EventBusName: 'mine' })).rejects.toThrow(
      'only the default bus',
    )
  })

  it('transforms the input', async () => {
    await rule(
      { EventPattern: stack },
      {
        InputTransformer: {
          InputPathsMap: { name: '$.detail.alarmName', state: '$.detail.state' },
          InputTemplate: '{"text": "alarm <name>", "state": <state>}',
        },
      },
    )
    await alarm('Gaugeline-late')
    expect(invoked[0]?.payload).toEqual({ text: 'alarm Gaugeline-late', state: { value: 'ALARM' } })
  })

  it('retries a target with growing pauses, then puts the event and the reason into the dead-letter queue', async () => {
    await rule(
      { EventPattern: stack },
      { RetryPolicy: { MaximumRetryAttempts: 1 }, DeadLetterConfig: { Arn: QUEUE } },
    )
    const throttled = () => new AwsError('TooManyRequestsException', 'slow down', { status: 429 })
    failures.push(throttled())
    await alarm('Gaugeline-a')
    await on.clock.advance(1100)
    expect(invoked).toHaveLength(1)
    failures.push(throttled(), throttled())
    await alarm('Gaugeline-b')
    await on.clock.advance(10_000)
    expect(invoked).toHaveLength(1)
    expect(queued[0]?.attributes).toMatchObject({
      TARGET_ARN: FUNCTION,
      ERROR_CODE: 'TooManyRequestsException',
      RETRY_ATTEMPTS: '1',
    })
    expect(JSON.parse(queued[0]?.body ?? '')).toMatchObject({
      detail: { alarmName: 'Gaugeline-b' },
    })
  })

  it('CFN-9: a function that did not permit the rule is not tried again', async () => {
    await rule({ EventPattern: stack }, { DeadLetterConfig: { Arn: QUEUE } })
    failures.push(new AwsError('AccessDeniedException', 'no permission', { status: 403 }))
    await alarm('Gaugeline-a')
    await on.clock.advance(60_000)
    expect(invoked).toEqual([])
    expect(queued).toHaveLength(1)
    expect(on.recorded.map((datum) => datum.name)).toContain('FailedInvocations')
  })
})

describe('rules by schedule', () => {
  it('a rate starts with the rule, then runs each interval', async () => {
    await rule({ ScheduleExpression: 'rate(5 minutes)' })
    await on.clock.advance(11 * 60_000)
    expect(invoked).toHaveLength(3)
    expect(invoked[0]?.payload).toMatchObject({
      'detail-type': 'Scheduled Event',
      source: 'aws.events',
      resources: ['arn:aws:events:eu-west-1:000000000000:rule/it'],
      detail: {},
    })
  })

  it('cron names minutes in UTC', async () => {
    // The clock starts on Thursday, 1 January 2026, 00:00.
    await rule({ ScheduleExpression: 'cron(0/30 8-9 ? * MON-FRI *)' })
    await on.clock.advance(4 * 86_400_000)
    expect(invoked.map(({ payload }) => (payload as { time: string }).time)).toEqual(
      ['01', '02'].flatMap((day) =>
        ['08:00', '08:30', '09:00', '09:30'].map((time) => `2026-01-${day}T${time}:00Z`),
      ),
    )
  })

  it.each([
    'rate(1 minutes)',
    'rate(2 minute)',
    'cron(0 12 * * * *)',
    'cron(60 * * * ? *)',
    'daily',
  ])('refuses %s', async (ScheduleExpression) => {
    await expect(rule({ ScheduleExpression })).rejects.toThrow(ScheduleExpression)
  })
})

describe('the API', () => {
  it('puts custom events, refuses the sources of AWS and malformed details', async () => {
    await rule({ EventPattern: { source: ['mine'] } })
    const entry = { Source: 'mine', DetailType: 'd', Detail: '{}' }
    const answer = await client.send(
      new PutEventsCommand({
        Entries: [entry, { ...entry, Source: 'aws.ec2' }, { ...entry, Detail: 'no' }],
      }),
    )
    expect(answer.FailedEntryCount).toBe(2)
    expect(answer.Entries?.map((one) => one.ErrorCode)).toEqual([
      undefined,
      'NotAuthorizedForSourceException',
      'MalformedDetail',
    ])
    await on.clock.advance(0)
    expect(invoked).toHaveLength(1)
  })

  it('lists rules and switches them off', async () => {
    await rule({ ScheduleExpression: 'rate(1 minute)' })
    expect((await client.send(new ListRulesCommand({}))).Rules).toMatchObject([
      { Name: 'it', State: 'ENABLED', ScheduleExpression: 'rate(1 minute)' },
    ])
    await client.send(new DisableRuleCommand({ Name: 'it' }))
    await on.clock.advance(120_000)
    expect(invoked).toEqual([])
    expect((await client.send(new DescribeRuleCommand({ Name: 'it' }))).State).toBe('DISABLED')
  })
})
