import { AwsError } from '../../platform/errors.ts'
import type {
  ApiHandler,
  ApiRequest,
  ApiResponse,
  Authorization,
  Functions,
} from '../../platform/types.ts'
import type { FunctionConfig } from './config.ts'
import type { Permissions } from './permissions.ts'
import type { Registry } from './registry.ts'

interface ApiDependencies {
  readonly authorization: Authorization
  readonly registry: Registry
  readonly permissions: Permissions
  readonly invoke: Functions['invoke']
  /** Absent = no event source mappings on this machine. */
  readonly mappings?: (() => MappingAdministration) | undefined
}

/** The event source mappings as the Lambda API shows and changes them. */
export interface MappingAdministration {
  list(): readonly MappingConfiguration[]
  /** Switches one on or off. Throws AwsError `ResourceNotFoundException`. */
  setEnabled(id: string, isEnabled: boolean): Promise<MappingConfiguration>
}

export type MappingConfiguration = Readonly<Record<string, unknown>> & {
  readonly UUID: string
  readonly EventSourceArn: string
  readonly FunctionArn: string
}

/** LAMBDA-3: 6 MB asked synchronously, 1 MB asynchronously. */
const MAX_SYNC_BYTES = 6_291_456
const MAX_ASYNC_BYTES = 1_048_576

/** The Lambda API, as far as a stack and its tests use it: Invoke, GetFunction, GetFunctionConfiguration, ListFunctions. */
export function lambdaApi(dependencies: ApiDependencies): ApiHandler {
  return {
    signingNames: ['lambda'],
    async handle(request) {
      const mapping = /^\/2015-03-31\/event-source-mappings(?:\/([^/]*))?$/.exec(request.path)
      if (mapping && dependencies.mappings) {
        const administration = dependencies.mappings()
        const answer = await mappingCall(administration, dependencies, {
          request,
          id: mapping[1] ?? '',
        })
        if (answer) return answer
      }
      const concurrency = /^\/2019-09-30\/functions\/([^/]+)\/concurrency$/.exec(request.path)?.[1]
      if (concurrency !== undefined && request.method === 'GET')
        return getConcurrency(dependencies, request, concurrency)
      const match =
        /^\/2015-03-31\/functions(?:\/([^/]+)(?:\/(invocations|configuration|policy))?)?\/?$/.exec(
          request.path,
        )
      const [, name, rest] = match ?? []
      const call = match && `${request.method} ${name === undefined ? '' : 'name'}/${rest ?? ''}`
      if (name === undefined) {
        if (call === 'GET /') return listFunctions(dependencies, request)
      } else {
        if (call === 'POST name/invocations') return invokeFunction(dependencies, request, name)
        if (call === 'GET name/') return getFunction(dependencies, request, name)
        if (call === 'GET name/policy') return getPolicy(dependencies, request, name)
        if (call === 'GET name/configuration')
          return json(
            200,
            configurationOf(
              allowed(dependencies, request, { name, action: 'GetFunctionConfiguration' }),
            ),
          )
      }
      throw new AwsError(
        'UnknownOperationException',
        `Lambda ${request.method} ${request.path} is not emulated: Invoke, GetFunction, GetFunctionConcurrency, GetFunctionConfiguration, GetPolicy, ListFunctions and Get-, List- and UpdateEventSourceMapping(s) are`,
        { status: 404 },
      )
    },
  }
}

function allowed(
  { authorization, registry }: ApiDependencies,
  request: ApiRequest,
  call: { readonly name: string; readonly action: string },
): FunctionConfig {
  const { fn } = registry.find(call.name)
  authorization.check(request.principal, `lambda:${call.action}`, fn.config.arn)
  return fn.config
}

async function invokeFunction(
  dependencies: ApiDependencies,
  request: ApiRequest,
  name: string,
): Promise<ApiResponse> {
  const qualifier = request.query.get('Qualifier')
  const config = allowed(dependencies, request, { name, action: 'InvokeFunction' })
  const functionName = qualifier === null ? name : `${config.name}:${qualifier}`
  dependencies.registry.find(functionName)
  const type = request.headers['x-amz-invocation-type'] ?? 'RequestResponse'
  const payload = readPayload(request.body, type)
  const executedVersion = { 'x-amz-executed-version': '$LATEST' }
  if (type === 'DryRun') return { status: 204 }
  if (type === 'Event') {
    await dependencies.invoke({ functionName, payload, invocationType: 'Event' })
    return { status: 202 }
  }
  if (type !== 'RequestResponse')
    throw new AwsError(
      'InvalidParameterValueException',
      `Invocation type '${type}' is not one of RequestResponse, Event, DryRun`,
    )
  const result = await dependencies.invoke({ functionName, payload })
  const tail = request.headers['x-amz-log-type'] === 'Tail'
  return json(200, result.payload, {
    ...executedVersion,
    ...(result.functionError && { 'x-amz-function-error': result.functionError }),
    ...(tail && { 'x-amz-log-result': result.logTail ?? '' }),
  })
}

/** LAMBDA-4: the errors of a bad payload. */
function readPayload(body: Buffer, type: string): unknown {
  const limit = type === 'Event' ? MAX_ASYNC_BYTES : MAX_SYNC_BYTES
  if (body.length > limit)
    throw new AwsError(
      'RequestTooLargeException',
      `Request must be smaller than ${limit} bytes for the InvokeFunction operation`,
      { status: 413, extra: { Type: 'User' } },
    )
  if (body.length === 0) return {}
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (cause) {
    throw new AwsError(
      'InvalidRequestContentException',
      `Could not parse request body into json: ${String(cause)}`,
      { status: 400, extra: { Type: 'User' }, cause },
    )
  }
}

function getConcurrency(
  dependencies: ApiDependencies,
  request: ApiRequest,
  name: string,
): ApiResponse {
  const { reservedConcurrency } = allowed(dependencies, request, {
    name,
    action: 'GetFunctionConcurrency',
  })
  return json(
    200,
    reservedConcurrency === undefined ? {} : { ReservedConcurrentExecutions: reservedConcurrency },
  )
}

function getPolicy(dependencies: ApiDependencies, request: ApiRequest, name: string): ApiResponse {
  const config = allowed(dependencies, request, { name, action: 'GetPolicy' })
  const policy = dependencies.permissions.policyOf(config.name, config.arn)
  if (policy) return json(200, { Policy: JSON.stringify(policy) })
  throw new AwsError('ResourceNotFoundException', 'The resource you requested does not exist.', {
    status: 404,
    extra: { Type: 'User' },
  })
}

/** Of the settings of a mapping only `Enabled` can be changed while it runs; the others are the template's. */
async function mappingCall(
  mappings: MappingAdministration,
  { authorization, registry }: ApiDependencies,
  { request, id }: { readonly request: ApiRequest; readonly id: string },
): Promise<ApiResponse | undefined> {
  if (id === '' && request.method === 'GET') {
    authorization.check(request.principal, 'lambda:ListEventSourceMappings', '*')
    const name = request.query.get('FunctionName')
    const functionArn = name === null ? undefined : registry.find(name).fn.config.arn
    const source = request.query.get('EventSourceArn')
    const found = mappings
      .list()
      .filter((one) => functionArn === undefined || one.FunctionArn === functionArn)
      .filter((one) => source === null || one.EventSourceArn === source)
    return json(200, { EventSourceMappings: found, NextMarker: null })
  }
  if (id === '' || (request.method !== 'GET' && request.method !== 'PUT')) return undefined
  const known = mappings.list().find(({ UUID }) => UUID === id)
  const verb = request.method === 'GET' ? 'Get' : 'Update'
  authorization.check(request.principal, `lambda:${verb}EventSourceMapping`, '*')
  if (!known) {
    throw new AwsError('ResourceNotFoundException', 'The resource you requested does not exist.', {
      status: 404,
    })
  }
  if (request.method === 'GET') return json(200, known)
  return json(202, await mappings.setEnabled(id, enabledOf(request.body, known)))
}

function enabledOf(body: Buffer, known: MappingConfiguration): boolean {
  const { Enabled: enabled, ...others } = JSON.parse(body.toString('utf8') || '{}') as Record<
    string,
    unknown
  >
  const unknown = Object.keys(others).filter((name) => name !== 'FunctionName')
  if (unknown.length > 0) {
    throw new AwsError(
      'InvalidParameterValueException',
      `On one machine only Enabled of a mapping can be changed; ${unknown.join(', ')} is the template's.`,
    )
  }
  return typeof enabled === 'boolean' ? enabled : known['State'] === 'Enabled'
}

function listFunctions(dependencies: ApiDependencies, request: ApiRequest): ApiResponse {
  dependencies.authorization.check(request.principal, 'lambda:ListFunctions', '*')
  const functions = dependencies.registry.all().map((fn) => configurationOf(fn.config))
  return json(200, { Functions: functions, NextMarker: null })
}

function getFunction(
  dependencies: ApiDependencies,
  request: ApiRequest,
  name: string,
): ApiResponse {
  const config = allowed(dependencies, request, { name, action: 'GetFunction' })
  return json(200, {
    Configuration: configurationOf(config),
    Code: { RepositoryType: 'S3', Location: config.codeDirectory },
    ...(config.reservedConcurrency !== undefined && {
      Concurrency: { ReservedConcurrentExecutions: config.reservedConcurrency },
    }),
  })
}

function configurationOf(config: FunctionConfig): object {
  return {
    FunctionName: config.name,
    FunctionArn: config.arn,
    Description: config.description,
    Runtime: config.runtime,
    Role: config.roleArn,
    Handler: config.handler,
    Timeout: config.timeoutSeconds,
    MemorySize: config.memoryMb,
    Architectures: [config.architecture],
    PackageType: 'Zip',
    State: 'Active',
    LastUpdateStatus: 'Successful',
    Version: '$LATEST',
    Environment: { Variables: config.environment },
    LoggingConfig: { LogFormat: config.logFormat, LogGroup: config.logGroup },
    ...(config.deadLetterArn !== undefined && {
      DeadLetterConfig: { TargetArn: config.deadLetterArn },
    }),
  }
}

function json(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): ApiResponse {
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body ?? null),
  }
}
