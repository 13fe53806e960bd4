import type { Timer } from '../clock.ts'
import type { CommandResults } from '../commands/ports.ts'
import type { Posts } from '../dispatch/ports.ts'
import type { Audiences } from '../fanout/ports.ts'
import type { HistoryReader, HistoryWriter } from '../history/ports.ts'
import type { Rejects } from '../ingest/ports.ts'
import type { SubscriberCounts } from '../subscriber-count/ports.ts'
import type { Log, MetricSink } from '../telemetry-sink.ts'

export interface DeliverPorts {
  readonly history: HistoryWriter & Pick<HistoryReader, 'rows' | 'heads'>
  readonly audiences: Audiences
  readonly rejects: Rejects
  readonly posts: Posts
  readonly results: CommandResults
  /** Absent: devices are not told how many watch them. */
  readonly subscriberCounts?: SubscriberCounts | undefined
  /** Removes every row of a connection that is gone. */
  readonly removeConnection: (connectionId: string) => Promise<unknown>
  readonly clock: Timer
  readonly metrics: MetricSink
  readonly log: Log
}
