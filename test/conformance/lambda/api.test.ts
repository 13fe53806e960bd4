import {
  GetFunctionCommand,
  InvokeCommand,
  LambdaClient,
  LambdaServiceException,
  ListFunctionsCommand,
  ListLayersCommand,
} from '@aws-sdk/client-lambda'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../infra/local/platform/clock.ts'
import type { Fault } from '../../../infra/local/platform/types.ts'
import { createEndpoint } from '../../../infra/local/services/endpoint/index.ts'
import type { Endpoint } from '../../../infra/local/services/endpoint/index.ts'
import { account, lambdaBench } from './support.ts'
import type { LambdaBench } from './support.ts'

let bench: LambdaBench
let endpoint: Endpoint
let client: LambdaClient
let fault: Fault | undefined

beforeEach(async () => {
  fault = undefined
  bench = lambdaBench({ faults: { at: () => fault } })
  endpoint = createEndpoint({ clock: systemClock(), account, principals: () => undefined, port: 0 })
  endpoint.mount(bench.lambda.api)
  await endpoint.start()
  client = new LambdaClient({
    endpoint: endpoint.url,
    region: 'eu-west-1',
    maxAttempts: 1,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  })
})
afterEach(async () => {
  await endpoint.stop()
  await bench.stop()
})

const invoke = async (input: ConstructorParameters<typeof InvokeCommand>[0]) => {
  const answer = await client.send(new InvokeCommand(input))
  const text = answer.Payload?.transformToString() ?? ''
  return { ...answer, json: text === '' ? undefined : (JSON.parse(text) as unknown) }
}

async function failure(call: Promise<unknown>): Promise<LambdaServiceException> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof LambdaServiceException) return error
  throw new Error(`no service exception: ${String(error)}`)
}

describe('Invoke', () => {
  it('LAMBDA-1: RequestResponse is 200 with the answer', async () => {
    const FunctionName = await bench.create('Fn', 'functions.answer')
    const answer = await invoke({ FunctionName, Payload: '{"value":[1,"ü"]}' })
    expect(answer).toMatchObject({
      StatusCode: 200,
      json: [1, 'ü'],
      ExecutedVersion: '$LATEST',
    })
    expect(answer.FunctionError).toBeUndefined()
  })

  it('LAMBDA-1: Event is 202 at once and runs', async () => {
    const FunctionName = await bench.create('Fn', 'functions.answer')
    const answer = await invoke({ FunctionName, InvocationType: 'Event', Payload: '{}' })
    expect(answer).toMatchObject({ StatusCode: 202, json: undefined })
    await expect.poll(() => bench.logs.length).toBeGreaterThan(0)
  })

  it('LAMBDA-1: DryRun is 204 and does not run', async () => {
    const FunctionName = await bench.create('Fn', 'functions.answer')
    expect((await invoke({ FunctionName, InvocationType: 'DryRun' })).StatusCode).toBe(204)
    expect(bench.logs).toEqual([])
  })

  it('LAMBDA-2: a function error is 200 with X-Amz-Function-Error', async () => {
    const FunctionName = await bench.create('Fn', 'functions.fails')
    expect(await invoke({ FunctionName })).toMatchObject({
      StatusCode: 200,
      FunctionError: 'Unhandled',
      json: { errorType: 'RangeError' },
    })
  })

  it('LAMBDA-3, LAMBDA-4: a payload over 6 MB is RequestTooLargeException', async () => {
    const FunctionName = await bench.create('Fn', 'functions.answer')
    const Payload = JSON.stringify('x'.repeat(6_291_456))
    const error = await failure(invoke({ FunctionName, Payload }))
    expect(error).toMatchObject({ name: 'RequestTooLargeException' })
    expect(error.$metadata.httpStatusCode).toBe(413)
  })

  it('LAMBDA-3: an asynchronous payload may be 1 MB', async () => {
    const FunctionName = await bench.create('Fn', 'functions.answer')
    const Payload = JSON.stringify('x'.repeat(1_048_576))
    const error = await failure(invoke({ FunctionName, InvocationType: 'Event', Payload }))
    expect(error.name).toBe('RequestTooLargeException')
  })

  it('LAMBDA-4: a body that is no JSON is InvalidRequestContentException', async () => {
    const FunctionName = await bench.create('Fn', 'functions.answer')
    const error = await failure(invoke({ FunctionName, Payload: '{' }))
    expect(error).toMatchObject({ name: 'InvalidRequestContentException' })
    expect(error.$metadata.httpStatusCode).toBe(400)
  })

  it('LAMBDA-4: an unknown function is ResourceNotFoundException', async () => {
    const error = await failure(invoke({ FunctionName: 'nobody' }))
    expect(error).toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'Function not found: arn:aws:lambda:eu-west-1:000000000000:function:nobody',
    })
    expect(error.$metadata.httpStatusCode).toBe(404)
  })

  it('LAMBDA-4, LAMBDA-14: a throttle is TooManyRequestsException with its reason', async () => {
    const FunctionName = await bench.create('Fn', 'functions.answer', {
      ReservedConcurrentExecutions: 0,
    })
    const error = await failure(invoke({ FunctionName }))
    expect(error).toMatchObject({
      name: 'TooManyRequestsException',
      Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
    })
    expect(error.$metadata.httpStatusCode).toBe(429)
  })

  it('LAMBDA-5: LogType Tail gives the last 4 KB of the log', async () => {
    const FunctionName = await bench.create('Fn', 'functions.printsOne')
    const { LogResult = '' } = await invoke({ FunctionName, LogType: 'Tail' })
    expect(Buffer.from(LogResult, 'base64').toString()).toMatch(/^START RequestId[^]*REPORT/)
  })

  it.each([
    ['arn:aws:lambda:eu-west-1:000000000000:function:Fn'],
    ['000000000000:function:Fn'],
    ['Fn:$LATEST'],
  ])('a function can be named %s', async (FunctionName) => {
    await bench.create('Fn', 'functions.answer')
    expect((await invoke({ FunctionName, Payload: '{"value":1}' })).json).toBe(1)
  })

  it('an unknown qualifier is not found', async () => {
    await bench.create('Fn', 'functions.answer')
    const error = await failure(invoke({ FunctionName: 'Fn', Qualifier: '7' }))
    expect(error.name).toBe('ResourceNotFoundException')
  })

  it.each<[string, Fault, string]>([
    ['throttle', { kind: 'throttle' }, 'TooManyRequestsException'],
    ['error of the service', { kind: 'error', status: 500 }, 'ServiceException'],
    ['lost answer', { kind: 'drop' }, 'ServiceException'],
  ])('a %s on purpose is what AWS would answer', async (_, injected, name) => {
    const FunctionName = await bench.create('Fn', 'functions.answer')
    fault = injected
    expect((await failure(invoke({ FunctionName }))).name).toBe(name)
  })
})

describe('GetFunction and ListFunctions', () => {
  it('CFN-10: tell what the template says', async () => {
    const FunctionName = await bench.create('Fn', 'functions.answer', {
      MemorySize: 256,
      ReservedConcurrentExecutions: 3,
    })
    const { Configuration, Concurrency } = await client.send(
      new GetFunctionCommand({ FunctionName }),
    )
    expect(Configuration).toMatchObject({
      FunctionName: 'Fn',
      FunctionArn: 'arn:aws:lambda:eu-west-1:000000000000:function:Fn',
      Runtime: 'nodejs22.x',
      Timeout: 5,
      MemorySize: 256,
      State: 'Active',
    })
    expect(Concurrency).toEqual({ ReservedConcurrentExecutions: 3 })
    const { Functions } = await client.send(new ListFunctionsCommand({}))
    expect(Functions?.map((fn) => fn.FunctionName)).toEqual(['Fn'])
  })

  it('an operation that is not emulated says so', async () => {
    const error = await failure(client.send(new ListLayersCommand({})))
    expect(error.name).toBe('UnknownOperationException')
    expect(error.message).toMatch(/layers.* is not emulated/)
  })
})
