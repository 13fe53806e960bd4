import { randomUUID } from 'node:crypto'
import { AwsError } from '../../platform/errors.ts'
import type {
  Account,
  ApiHandler,
  Authorization,
  Clock,
  Fault,
  Faults,
  Functions,
  InvocationResult,
  LogSink,
  Metrics,
  Queues,
  ResourceService,
  Topics,
} from '../../platform/types.ts'
import { lambdaApi } from './api.ts'
import { createAsyncInvocations, defaultEventInvokeConfig } from './async-invocations.ts'
import type { EventInvokeConfig } from './async-invocations.ts'
import { destinationSender } from './destinations.ts'
import { createLocalFunction } from './local-function.ts'
import { createPermissions } from './permissions.ts'
import { lambdaProviders } from './providers.ts'
import { createRegistry } from './registry.ts'

export interface LambdaOptions {
  readonly clock: Clock
  readonly account: Account
  readonly authorization: Authorization
  /** Variables put into every environment, read when it starts: `AWS_ENDPOINT_URL` and the like. */
  readonly endpoints: () => Readonly<Record<string, string>>
  readonly logs: LogSink
  readonly metrics: Metrics
  readonly faults: Faults
  /** Folder of a CDK asset by its S3 key (`<hash>.zip`). */
  readonly assetPath: (s3Key: string) => string
  /** Where dead letters and destinations go; asked when one is due, because those services may be made later. */
  readonly queues?: () => Queues
  readonly topics?: () => Topics
  /** Environments of one function at most (more events wait); default 10. */
  readonly maxEnvironments?: number
}

export interface Lambda extends ResourceService, Functions {
  readonly api: ApiHandler
  /** Starts one environment of each function ahead of its first event, so that the first person pays no cold starts. */
  warm(functionNames: readonly string[]): Promise<void>
}

/** AWS Lambda on one machine: functions in worker threads (aws-behaviour L1–L28, C9, C10, C12). */
export function createLambda(options: LambdaOptions): Lambda {
  const { clock, account, faults } = options
  const arnPrefix = `arn:aws:lambda:${account.region}:${account.accountId}:function:`
  const registry = createRegistry(arnPrefix)
  const permissions = createPermissions()
  const invokeConfigs = new Map<string, EventInvokeConfig>()
  const asyncInvocations = createAsyncInvocations({
    clock,
    faults,
    configOf: (name) => invokeConfigs.get(name) ?? defaultEventInvokeConfig,
    sendTo: destinationSender({
      ...options,
      invoke: async (functionName, payload) => {
        await invoke({ functionName, payload, invocationType: 'Event' })
      },
    }),
  })

  const invoke: Functions['invoke'] = async (request) => {
    const { fn, functionArn } = registry.find(request.functionName)
    if (request.invokedBy) permissions.check(fn.config.name, request.invokedBy)
    const fault = await passFault(fn.config.name)
    const event = JSON.stringify(request.payload ?? {})
    const requestId = randomUUID()
    if (request.invocationType === 'Event') {
      void asyncInvocations.accept(fn, event, requestId)
      return { requestId, payload: undefined }
    }
    const run = () => fn.run(event, { requestId, functionArn })
    if (fault?.kind === 'duplicate') for (let extra = 0; extra < fault.times; extra++) await run()
    const result = await run()
    // The function has run and nobody hears of it.
    if (fault?.kind === 'drop') throw serviceError('The answer was lost on purpose')
    return {
      requestId,
      payload: JSON.parse(result.body) as unknown,
      ...(result.functionError && { functionError: result.functionError }),
      get logTail() {
        return result.logTail()
      },
    } satisfies InvocationResult
  }

  /** Throttles, fails or delays; what happens after the run is the caller's. */
  async function passFault(functionName: string): Promise<Fault | undefined> {
    const fault = faults.at('lambda.invoke', functionName)
    if (fault?.kind === 'throttle')
      throw new AwsError('TooManyRequestsException', 'Rate Exceeded.', {
        status: 429,
        extra: { Reason: 'ConcurrentInvocationLimitExceeded', Type: 'User' },
      })
    if (fault?.kind === 'error') throw serviceError(fault.message ?? 'Failed on purpose', fault)
    if (fault?.kind === 'delay')
      await new Promise<void>((resolve) => clock.after(fault.ms, resolve))
    return fault
  }

  return {
    name: 'lambda',
    providers: lambdaProviders({
      account,
      registry,
      permissions,
      invokeConfigs,
      assetPath: options.assetPath,
      create: (config) =>
        createLocalFunction(config, { ...options, maxEnvironments: options.maxEnvironments ?? 10 }),
    }),
    api: lambdaApi({ authorization: options.authorization, registry, invoke }),
    start: () => Promise.resolve(),
    async stop() {
      await Promise.all(registry.all().map((fn) => fn.stop()))
    },
    invoke,
    describe(functionName) {
      const { config } = registry.find(functionName).fn
      const { arn, timeoutSeconds, memoryMb, roleArn } = config
      return { arn, timeoutSeconds, memoryMb, roleArn }
    },
    async warm(functionNames) {
      await Promise.all(functionNames.map((name) => registry.find(name).fn.warm()))
    },
  }
}

function serviceError(
  message: string,
  fault: { readonly code?: string; readonly status?: number } = {},
): AwsError {
  return new AwsError(fault.code ?? 'ServiceException', message, { status: fault.status ?? 500 })
}
