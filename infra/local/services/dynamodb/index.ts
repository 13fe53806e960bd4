import { crc32 } from 'node:zlib'
import { AwsError, StartError } from '../../platform/errors.ts'
import { isObject } from '../../platform/fields.ts'
import type { Kept } from '../../platform/kept.ts'
import { notEmulated } from '../../platform/json-api.ts'
import { passSeam } from '../../platform/seam.ts'
import type {
  Account,
  ApiHandler,
  ApiRequest,
  ApiResponse,
  Authorization,
  Clock,
  Faults,
  Metrics,
  ResourceService,
} from '../../platform/types.ts'
import { createCalls } from './calls.ts'
import { createEngine } from './engine.ts'
import { leadingKeysOf } from './leading-keys.ts'
import { createMeter, type OperationCount } from './meter.ts'
import { tableProvider } from './table-provider.ts'
import { tableName, targetsOf, type Target } from './targets.ts'
import { createTimeToLive } from './ttl.ts'

export interface DynamoDbOptions {
  readonly clock: Clock
  readonly account: Account
  readonly authorization: Authorization
  readonly metrics: Metrics
  readonly faults?: Faults
  /** Keeps the tables across restarts; in memory when absent. A killed process loses no acknowledged write. */
  readonly kept?: Kept | undefined
  /** How long an expired item stays before time to live removes it; within some minutes when absent (DDB-2). */
  readonly timeToLiveDelayMs?: number
}

export interface DynamoDb extends ResourceService {
  readonly api: ApiHandler
  /** Calls and capacity units by table and operation since the start. */
  counts(): readonly OperationCount[]
}

/**
 * DynamoDB on dynalite, in process. Adds what dynalite lacks (DDB-18–DDB-21): time to live, transactions, values of failed conditions. Seam
 * `dynamodb.<Operation>`, target = table name.
 */
export function createDynamoDb(options: DynamoDbOptions): DynamoDb {
  const { clock, account } = options
  const engine = createEngine(account, options.kept)
  const ttl = createTimeToLive({ clock, engine, delayMs: options.timeToLiveDelayMs ?? 0 })
  const meter = createMeter(clock, options.metrics)
  const calls = createCalls({ engine, ttl })

  const authorize = async ({ principal }: ApiRequest, target: Target): Promise<void> => {
    const { action, table, index, part } = target
    const arn = `arn:aws:dynamodb:${account.region}:${account.accountId}:table/${table}`
    const resource = index === undefined ? arn : `${arn}/index/${index}`
    const partitionKey = await engine.partitionKey(table, index)
    const keys = partitionKey === undefined ? undefined : leadingKeysOf(part, partitionKey)
    const context = keys === undefined ? {} : { 'dynamodb:leadingkeys': keys }
    options.authorization.check(principal, `dynamodb:${action}`, resource, context)
  }

  const handle = async (request: ApiRequest): Promise<ApiResponse> => {
    if (!calls.has(request.operation)) throw notEmulated(request, calls.names)
    const input = parse(request.body)
    const targets = targetsOf(request.operation, input)
    const tables = [...new Set(targets.map((target) => target.table))]
    const metered = { operation: request.operation, tables }
    const startedMs = clock.monotonic()
    try {
      for (const target of targets) await authorize(request, target)
      const isThrottled = await isThrottledByFault(options, request.operation, tables[0])
      const { output, capacity } = await calls.run(request.operation, input, isThrottled)
      meter.succeeded(metered, capacity, startedMs)
      return jsonAnswer(200, output)
    } catch (error) {
      if (!(error instanceof AwsError)) throw error
      meter.failed(metered, error)
      return errorAnswer(error)
    }
  }

  return {
    name: 'dynamodb',
    api: { signingNames: ['dynamodb'], handle },
    providers: [tableProvider({ account, engine, ttl })],
    counts: () => meter.counts(),
    async start() {
      await open(engine, options.kept?.path)
      ttl.start()
    },
    async stop() {
      await ttl.stop()
      await engine.close()
    },
  }
}

async function open(engine: { open(): Promise<void> }, path: string | undefined): Promise<void> {
  try {
    await engine.open()
  } catch (cause) {
    const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
    const reason = inner instanceof Error ? inner.message : String(inner)
    throw new StartError(
      'DATA_DIR_TABLES',
      `The tables in ${path ?? 'memory'} cannot be opened: ${reason}. Choose another --data-dir, or stop the instance that uses it.`,
      { cause },
    )
  }
}

/** A throttle of a batch is a partial one (DDB-9), so it is for the call to handle; every other fault happens here. */
async function isThrottledByFault(
  options: DynamoDbOptions,
  operation: string,
  table: string | undefined,
): Promise<boolean> {
  const code = 'ProvisionedThroughputExceededException'
  try {
    await passSeam(options, `dynamodb.${operation}`, table, code)
    return false
  } catch (error) {
    if (error instanceof AwsError && error.code === code) return true
    throw error
  }
}

function parse(body: Buffer): Record<string, unknown> {
  let input: unknown
  try {
    input = JSON.parse(body.toString('utf8'))
  } catch (cause) {
    throw new AwsError('SerializationException', '', { cause })
  }
  if (!isObject(input)) throw new AwsError('SerializationException', 'Start of structure expected')
  const name = input['TableName']
  return typeof name === 'string' ? { ...input, TableName: tableName(name) } : { ...input }
}

function jsonAnswer(
  status: number,
  output: unknown,
  headers: Record<string, string> = {},
): ApiResponse {
  const body = JSON.stringify(output)
  return { status, headers: { ...headers, 'x-amz-crc32': String(crc32(body)) }, body }
}

/** DDB-13. */
function errorAnswer(error: AwsError): ApiResponse {
  const status = error.code === 'AccessDeniedException' ? 400 : error.status
  return jsonAnswer(
    status,
    {
      __type: `com.amazonaws.dynamodb.v20120810#${error.code}`,
      message: error.message,
      ...error.extra,
    },
    { 'x-amzn-errortype': error.code },
  )
}
