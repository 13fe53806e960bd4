import { afterEach, describe, expect, it } from 'vitest'
import { manualClock } from '../../../infra/local/platform/clock.ts'
import type { ManualClock } from '../../../infra/local/platform/clock.ts'
import { lambdaBench } from './support.ts'
import type { LambdaBench } from './support.ts'

let bench: LambdaBench
let clock: ManualClock
afterEach(() => bench.stop())

const queue = 'arn:aws:sqs:eu-west-1:000000000000:dead'
const arn = 'arn:aws:lambda:eu-west-1:000000000000:function:Fn'
const starts = () =>
  bench.logs.filter(({ message }) => message.startsWith('START')).map(({ message }) => message)
const ends = () => bench.logs.filter(({ message }) => message.startsWith('REPORT')).length

async function send(
  handler: string,
  options: {
    properties?: Readonly<Record<string, unknown>>
    config?: Readonly<Record<string, unknown>>
  } = {},
): Promise<string> {
  clock = manualClock()
  bench = lambdaBench({ clock })
  const functionName = await bench.create('Fn', handler, options.properties)
  if (options.config)
    await bench.resource('AWS::Lambda::EventInvokeConfig', 'Config', {
      FunctionName: functionName,
      Qualifier: '$LATEST',
      ...options.config,
    })
  const result = await bench.lambda.invoke({
    functionName,
    payload: { value: 1 },
    invocationType: 'Event',
  })
  expect(result.payload).toBeUndefined()
  return result.requestId
}

/** Lets the attempt that is under way end, then the time until the next pass. */
async function afterAttempt(count: number, waitMs = 0): Promise<void> {
  await expect.poll(ends).toBe(count)
  await clock.advance(waitMs)
}

describe('asynchronous invocation', () => {
  it('LAMBDA-18, LAMBDA-19: answers at once and tries twice more, after one and two minutes, with the same request id', async () => {
    const requestId = await send('functions.fails')
    await afterAttempt(1, 59_999)
    expect(starts()).toHaveLength(1)
    await clock.advance(1)
    await afterAttempt(2, 119_999)
    expect(starts()).toHaveLength(2)
    await clock.advance(1)
    await afterAttempt(3, 3_600_000)
    expect(starts()).toEqual(Array(3).fill(`START RequestId: ${requestId} Version: $LATEST`))
  })

  it('LAMBDA-19: a success is not tried again', async () => {
    await send('functions.answer')
    await afterAttempt(1, 600_000)
    expect(starts()).toHaveLength(1)
  })

  it('LAMBDA-21: MaximumRetryAttempts 0 makes one attempt', async () => {
    await send('functions.fails', { config: { MaximumRetryAttempts: 0 } })
    await afterAttempt(1, 600_000)
    expect(starts()).toHaveLength(1)
  })

  it('LAMBDA-21, LAMBDA-23: an event that is too old goes to the destination with EventAgeExceeded', async () => {
    await send('functions.fails', {
      config: {
        MaximumEventAgeInSeconds: 60,
        DestinationConfig: { OnFailure: { Destination: queue } },
      },
    })
    await afterAttempt(1, 60_000)
    await afterAttempt(2, 120_000)
    await expect.poll(() => bench.sent.length).toBe(1)
    expect(bench.sent[0]?.body).toMatchObject({
      requestContext: { condition: 'EventAgeExceeded', approximateInvokeCount: 2 },
    })
  })

  it('LAMBDA-23: a destination gets the documented record', async () => {
    const requestId = await send('functions.fails', {
      config: {
        MaximumRetryAttempts: 1,
        DestinationConfig: { OnFailure: { Destination: queue } },
      },
    })
    await afterAttempt(1, 60_000)
    await afterAttempt(2)
    await expect.poll(() => bench.sent.length).toBe(1)
    expect(bench.sent[0]).toMatchObject({
      arn: queue,
      body: {
        version: '1.0',
        timestamp: '2026-01-01T00:01:00.000Z',
        requestContext: {
          requestId,
          functionArn: `${arn}:$LATEST`,
          condition: 'RetriesExhausted',
          approximateInvokeCount: 2,
        },
        requestPayload: { value: 1 },
        responseContext: {
          statusCode: 200,
          executedVersion: '$LATEST',
          functionError: 'Unhandled',
        },
        responsePayload: { errorType: 'RangeError', errorMessage: 'no such thing' },
      },
    })
  })

  it('LAMBDA-23: a success goes to its own destination', async () => {
    await send('functions.answer', {
      config: { DestinationConfig: { OnSuccess: { Destination: queue } } },
    })
    await expect.poll(() => bench.sent.length).toBe(1)
    expect(bench.sent[0]?.body).toMatchObject({
      requestContext: { condition: 'Success' },
      responseContext: { statusCode: 200 },
      responsePayload: 1,
    })
  })

  it('LAMBDA-23: a dead-letter queue gets the bare event with three attributes', async () => {
    const requestId = await send('functions.fails', {
      properties: { DeadLetterConfig: { TargetArn: queue } },
      config: { MaximumRetryAttempts: 0 },
    })
    await expect.poll(() => bench.sent.length).toBe(1)
    expect(bench.sent[0]).toEqual({
      arn: queue,
      body: { value: 1 },
      attributes: { RequestID: requestId, ErrorCode: '200', ErrorMessage: 'no such thing' },
    })
  })

  it('LAMBDA-24: reserved concurrency 0 sends the event straight to the dead-letter queue', async () => {
    await send('functions.answer', {
      properties: {
        DeadLetterConfig: { TargetArn: queue },
        ReservedConcurrentExecutions: 0,
      },
    })
    await expect.poll(() => bench.sent.length).toBe(1)
    expect(starts()).toEqual([])
  })

  it('LAMBDA-20: a throttle backs off from a second and uses up no retry', async () => {
    await send('functions.waits', {
      properties: { ReservedConcurrentExecutions: 1, Timeout: 10 },
      config: { MaximumRetryAttempts: 0 },
    })
    await expect.poll(() => starts().length).toBe(1)
    await bench.lambda.invoke({ functionName: 'Fn', payload: {}, invocationType: 'Event' })
    await clock.advance(1000)
    await clock.advance(2000)
    expect(starts()).toHaveLength(1)
    await clock.advance(7000)
    await expect.poll(ends).toBe(1)
    await clock.advance(8000)
    await expect.poll(() => starts().length).toBe(2)
  })

  it('LAMBDA-22: an event can be delivered twice on demand', async () => {
    clock = manualClock()
    bench = lambdaBench({
      clock,
      faults: {
        at: (seam) => (seam === 'lambda.async' ? { kind: 'duplicate', times: 1 } : undefined),
      },
    })
    const functionName = await bench.create('Fn', 'functions.answer')
    await bench.lambda.invoke({ functionName, payload: {}, invocationType: 'Event' })
    await expect.poll(ends).toBe(2)
  })

  it('LAMBDA-25: received and dropped events are counted', async () => {
    await send('functions.fails', { config: { MaximumRetryAttempts: 0 } })
    await expect.poll(() => bench.metrics.map(({ name }) => name)).toContain('AsyncEventsDropped')
    expect(bench.metrics.map(({ name }) => name)).toContain('AsyncEventsReceived')
  })

  it.each(['OnFailure', 'OnSuccess'] as const)(
    'LAMBDA-23: a topic as the %s destination gets the record as its message',
    async (outcome) => {
      const topic = 'arn:aws:sns:eu-west-1:000000000000:done'
      await send(outcome === 'OnFailure' ? 'functions.fails' : 'functions.answer', {
        config: {
          MaximumRetryAttempts: 0,
          DestinationConfig: { [outcome]: { Destination: topic } },
        },
      })
      await expect.poll(() => bench.sent.length).toBe(1)
      expect(bench.sent[0]).toMatchObject({
        arn: topic,
        body: {
          requestContext: {
            condition: outcome === 'OnFailure' ? 'RetriesExhausted' : 'Success',
            functionArn: `${arn}:$LATEST`,
          },
          requestPayload: { value: 1 },
        },
      })
    },
  )

  it('LAMBDA-23: a function as the destination is invoked with the record', async () => {
    clock = manualClock()
    bench = lambdaBench({ clock })
    await bench.create('After', 'functions.printsEvent')
    const functionName = await bench.create('Fn', 'functions.fails')
    await bench.resource('AWS::Lambda::EventInvokeConfig', 'Config', {
      FunctionName: functionName,
      Qualifier: '$LATEST',
      MaximumRetryAttempts: 0,
      DestinationConfig: {
        OnFailure: { Destination: 'arn:aws:lambda:eu-west-1:000000000000:function:After' },
      },
    })
    await bench.lambda.invoke({ functionName, payload: { value: 1 }, invocationType: 'Event' })
    const record = () =>
      bench.logs.find(({ group, message }) => group.endsWith('After') && message.startsWith('{'))
    await expect.poll(record).toBeDefined()
    expect(JSON.parse(record()?.message ?? '')).toMatchObject({
      version: '1.0',
      requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 1 },
      requestPayload: { value: 1 },
      responsePayload: { errorType: 'RangeError' },
    })
  })
})
