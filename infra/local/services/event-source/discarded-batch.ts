import type { StreamRecordOut } from '../../platform/types.ts'

/** Records that the mapping discards, and why: for the on-failure destination. */
export interface DiscardedBatch {
  readonly condition: 'RetryAttemptsExhausted' | 'RecordAgeExceeded'
  readonly records: readonly StreamRecordOut[]
  readonly shardId: string
  readonly requestId: string
  /** Retries + 1 (KINESIS-29). */
  readonly invokeCount: number
  /** `Unhandled` when the function threw; null when it reported items (KINESIS-29). */
  readonly functionError: string | null
}

/** The message to the on-failure destination: where the records are, not what is in them (KINESIS-28, KINESIS-29). */
export function failureRecord(
  discarded: DiscardedBatch,
  context: { readonly functionArn: string; readonly streamArn: string; readonly nowMs: number },
): Readonly<Record<string, unknown>> {
  const { records } = discarded
  const first = records[0]
  const last = records.at(-1)
  const iso = (ms: number | undefined): string => new Date(ms ?? context.nowMs).toISOString()
  return {
    requestContext: {
      requestId: discarded.requestId,
      functionArn: context.functionArn,
      condition: discarded.condition,
      approximateInvokeCount: discarded.invokeCount,
    },
    ...(discarded.condition === 'RecordAgeExceeded'
      ? {}
      : {
          responseContext: {
            statusCode: 200,
            executedVersion: '$LATEST',
            functionError: discarded.functionError,
          },
        }),
    version: '1.0',
    timestamp: iso(context.nowMs),
    KinesisBatchInfo: {
      shardId: discarded.shardId,
      startSequenceNumber: first?.sequenceNumber,
      endSequenceNumber: last?.sequenceNumber,
      approximateArrivalOfFirstRecord: iso(first?.approximateArrivalMs),
      approximateArrivalOfLastRecord: iso(last?.approximateArrivalMs),
      batchSize: records.length,
      streamArn: context.streamArn,
    },
  }
}
