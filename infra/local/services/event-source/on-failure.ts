import { DiskRefused } from '../../platform/disk.ts'
import type { Clock, Functions, Metrics, Queues, Topics } from '../../platform/types.ts'
import { failureRecord, type DiscardedBatch } from './discarded-batch.ts'
import { pause } from './pause.ts'
import type { StreamSettings } from './settings.ts'

export interface OnFailurePorts {
  readonly clock: Clock
  readonly functions: Functions
  readonly queues: Queues
  readonly topics: Topics
  readonly metrics: Metrics
}

/** After the disk refused. */
const AGAIN_MS = 1_000

/**
 * Describes a discarded batch to the mapping's destination. A destination that fails costs the message, not the shard: Lambda discards the
 * records and counts it (KINESIS-27; AWS, "Retain discarded batch records for a Kinesis Data Streams event source"). The disk below `--data-dir`
 * is no destination of AWS's: while it refuses, the shard waits, as whatever keeps something there does. Resolves to false when it was
 * stopped meanwhile: then the records are not at their end.
 */
export async function sendDiscardedBatch(
  discarded: DiscardedBatch,
  settings: StreamSettings,
  ports: OnFailurePorts & { readonly stopped: AbortSignal },
): Promise<boolean> {
  const destination = settings.onFailureArn
  if (destination === undefined) return true
  while (!ports.stopped.aborted) {
    try {
      await send(destination, recordOf(discarded, settings, ports), ports)
      return true
    } catch (error) {
      if (!(error instanceof DiskRefused)) {
        countFailure(settings, ports)
        return true
      }
      await pause(AGAIN_MS, ports)
    }
  }
  return false
}

function recordOf(
  discarded: DiscardedBatch,
  { functionName, sourceArn }: StreamSettings,
  { clock, functions }: OnFailurePorts,
): string {
  const { arn: functionArn } = functions.describe(functionName)
  return JSON.stringify(
    failureRecord(discarded, { functionArn, streamArn: sourceArn, nowMs: clock.now() }),
  )
}

async function send(
  destination: string,
  body: string,
  { queues, topics }: OnFailurePorts,
): Promise<void> {
  if (destination.startsWith('arn:aws:sns:')) await topics.publish(destination, { body })
  else await queues.send(destination, body)
}

function countFailure({ functionName }: StreamSettings, { clock, metrics }: OnFailurePorts): void {
  metrics.put({
    namespace: 'AWS/Lambda',
    name: 'DestinationDeliveryFailures',
    dimensions: { FunctionName: functionNameOf(functionName) },
    value: 1,
    unit: 'Count',
    timestampMs: clock.now(),
  })
}

/** Of a name or an ARN. */
export function functionNameOf(nameOrArn: string): string {
  return nameOrArn.split(':')[6] ?? nameOrArn
}
