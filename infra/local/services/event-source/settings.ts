import { AwsError } from '../../platform/errors.ts'
import type { Fields } from '../../platform/fields.ts'

/** What every mapping has. Times in milliseconds; Infinity = no bound. */
export interface MappingSettings {
  /** UUID: what `Ref` gives. */
  readonly id: string
  readonly sourceArn: string
  readonly functionName: string
  readonly batchSize: number
  readonly windowMs: number
  readonly reportsItemFailures: boolean
}

export interface StreamSettings extends MappingSettings {
  readonly streamName: string
  readonly parallelization: number
  readonly bisect: boolean
  /** Attempts after the first. */
  readonly maxRetries: number
  readonly maxAgeMs: number
  readonly startingPosition: 'LATEST' | 'TRIM_HORIZON' | 'AT_TIMESTAMP'
  /** Epoch ms, for AT_TIMESTAMP. */
  readonly startingMs: number
  /** Queue or topic ARN. */
  readonly onFailureArn: string | undefined
}

export interface QueueSettings extends MappingSettings {
  readonly maxConcurrency: number
}

/** Lambda starts with five batches of a queue at once. Source: Lambda Developer Guide, "Understanding the scaling behavior of SQS". */
const QUEUE_CONCURRENCY = 5

/** Reads the settings of a Kinesis mapping; throws AwsError `InvalidParameterValueException` outside AWS's ranges (KINESIS-13, KINESIS-17, KINESIS-20, KINESIS-21). */
export function streamSettings(id: string, properties: Fields): StreamSettings {
  const common = commonSettings(id, properties, { defaultBatch: 100, maxBatch: 10_000 })
  const starting = properties.text('StartingPosition')
  if (starting !== 'LATEST' && starting !== 'TRIM_HORIZON' && starting !== 'AT_TIMESTAMP') {
    throw invalid(`StartingPosition ${starting} is not one of LATEST, TRIM_HORIZON, AT_TIMESTAMP`)
  }
  return {
    ...common,
    streamName: common.sourceArn.slice(common.sourceArn.lastIndexOf('/') + 1),
    parallelization: within(properties, 'ParallelizationFactor', { min: 1, max: 10, absent: 1 }),
    bisect: properties.optionalBoolean('BisectBatchOnFunctionError') ?? false,
    maxRetries: orInfinity(
      within(properties, 'MaximumRetryAttempts', { min: -1, max: 10_000, absent: -1 }),
    ),
    maxAgeMs: orInfinity(recordAgeSeconds(properties)) * 1000,
    startingPosition: starting,
    startingMs: (properties.optionalInteger('StartingPositionTimestamp') ?? 0) * 1000,
    onFailureArn: properties
      .nested('DestinationConfig')
      ?.nested('OnFailure')
      ?.optionalText('Destination'),
  }
}

/** Reads the settings of an SQS mapping. */
export function queueSettings(id: string, properties: Fields): QueueSettings {
  const common = commonSettings(id, properties, { defaultBatch: 10, maxBatch: 10_000 })
  if (common.batchSize > 10 && common.windowMs < 1000) {
    // KINESIS-14
    throw invalid(
      `Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10 (BatchSize is ${common.batchSize})`,
    )
  }
  return {
    ...common,
    maxConcurrency:
      properties.nested('ScalingConfig')?.optionalInteger('MaximumConcurrency') ??
      QUEUE_CONCURRENCY,
  }
}

function commonSettings(
  id: string,
  properties: Fields,
  sizes: { readonly defaultBatch: number; readonly maxBatch: number },
): MappingSettings {
  const functionName = properties.text('FunctionName')
  return {
    id,
    sourceArn: properties.text('EventSourceArn'),
    functionName,
    batchSize: within(properties, 'BatchSize', {
      min: 1,
      max: sizes.maxBatch,
      absent: sizes.defaultBatch,
    }),
    windowMs:
      within(properties, 'MaximumBatchingWindowInSeconds', { min: 0, max: 300, absent: 0 }) * 1000,
    reportsItemFailures: properties
      .texts('FunctionResponseTypes')
      .includes('ReportBatchItemFailures'),
  }
}

function within(
  properties: Fields,
  name: string,
  range: { readonly min: number; readonly max: number; readonly absent: number },
): number {
  const value = properties.optionalInteger(name) ?? range.absent
  if (value >= range.min && value <= range.max) return value
  throw invalid(`${name} ${value} is not between ${range.min} and ${range.max}`)
}

/** −1, or 60 to 604,800 seconds. Source: Lambda API, CreateEventSourceMapping. */
function recordAgeSeconds(properties: Fields): number {
  const seconds = properties.optionalInteger('MaximumRecordAgeInSeconds') ?? -1
  if (seconds === -1 || (seconds >= 60 && seconds <= 604_800)) return seconds
  throw invalid(`MaximumRecordAgeInSeconds ${seconds} is neither -1 nor between 60 and 604800`)
}

function orInfinity(value: number): number {
  return value === -1 ? Number.POSITIVE_INFINITY : value
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message)
}
