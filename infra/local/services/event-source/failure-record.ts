import type { StreamRecordOut } from '../../platform/types.ts'

/** Why records were given up, for the on-failure destination. */
export interface GivenUp {
  readonly condition: 'RetryAttemptsExhausted' | 'RecordAgeExceeded'
  readonly records: readonly StreamRecordOut[]
  readonly shardId: string
  readonly requestId: string
  /** Retries + 1 (K29). */
  readonly invokeCount: number
  /** `Unhandled` when the function threw; null when it reported items (K29). */
  readonly functionError: string | null
}

/** The message to the on-failure destination: where the records are, not what is in them (K28, K29). */
export function failureRecord(
  givenUp: GivenUp,
  context: { readonly functionArn: string; readonly streamArn: string; readonly nowMs: number },
): Readonly<Record<string, unknown>> {
  const { records } = givenUp
  const first = records[0]
  const last = records.at(-1)
  const iso = (ms: number | undefined): string => new Date(ms ?? context.nowMs).toISOString()
  return {
    requestContext: {
      requestId: givenUp.requestId,
      functionArn: context.functionArn,
      condition: givenUp.condition,
      approximateInvokeCount: givenUp.invokeCount,
    },
    ...(givenUp.condition === 'RecordAgeExceeded'
      ? {}
      : {
          responseContext: {
            statusCode: 200,
            executedVersion: '$LATEST',
            functionError: givenUp.functionError,
          },
        }),
    version: '1.0',
    timestamp: iso(context.nowMs),
    KinesisBatchInfo: {
      shardId: givenUp.shardId,
      startSequenceNumber: first?.sequenceNumber,
      endSequenceNumber: last?.sequenceNumber,
      approximateArrivalOfFirstRecord: iso(first?.approximateArrivalMs),
      approximateArrivalOfLastRecord: iso(last?.approximateArrivalMs),
      batchSize: records.length,
      streamArn: context.streamArn,
    },
  }
}
