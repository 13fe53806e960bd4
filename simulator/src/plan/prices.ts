/** List price of one unit of work, US$ (us-east-1). */
export interface Price {
  readonly unit: string
  readonly dollars: number
  readonly source: string
}

/** When these were last looked up. Prices move rarely; look again before quoting. */
export const pricesAsOf = '2026-10-07'

const goldenFile = 'AWS Price List API (Infracost golden files), 2024-07-01'

export const prices = {
  webSocketMessage: {
    unit: 'message of up to 32 KB',
    dollars: 1 / 1e6,
    source: `${goldenFile}; first 1,000 million a month`,
  },
  webSocketMinute: { unit: 'connection minute', dollars: 0.25 / 1e6, source: goldenFile },
  lambdaRequest: { unit: 'invocation', dollars: 0.2 / 1e6, source: goldenFile },
  lambdaGbSecond: { unit: 'GB-second, arm64', dollars: 0.0000133334, source: goldenFile },
  dynamoWriteUnit: {
    unit: 'write request unit',
    dollars: 0.625 / 1e6,
    source: 'AWS Price List API (Infracost golden files), 2024-11-15',
  },
  dynamoReadUnit: {
    unit: 'read request unit',
    dollars: 0.125 / 1e6,
    source: 'AWS Price List API (Infracost golden files), 2024-11-15',
  },
  kinesisPutUnit: { unit: 'PUT unit of 25 KB', dollars: 0.014 / 1e6, source: goldenFile },
  kinesisShardHour: { unit: 'shard-hour', dollars: 0.015, source: goldenFile },
  iotRule: {
    unit: 'rule triggered, per 5 KB',
    dollars: 0.15 / 1e6,
    source: 'public cost notes, mid-2026; AWS example 2018-2022',
  },
  iotAction: {
    unit: 'rule action, per 5 KB',
    dollars: 0.15 / 1e6,
    source: 'public cost notes, mid-2026; AWS example 2018-2022',
  },
  iotMessage: {
    unit: 'message of up to 5 KB, Basic Ingest apart',
    dollars: 1 / 1e6,
    source: 'AWS pricing page, read 2026-10-07; first 1,000 million a month',
  },
  iotMinute: {
    unit: 'connection minute of a device',
    dollars: 0.08 / 1e6,
    source: 'AWS pricing page, read 2026-10-07',
  },
  logsGb: { unit: 'GB of logs taken in', dollars: 0.5, source: goldenFile },
} as const satisfies Readonly<Record<string, Price>>

export type Billed = keyof typeof prices

/** What would make the dearest unit cheaper, by what it is. */
export const levers: Readonly<Record<Billed, string>> = {
  webSocketMessage: 'a longer batching window: fewer, fuller frames for each person',
  webSocketMinute: 'close sockets of hidden pages',
  lambdaRequest: 'a longer batching window: fewer batches',
  lambdaGbSecond: 'less memory for deliver, or a longer batching window',
  dynamoWriteUnit:
    'compressed lane rows and heads, or a batching window of two seconds: both about halve the units',
  dynamoReadUnit: 'heads kept in the execution environment instead of read each batch',
  kinesisPutUnit: 'several readings in one message of a device',
  kinesisShardHour: 'more readings per shard: a shard takes a thousand a second',
  iotRule: 'several readings in one message of a device: a message of up to 5 KB is one unit',
  iotAction: 'several readings in one message of a device: a message of up to 5 KB is one unit',
  iotMessage: 'Basic Ingest, or several readings in one message of a device',
  iotMinute: 'devices that connect only to send',
  logsGb: 'sample the info lines of deliver',
}

const MAX_AGE_DAYS = 365

/** What to tell who reads a cost off a table that is older than twelve months; undefined while it is not. */
export function pricesWarning(nowMs: number): string | undefined {
  const days = Math.round((nowMs - Date.parse(pricesAsOf)) / 86_400_000)
  return days > MAX_AGE_DAYS
    ? `The prices are of ${pricesAsOf}, ${days} days ago: look them up again (simulator/src/plan/prices.ts).`
    : undefined
}
