import { randomUUID } from 'node:crypto'
import type {
  Account,
  ApiHandler,
  Authorization,
  Clock,
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
import type { MappingAdministration } from './api.ts'
import { createAsyncInvocations, defaultEventInvokeConfig } from './async-invocations.ts'
import type { EventInvokeConfig } from './async-invocations.ts'
import { destinationSender } from './destinations.ts'
import { runThroughSeam } from './invoke-seam.ts'
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
  /** Event source mappings, for the API; asked when it is called, because that service is made later. */
  readonly mappings?: () => MappingAdministration
}

export interface Lambda extends ResourceService, Functions {
  readonly api: ApiHandler
  /** Starts one environment of each function ahead of its first event, so that the first person pays no cold starts. */
  warm(functionNames: readonly string[]): Promise<void>
}

/** AWS Lambda on one machine: functions in worker threads (LAMBDA-1–LAMBDA-28, CFN-9, CFN-10, CFN-12). */
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
    const event = JSON.stringify(request.payload ?? {})
    const requestId = randomUUID()
    if (request.invocationType === 'Event') {
      void asyncInvocations.accept(fn, event, requestId)
      return { requestId, payload: undefined }
    }
    const { abandoned } = request
    const call = { event, request: { requestId, functionArn }, ...(abandoned && { abandoned }) }
    const result = await runThroughSeam(options, fn, call)
    return {
      requestId,
      payload: JSON.parse(result.body) as unknown,
      ...(result.functionError && { functionError: result.functionError }),
      get logTail() {
        return result.logTail()
      },
    } satisfies InvocationResult
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
    api: lambdaApi({ ...options, registry, permissions, invoke }),
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
