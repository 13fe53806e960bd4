import { metrics as names } from '../../contract.ts'
import type { Reject } from '../telemetry/decode-record.ts'
import type { Log, MetricSink } from '../telemetry-sink.ts'

/** How often something was found in a batch, and the topic it was first found on. */
export interface Finding {
  readonly count: number
  readonly firstTopic: string
}

/** What a batch brought, before anything is sent. */
export interface BatchFindings {
  readonly readings: readonly unknown[]
  readonly rejects: readonly Reject[]
  /** Readings that name another device than their topic. */
  readonly misnamed: Finding
  /** Readings that came before: the same again, and others under the same boot and counter. */
  readonly duplicates: number
  readonly conflicts: Finding
}

/** Counts it, and says in one line each what somebody will have to look at. Topics only, nothing of a payload. */
export function countBatch(
  found: BatchFindings,
  { metrics, log }: { readonly metrics: MetricSink; readonly log: Log },
): void {
  const { rejects, misnamed, duplicates, conflicts } = found
  metrics.count(names.heartbeat)
  metrics.count(names.readingsReceived, found.readings.length)
  if (duplicates > 0) metrics.count(names.readingsDuplicate, duplicates)
  if (conflicts.count > 0) {
    metrics.count(names.sequenceConflicts, conflicts.count)
    log.warn('readings dropped: their boot and counter belong to others', { ...conflicts })
  }
  if (misnamed.count > 0) {
    metrics.count(names.deviceMismatches, misnamed.count)
    log.warn('readings name another device than their topic', { ...misnamed })
  }
  const [first] = rejects
  if (!first) return
  metrics.count(names.readingsRejected, rejects.length)
  log.warn('records rejected', {
    count: rejects.length,
    firstReason: first.reason,
    firstTopic: first.topic,
    ...(first.byteOffset === undefined ? {} : { firstByteOffset: first.byteOffset }),
  })
}
