import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { manualClock } from '../../../infra/local/platform/clock.ts'
import { lambdaBench } from './support.ts'
import type { LambdaBench } from './support.ts'

let bench: LambdaBench
afterEach(() => bench.stop())

interface Echo {
  readonly event: unknown
  readonly calls: number
  readonly initializedAt: number
  readonly env: Record<string, string>
  readonly context: Record<string, unknown>
}

async function invoke(
  handler: string,
  payload: unknown = {},
  properties: Readonly<Record<string, unknown>> = {},
) {
  bench = lambdaBench()
  const functionName = await bench.create('Fn', handler, properties)
  return bench.lambda.invoke({ functionName, payload })
}

describe('an invocation', () => {
  it('answers what the handler returned', async () => {
    expect((await invoke('functions.echo', { a: [1, null, 'ü'] })).payload).toMatchObject({
      event: { a: [1, null, 'ü'] },
    })
  })

  it('answers null when the handler returns nothing', async () => {
    expect((await invoke('functions.nothing')).payload).toBeNull()
  })

  it('LAMBDA-2: a thrown error is a result with type, message and trace', async () => {
    const result = await invoke('functions.fails')
    expect(result.functionError).toBe('Unhandled')
    expect(result.payload).toMatchObject({
      errorType: 'RangeError',
      errorMessage: 'no such thing',
      trace: expect.arrayContaining(['RangeError: no such thing']) as string[],
    })
  })

  it('LAMBDA-2: a rejection that is no error has the type of its value', async () => {
    expect((await invoke('functions.rejectsText')).payload).toEqual({
      errorType: 'string',
      errorMessage: 'Unauthorized',
      trace: [],
    })
  })

  it('LAMBDA-3: an answer over 6 MB is an error', async () => {
    expect((await invoke('functions.big')).payload).toMatchObject({
      errorType: 'Function.ResponseSizeTooLarge',
    })
  })

  it('an answer that cannot be JSON is an error', async () => {
    expect((await invoke('functions.circular')).payload).toMatchObject({
      errorType: 'Runtime.MarshalError',
    })
  })

  it('LAMBDA-15: a callback is called up to Node.js 22', async () => {
    expect((await invoke('functions.callback', { n: 3 })).payload).toEqual({ got: 3 })
  })

  it('LAMBDA-15, APIGW-61: a callback with an error text fails with it', async () => {
    expect((await invoke('functions.callbackFails')).payload).toMatchObject({
      errorMessage: 'Unauthorized',
    })
  })

  it('LAMBDA-15: Node.js 24 refuses a handler with a callback', async () => {
    const result = await invoke('functions.callback', {}, { Runtime: 'nodejs24.x' })
    expect(result.payload).toMatchObject({ errorType: 'Runtime.CallbackHandlerDeprecated' })
  })

  it('runs a .js bundle as CommonJS, whatever package.json lies above', async () => {
    expect((await invoke('common.handler')).payload).toMatchObject({
      kind: 'object',
      required: 'function',
    })
  })

  it.each([
    ['missing.handler', 'Runtime.ImportModuleError'],
    ['functions.absent', 'Runtime.HandlerNotFound'],
    ['nodot', 'Runtime.MalformedHandlerName'],
  ])('a handler %s fails with %s', async (handler, errorType) => {
    expect((await invoke(handler)).payload).toMatchObject({ errorType })
  })

  it('a function of another runtime is created, and says so when it is invoked', async () => {
    expect((await invoke('index.handler', {}, { Runtime: 'python3.13' })).payload).toMatchObject({
      errorType: 'Runtime.NotEmulated',
      errorMessage: expect.stringContaining('python3.13') as string,
    })
  })

  it('the context has what the documentation lists', async () => {
    const { payload, requestId } = await invoke('functions.echo', {}, { Timeout: 7 })
    const { context } = payload as Echo
    expect(context).toMatchObject({
      awsRequestId: requestId,
      functionName: 'Fn',
      functionVersion: '$LATEST',
      invokedFunctionArn: 'arn:aws:lambda:eu-west-1:000000000000:function:Fn',
      memoryLimitInMB: '128',
      logGroupName: '/aws/lambda/Fn',
      callbackWaitsForEmptyEventLoop: true,
    })
    expect(context.logStreamName).toMatch(/^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/)
    expect(context.remaining).toBeLessThanOrEqual(7000)
    expect(context.remaining).toBeGreaterThan(5000)
  })
})

describe('limits', () => {
  it('LAMBDA-6: a timeout kills even a busy loop, and the next call is a cold start', async () => {
    const clock = manualClock()
    bench = lambdaBench({ clock })
    const functionName = await bench.create('Fn', 'functions.spins', { Timeout: 3 })
    const call = bench.lambda.invoke({ functionName, payload: {} })
    await expect.poll(() => bench.logs.some(({ message }) => message.includes('before'))).toBe(true)
    await clock.advance(3000)
    const { payload, requestId } = await call
    expect(payload).toEqual({
      errorType: 'Sandbox.Timedout',
      errorMessage: `RequestId: ${requestId} Error: Task timed out after 3.00 seconds`,
    })
    expect(bench.logs.at(-1)?.message).toMatch(/Status: timeout/)
    const again = bench.lambda.invoke({ functionName, payload: {} })
    await expect
      .poll(() => bench.logs.filter(({ message }) => message.startsWith('START')).length)
      .toBe(2)
    const streams = new Set(bench.logs.map(({ stream }) => stream))
    expect(streams.size).toBe(2)
    await clock.advance(3000)
    await again
  })

  it.each([
    ['when it answers', false],
    ['while it waits', true],
  ])(
    'LAMBDA-7: buffers above the memory of the function end the environment %s',
    async (_, waits) => {
      const result = await invoke('functions.holds', { megabytes: 500, waits }, { Timeout: 60 })
      expect(result).toMatchObject({
        functionError: 'Unhandled',
        payload: {
          errorType: 'Runtime.ExitError',
          errorMessage: `RequestId: ${result.requestId} Error: Runtime exited with error: signal: killed`,
        },
      })
      expect(bench.logs.at(-1)?.message).toContain('Max Memory Used: 128 MB\tInit Duration: ')
      expect(bench.logs.at(-1)?.message).toContain('Status: error\tError Type: Runtime.ExitError')
    },
  )

  it('LAMBDA-7: what is garbage does not count, and REPORT tells the most that was held', async () => {
    expect((await invoke('functions.churns', { megabytes: 300 }, { Timeout: 60 })).payload).toBe(
      'ok',
    )
    const usedMb = (): number =>
      Number(/Max Memory Used: (\d+) MB/.exec(bench.logs.at(-1)?.message ?? '')?.[1])
    expect(usedMb()).toBeLessThan(128)
    const functionName = await bench.create('Big', 'functions.holds', { MemorySize: 512 })
    await bench.lambda.invoke({ functionName, payload: { megabytes: 200 } })
    expect(usedMb()).toBeGreaterThanOrEqual(200)
    expect(usedMb()).toBeLessThan(512)
  })

  it('LAMBDA-7: more memory than configured ends the environment', async () => {
    const result = await invoke('functions.eats', {}, { Timeout: 60 })
    expect(result.payload).toMatchObject({
      errorType: 'Runtime.ExitError',
      errorMessage: expect.stringMatching(/signal: killed/) as string,
    })
  })

  it('an environment that exits fails its event and is replaced', async () => {
    const result = await invoke('functions.exits')
    expect(result.payload).toEqual({
      errorType: 'Runtime.ExitError',
      errorMessage: `RequestId: ${result.requestId} Error: Runtime exited with error: exit status 3`,
    })
    const again = await bench.lambda.invoke({ functionName: 'Fn', payload: {} })
    expect(again.payload).toMatchObject({ errorType: 'Runtime.ExitError' })
  })

  it('an unhandled rejection ends the environment by name', async () => {
    expect((await invoke('functions.unhandled')).payload).toMatchObject({
      errorType: 'Runtime.UnhandledPromiseRejection',
    })
  })

  it('LAMBDA-12: a failed init phase is retried by the invocation', async () => {
    const MARKER = path.join(tmpdir(), `gaugeline-${randomUUID()}`)
    const result = await invoke(
      'fails-once.handler',
      {},
      { Environment: { Variables: { MARKER } } },
    )
    expect(result.payload).toBe('second start')
  })

  it('LAMBDA-12: an init phase that fails again is the error of the invocation', async () => {
    expect((await invoke('fails-always.handler')).payload).toMatchObject({
      errorType: 'Error',
      errorMessage: 'cannot start',
    })
  })

  it('LAMBDA-12: the init phase may take ten seconds', async () => {
    const clock = manualClock()
    bench = lambdaBench({ clock })
    const functionName = await bench.create('Fn', 'never-ready.handler')
    const call = bench.lambda.invoke({ functionName, payload: {} })
    await new Promise((resolve) => setImmediate(resolve))
    await clock.advance(10_000)
    await clock.advance(10_000)
    expect((await call).payload).toMatchObject({
      errorType: 'Sandbox.Timedout',
      errorMessage: expect.stringMatching(/Init phase timed out/) as string,
    })
  })
})

describe('environments', () => {
  it('LAMBDA-10: module state survives between warm calls', async () => {
    bench = lambdaBench()
    const functionName = await bench.create('Fn', 'functions.echo')
    await bench.lambda.invoke({ functionName, payload: {} })
    const second = await bench.lambda.invoke({ functionName, payload: {} })
    expect(second.payload).toMatchObject({ calls: 2 })
  })

  it('LAMBDA-10: an environment handles one event at a time, more events start more environments', async () => {
    bench = lambdaBench({ maxEnvironments: 3 })
    const functionName = await bench.create('Fn', 'functions.overlaps')
    const results = await Promise.all(
      Array.from({ length: 6 }, () => bench.lambda.invoke({ functionName, payload: {} })),
    )
    const payloads = results.map(({ payload }) => payload as { at_once: number })
    expect(payloads.map(({ at_once }) => at_once)).toEqual([1, 1, 1, 1, 1, 1])
  })

  it('LAMBDA-14: reserved concurrency caps, the next event is throttled with its reason', async () => {
    bench = lambdaBench()
    const functionName = await bench.create('Fn', 'functions.overlaps', {
      ReservedConcurrentExecutions: 1,
    })
    const first = bench.lambda.invoke({ functionName, payload: {} })
    await expect(bench.lambda.invoke({ functionName, payload: {} })).rejects.toMatchObject({
      code: 'TooManyRequestsException',
      status: 429,
      extra: { Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded' },
    })
    await first
    await expect(bench.lambda.invoke({ functionName, payload: {} })).resolves.toBeDefined()
  })

  it('LAMBDA-14: reserved concurrency 0 stops the function', async () => {
    bench = lambdaBench()
    const functionName = await bench.create('Fn', 'functions.echo', {
      ReservedConcurrentExecutions: 0,
    })
    await expect(bench.lambda.invoke({ functionName, payload: {} })).rejects.toMatchObject({
      code: 'TooManyRequestsException',
    })
  })

  it('an idle environment is ended after ten minutes', async () => {
    const clock = manualClock()
    bench = lambdaBench({ clock })
    const functionName = await bench.create('Fn', 'functions.echo')
    await bench.lambda.invoke({ functionName, payload: {} })
    await clock.advance(10 * 60_000)
    const next = await bench.lambda.invoke({ functionName, payload: {} })
    expect(next.payload).toMatchObject({ calls: 1 })
  })

  it('an environment can be warmed before the first event', async () => {
    bench = lambdaBench()
    const functionName = await bench.create('Fn', 'functions.echo')
    await bench.lambda.warm([functionName])
    const before = Date.now()
    const { payload } = await bench.lambda.invoke({ functionName, payload: {} })
    expect((payload as Echo).initializedAt).toBeLessThanOrEqual(before)
  })

  it('LAMBDA-9: has exactly the documented variables, its own and the local endpoint', async () => {
    const { payload } = await invoke(
      'functions.echo',
      {},
      { Environment: { Variables: { COLOUR: 'blue', LIMIT: 5 } } },
    )
    const { env } = payload as Echo
    expect(Object.keys(env).sort()).toEqual(
      [
        '_HANDLER',
        '_X_AMZN_TRACE_ID',
        'AWS_ACCESS_KEY_ID',
        'AWS_DEFAULT_REGION',
        'AWS_ENDPOINT_URL',
        'AWS_EXECUTION_ENV',
        'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
        'AWS_LAMBDA_FUNCTION_NAME',
        'AWS_LAMBDA_FUNCTION_VERSION',
        'AWS_LAMBDA_INITIALIZATION_TYPE',
        'AWS_LAMBDA_LOG_GROUP_NAME',
        'AWS_LAMBDA_LOG_STREAM_NAME',
        'AWS_LAMBDA_RUNTIME_API',
        'AWS_REGION',
        'AWS_SECRET_ACCESS_KEY',
        'AWS_SESSION_TOKEN',
        'COLOUR',
        'LAMBDA_RUNTIME_DIR',
        'LAMBDA_TASK_ROOT',
        'LANG',
        'LIMIT',
        'NODE_PATH',
        'PATH',
        'TZ',
      ].sort(),
    )
    expect(env).toMatchObject({
      _HANDLER: 'functions.echo',
      AWS_REGION: 'eu-west-1',
      AWS_DEFAULT_REGION: 'eu-west-1',
      AWS_LAMBDA_FUNCTION_NAME: 'Fn',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/Fn',
      AWS_LAMBDA_LOG_STREAM_NAME: expect.stringMatching(
        /^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/,
      ) as string,
      LAMBDA_TASK_ROOT: fileURLToPath(new URL('./fixtures', import.meta.url)),
      LAMBDA_RUNTIME_DIR: '/var/runtime',
      LANG: 'en_US.UTF-8',
      NODE_PATH: '/opt/nodejs/node_modules:/var/runtime/node_modules',
      PATH: '/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin',
      TZ: ':UTC',
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x',
      AWS_ACCESS_KEY_ID: 'ASIAEXAMPLE',
      AWS_ENDPOINT_URL: 'http://127.0.0.1:4566',
      LIMIT: '5',
    })
  })

  it('takes a new configuration while events are at work', async () => {
    bench = lambdaBench()
    const functionName = await bench.create('Fn', 'functions.overlaps')
    const old = bench.lambda.invoke({ functionName, payload: {} })
    await expect.poll(() => bench.logs.length).toBeGreaterThan(0)
    await bench.update('Fn', 'functions.echo')
    expect((await old).payload).toMatchObject({ at_once: 1 })
    const next = await bench.lambda.invoke({ functionName, payload: { a: 1 } })
    expect(next.payload).toMatchObject({ event: { a: 1 } })
  })
})

describe('who may invoke', () => {
  const invokedBy = {
    service: 'apigateway.amazonaws.com',
    sourceArn: 'arn:aws:execute-api:eu-west-1:000000000000:abc/prod/$connect',
  }
  async function withPermission(SourceArn: string, Principal = 'apigateway.amazonaws.com') {
    bench = lambdaBench()
    const functionName = await bench.create('Fn', 'functions.echo')
    await bench.resource('AWS::Lambda::Permission', 'Permission', {
      Action: 'lambda:InvokeFunction',
      FunctionName: `arn:aws:lambda:eu-west-1:000000000000:function:${functionName}`,
      Principal,
      SourceArn,
    })
    return bench.lambda.invoke({ functionName, payload: {}, invokedBy })
  }

  it('CFN-9: a service needs a permission', async () => {
    bench = lambdaBench()
    const functionName = await bench.create('Fn', 'functions.echo')
    await expect(
      bench.lambda.invoke({ functionName, payload: {}, invokedBy }),
    ).rejects.toMatchObject({ code: 'AccessDeniedException' })
  })

  it.each([
    ['arn:aws:execute-api:eu-west-1:000000000000:abc/prod/$connect'],
    ['arn:aws:execute-api:eu-west-1:000000000000:abc/*$connect'],
    ['arn:aws:execute-api:eu-west-1:000000000000:abc/*/*'],
  ])('CFN-9: a permission for %s is enough', async (sourceArn) => {
    await expect(withPermission(sourceArn)).resolves.toBeDefined()
  })

  it.each([
    ['arn:aws:execute-api:eu-west-1:000000000000:other/*/*', undefined],
    ['arn:aws:execute-api:eu-west-1:000000000000:abc/prod/hello', undefined],
    ['arn:aws:execute-api:eu-west-1:000000000000:abc/*/*', 'events.amazonaws.com'],
  ])('CFN-9: a permission for %s and %s is not', async (sourceArn, principal) => {
    await expect(withPermission(sourceArn, principal)).rejects.toMatchObject({
      code: 'AccessDeniedException',
    })
  })
})
