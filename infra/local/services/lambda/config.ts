import { StartError } from '../../platform/errors.ts'
import { physicalName } from '../../platform/naming.ts'
import type { Account, ResolvedResource } from '../../platform/types.ts'

/** One AWS::Lambda::Function, checked and with its defaults filled in. */
export interface FunctionConfig {
  readonly logicalId: string
  readonly name: string
  readonly arn: string
  readonly description: string
  readonly handler: string
  readonly runtime: string
  readonly roleArn: string
  readonly timeoutSeconds: number
  readonly memoryMb: number
  readonly architecture: string
  readonly environment: Readonly<Record<string, string>>
  readonly codeDirectory: string
  /** `Code.ZipFile`: the source of `index.js`, instead of a directory. */
  readonly inlineCode: string | undefined
  /** Undefined = unreserved. */
  readonly reservedConcurrency: number | undefined
  readonly deadLetterArn: string | undefined
  readonly logFormat: 'Text' | 'JSON'
  readonly logGroup: string
  readonly applicationLogLevel: string
  readonly systemLogLevel: string
}

/** LAMBDA-8: the names that a function may not set itself. */
const RESERVED = new Set([
  '_HANDLER',
  '_X_AMZN_TRACE_ID',
  'AWS_DEFAULT_REGION',
  'AWS_REGION',
  'AWS_EXECUTION_ENV',
  'AWS_LAMBDA_FUNCTION_NAME',
  'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
  'AWS_LAMBDA_FUNCTION_VERSION',
  'AWS_LAMBDA_INITIALIZATION_TYPE',
  'AWS_LAMBDA_LOG_GROUP_NAME',
  'AWS_LAMBDA_LOG_STREAM_NAME',
  'AWS_ACCESS_KEY',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_LAMBDA_RUNTIME_API',
  'LAMBDA_TASK_ROOT',
  'LAMBDA_RUNTIME_DIR',
])
const ENVIRONMENT_BYTES = 4096
/** Where inline code lies on AWS; here it is in no directory. */
const TASK_ROOT = '/var/task'

/** Property values after the template resolver: CloudFormation lets numbers come as strings. */
interface FunctionProperties {
  readonly FunctionName?: string
  readonly Description?: string
  readonly Handler?: string
  readonly Runtime?: string
  readonly Role: string
  readonly Timeout?: number | string
  readonly MemorySize?: number | string
  readonly Architectures?: readonly string[]
  readonly Environment?: {
    readonly Variables?: Readonly<Record<string, string | number | boolean>>
  }
  readonly Code: { readonly S3Key?: string; readonly ZipFile?: string }
  readonly ReservedConcurrentExecutions?: number | string
  readonly DeadLetterConfig?: { readonly TargetArn?: string }
  readonly LoggingConfig?: {
    readonly LogFormat?: 'Text' | 'JSON'
    readonly LogGroup?: string
    readonly ApplicationLogLevel?: string
    readonly SystemLogLevel?: string
  }
}

/**
 * Reads a function's properties (CFN-10). Throws StartError when a value is outside Lambda's limits (LAMBDA-7, LAMBDA-8): the deployment would
 * fail in the cloud too.
 */
export function readFunctionConfig(
  resource: ResolvedResource,
  account: Account,
  assetPath: (s3Key: string) => string,
): FunctionConfig {
  const properties = resource.properties as unknown as FunctionProperties
  const name = properties.FunctionName ?? physicalName(account.stackName, resource.logicalId)
  const logging = properties.LoggingConfig ?? {}
  const environment = readEnvironment(resource.logicalId, properties.Environment?.Variables ?? {})
  return {
    logicalId: resource.logicalId,
    name,
    arn: `arn:aws:lambda:${account.region}:${account.accountId}:function:${name}`,
    description: properties.Description ?? '',
    handler: properties.Handler ?? 'index.handler',
    runtime: properties.Runtime ?? 'nodejs22.x',
    roleArn: properties.Role,
    // LAMBDA-7: 3 s and 128 MB unless said otherwise.
    timeoutSeconds: within(resource, 'Timeout', {
      value: properties.Timeout ?? 3,
      min: 1,
      max: 900,
    }),
    memoryMb: within(resource, 'MemorySize', {
      value: properties.MemorySize ?? 128,
      min: 128,
      max: 10_240,
    }),
    architecture: properties.Architectures?.[0] ?? 'x86_64',
    environment,
    codeDirectory:
      properties.Code.S3Key === undefined ? TASK_ROOT : assetPath(properties.Code.S3Key),
    inlineCode: properties.Code.ZipFile,
    reservedConcurrency:
      properties.ReservedConcurrentExecutions === undefined
        ? undefined
        : Number(properties.ReservedConcurrentExecutions),
    deadLetterArn: properties.DeadLetterConfig?.TargetArn,
    logFormat: logging.LogFormat ?? 'Text',
    logGroup: logging.LogGroup ?? `/aws/lambda/${name}`,
    applicationLogLevel: logging.ApplicationLogLevel ?? 'INFO',
    systemLogLevel: logging.SystemLogLevel ?? 'INFO',
  }
}

function within(
  resource: ResolvedResource,
  property: string,
  range: { readonly value: number | string; readonly min: number; readonly max: number },
): number {
  const value = Number(range.value)
  if (value >= range.min && value <= range.max) return value
  throw new StartError(
    'INVALID_PROPERTY',
    `${resource.logicalId}: ${property} is ${range.value}, Lambda allows ${range.min} to ${range.max}`,
  )
}

function readEnvironment(
  logicalId: string,
  variables: Readonly<Record<string, string | number | boolean>>,
): Record<string, string> {
  const refuse = (why: string): never => {
    throw new StartError('INVALID_PROPERTY', `${logicalId}: Environment.Variables: ${why}`)
  }
  let bytes = 0
  const environment: Record<string, string> = {}
  for (const [key, value] of Object.entries(variables)) {
    if (!/^[A-Za-z][A-Za-z0-9_]+$/.test(key))
      refuse(`'${key}' must start with a letter and have at least two of A-Z a-z 0-9 _`)
    if (RESERVED.has(key)) refuse(`'${key}' is reserved by Lambda, choose another name`)
    environment[key] = String(value)
    bytes += Buffer.byteLength(key) + Buffer.byteLength(environment[key])
  }
  if (bytes > ENVIRONMENT_BYTES) refuse(`${bytes} bytes in all, Lambda allows ${ENVIRONMENT_BYTES}`)
  return environment
}

/** 22 of `nodejs22.x`; undefined when the runtime is not Node.js (such a function can be created but not run here). */
export function nodeMajorOf(runtime: string): number | undefined {
  const major = /^nodejs(\d+)\.x$/.exec(runtime)?.[1]
  return major === undefined ? undefined : Number(major)
}

/** The variables of an environment: those that Lambda provides (LAMBDA-9), the function's own, and where the local services are. */
export function environmentVariables(
  config: FunctionConfig,
  options: {
    readonly region: string
    readonly logStream: string
    readonly credentials: {
      readonly accessKeyId: string
      readonly secretAccessKey: string
      readonly sessionToken: string
    }
    readonly endpoints: Readonly<Record<string, string>>
  },
): Record<string, string> {
  return {
    LANG: 'en_US.UTF-8',
    PATH: '/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin',
    NODE_PATH: '/opt/nodejs/node_modules:/var/runtime/node_modules',
    TZ: ':UTC',
    ...options.endpoints,
    ...config.environment,
    _HANDLER: config.handler,
    AWS_REGION: options.region,
    AWS_DEFAULT_REGION: options.region,
    AWS_EXECUTION_ENV: `AWS_Lambda_${config.runtime}`,
    AWS_LAMBDA_FUNCTION_NAME: config.name,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(config.memoryMb),
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: config.logGroup,
    AWS_LAMBDA_LOG_STREAM_NAME: options.logStream,
    ...(config.logFormat === 'JSON' && {
      AWS_LAMBDA_LOG_FORMAT: 'JSON',
      AWS_LAMBDA_LOG_LEVEL: config.applicationLogLevel,
    }),
    AWS_ACCESS_KEY_ID: options.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: options.credentials.secretAccessKey,
    AWS_SESSION_TOKEN: options.credentials.sessionToken,
    AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001',
    LAMBDA_TASK_ROOT: config.codeDirectory,
    LAMBDA_RUNTIME_DIR: '/var/runtime',
  }
}
