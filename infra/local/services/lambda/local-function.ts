import { createHash, randomUUID } from 'node:crypto'
import { AwsError } from '../../platform/errors.ts'
import type { Account, Authorization, Clock, LogSink, Metrics } from '../../platform/types.ts'
import { environmentVariables, nodeMajorOf } from './config.ts'
import type { FunctionConfig } from './config.ts'
import { startEnvironment } from './environment.ts'
import type { Environment, EnvironmentOutcome, FunctionErrorBody } from './environment.ts'
import { endLines, startLines } from './function-logs.ts'
import { functionMetrics } from './function-metrics.ts'
import type { PutMetric } from './function-metrics.ts'
import { createPool } from './pool.ts'
import type { Pool } from './pool.ts'

export interface RuntimeDependencies {
  readonly clock: Clock
  readonly account: Account
  readonly authorization: Authorization
  readonly logs: LogSink
  readonly metrics: Metrics
  /** Read when an environment starts: `AWS_ENDPOINT_URL` and the like. */
  readonly endpoints: () => Readonly<Record<string, string>>
  /** Environments of one function on this machine; more events than that wait. */
  readonly maxEnvironments: number
}

export interface RunResult {
  readonly requestId: string
  /** JSON text of the answer or of the error. */
  readonly body: string
  readonly functionError?: 'Unhandled'
  readonly logTail: () => string
}

export interface RunRequest {
  readonly requestId: string
  readonly functionArn: string
  /** A fault on purpose: the environment dies so long after the event began. */
  readonly killAfterMs?: number
}

/** A function that can be run: its configuration and its environments. */
export interface LocalFunction {
  readonly config: FunctionConfig
  readonly putMetric: PutMetric
  /**
   * Runs one event (JSON text). Throws AwsError `TooManyRequestsException` when its reserved concurrency (LAMBDA-14) or the account's is used up,
   * `RequestAbandoned` when `abandoned` aborts before an environment is free.
   */
  run(event: string, request: RunRequest, abandoned?: AbortSignal): Promise<RunResult>
  /** An invocation that fails without the code having run; it is counted as every other. Throws as `run` does. */
  fail(request: RunRequest, error: FunctionErrorBody): RunResult
  warm(): Promise<void>
  /** Takes other properties; events at work finish with the old code. */
  replace(config: FunctionConfig): void
  isStopped(): boolean
  stop(): Promise<void>
}

/** Largest synchronous answer, bytes (LAMBDA-3). */
const MAX_ANSWER_BYTES = 6_291_556
const LOG_TAIL_BYTES = 4096
/** LAMBDA-13: concurrent executions of an account, those that wait for an environment here among them. */
const ACCOUNT_CONCURRENCY = 1000
/** Lambda names its log streams by day, version and environment. */
const logStreamName = (nowMs: number) =>
  `${new Date(nowMs).toISOString().slice(0, 10).replaceAll('-', '/')}/[$LATEST]${randomUUID().replaceAll('-', '')}`

export function createLocalFunction(
  initial: FunctionConfig,
  dependencies: RuntimeDependencies,
): LocalFunction {
  const { clock } = dependencies
  let config = initial
  // Throws here, while the function is created, when Lambda may not assume the role.
  let credentials = credentialsOf(config)
  let pool = makePool()
  let inFlight = 0
  let stopped = false
  const tails = new Map<string, string[]>()
  const putMetric = functionMetrics(dependencies.metrics, config.name)

  function credentialsOf(owner: FunctionConfig) {
    return dependencies.authorization.credentialsFor(owner.roleArn, owner.name)
  }

  function makePool(): Pool {
    const poolConfig = config
    const reserved = poolConfig.reservedConcurrency ?? Infinity
    return createPool({
      clock,
      maxEnvironments: Math.min(reserved, dependencies.maxEnvironments),
      start: () => start(poolConfig),
    })
  }

  function start(starting: FunctionConfig): Environment {
    const logStream = logStreamName(clock.now())
    return startEnvironment({
      functionName: starting.name,
      handler: starting.handler,
      directory: starting.codeDirectory,
      inlineCode: starting.inlineCode,
      nodeMajor: nodeMajorOf(starting.runtime) ?? 0,
      memoryMb: starting.memoryMb,
      env: environmentVariables(starting, {
        region: dependencies.account.region,
        logStream,
        credentials,
        endpoints: dependencies.endpoints(),
      }),
      logFormat: starting.logFormat,
      logLevel: starting.applicationLogLevel,
      logStream,
      clock,
      onLog: (message) => write(starting, logStream, [message]),
    })
  }

  function write(written: FunctionConfig, stream: string, lines: readonly string[]): void {
    for (const message of lines) {
      dependencies.logs.write({
        group: written.logGroup,
        stream,
        message,
        timestampMs: clock.now(),
      })
      tails.get(stream)?.push(message)
    }
  }

  function admit(): void {
    if (stopped)
      throw new AwsError('ServiceException', `${config.name} has been stopped`, { status: 500 })
    const reserved = config.reservedConcurrency
    if (inFlight < (reserved ?? ACCOUNT_CONCURRENCY)) return
    putMetric('Throttles', { value: 1, unit: 'Count', timestampMs: clock.now() })
    const limit =
      reserved === undefined
        ? 'ConcurrentInvocationLimitExceeded'
        : 'ReservedFunctionConcurrentInvocationLimitExceeded'
    throw new AwsError('TooManyRequestsException', 'Rate Exceeded.', {
      status: 429,
      extra: { Reason: limit, Type: 'User' },
    })
  }

  async function runIn(
    environment: Environment,
    event: string,
    request: RunRequest,
  ): Promise<{ outcome: EnvironmentOutcome; tail: readonly string[] }> {
    const { requestId } = request
    const stream = environment.logStream
    const tail: string[] = []
    tails.set(stream, tail)
    write(config, stream, startLines(config, requestId, clock.now()))
    const startedAt = performance.now()
    const startedMs = clock.now()
    const outcome = await environment.invoke({
      ...request,
      event,
      timeoutMs: config.timeoutSeconds * 1000,
      traceId: traceId(startedMs),
    })
    const durationMs = performance.now() - startedAt
    const report = { requestId, durationMs, initMs: environment.takeInitMs(), outcome }
    write(config, stream, endLines(config, report, clock.now()))
    tails.delete(stream)
    putInvocation({ startedMs, durationMs, failed: outcome.kind === 'failed' })
    return { outcome, tail }
  }

  /** LAMBDA-27: the datapoint stands at the start of the invocation. */
  function putInvocation(invocation: {
    readonly startedMs: number
    readonly durationMs: number
    readonly failed: boolean
  }): void {
    const timestampMs = invocation.startedMs
    putMetric('Invocations', { value: 1, unit: 'Count', timestampMs })
    putMetric('Errors', { value: invocation.failed ? 1 : 0, unit: 'Count', timestampMs })
    putMetric('Duration', { value: invocation.durationMs, unit: 'Milliseconds', timestampMs })
    putMetric('ConcurrentExecutions', { value: inFlight, unit: 'Count', timestampMs })
  }

  return {
    get config() {
      return config
    },
    putMetric,
    async run(event, request, abandoned) {
      if (nodeMajorOf(config.runtime) === undefined)
        return failed(request.requestId, {
          errorType: 'Runtime.NotEmulated',
          errorMessage: `${config.name} needs the runtime ${config.runtime}; this machine runs Node.js functions only`,
        })
      admit()
      inFlight++
      const current = pool
      try {
        const environment = await current.acquire(abandoned)
        if (environment === 'abandoned') {
          throw new AwsError('RequestAbandoned', 'Nobody waits for the answer any more.')
        }
        if ('errorType' in environment) {
          putInvocation({ startedMs: clock.now(), durationMs: 0, failed: true })
          return failed(request.requestId, environment)
        }
        try {
          const { outcome, tail } = await runIn(environment, event, request)
          return resultOf(request.requestId, outcome, tail)
        } finally {
          current.release(environment)
        }
      } finally {
        inFlight--
      }
    },
    fail(request, error) {
      admit()
      putInvocation({ startedMs: clock.now(), durationMs: 0, failed: true })
      return failed(request.requestId, error)
    },
    warm: () => (nodeMajorOf(config.runtime) === undefined ? Promise.resolve() : pool.warm()),
    replace(next) {
      const old = pool
      credentials = credentialsOf(next)
      config = next
      pool = makePool()
      void old.retire(false)
    },
    isStopped: () => stopped,
    stop() {
      stopped = true
      return pool.retire(true)
    },
  }
}

function resultOf(
  requestId: string,
  outcome: EnvironmentOutcome,
  tail: readonly string[],
): RunResult {
  if (outcome.kind === 'failed') return failed(requestId, outcome.error, tail)
  if (outcome.body.length > MAX_ANSWER_BYTES / 4) {
    const bytes = Buffer.byteLength(outcome.body)
    if (bytes > MAX_ANSWER_BYTES)
      return failed(
        requestId,
        {
          errorType: 'Function.ResponseSizeTooLarge',
          errorMessage: `Response payload size exceeded maximum allowed payload size (${MAX_ANSWER_BYTES} bytes).`,
        },
        tail,
      )
  }
  return { requestId, body: outcome.body, logTail: () => encodeTail(tail) }
}

function failed(
  requestId: string,
  error: FunctionErrorBody,
  tail: readonly string[] = [],
): RunResult {
  return {
    requestId,
    body: JSON.stringify(error),
    functionError: 'Unhandled',
    logTail: () => encodeTail(tail),
  }
}

/** LAMBDA-5: the last 4 KB in base64. */
function encodeTail(tail: readonly string[]): string {
  const bytes = Buffer.from(tail.map((line) => `${line}\n`).join(''))
  return bytes.subarray(Math.max(0, bytes.length - LOG_TAIL_BYTES)).toString('base64')
}

function traceId(nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000).toString(16)
  const rest = createHash('md5').update(randomUUID()).digest('hex').slice(0, 24)
  return `Root=1-${seconds}-${rest};Parent=${rest.slice(0, 16)};Sampled=0`
}
