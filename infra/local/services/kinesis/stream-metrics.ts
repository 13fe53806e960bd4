import type { Clock, Metrics } from '../../platform/types.ts'

/** AWS/Kinesis by StreamName (KINESIS-10). What every record counts for is summed and published once a second. */
export interface StreamMetrics {
  incoming(streamName: string, bytes: number): void
  throttledWrite(streamName: string): void
  throttledRead(streamName: string): void
  read(streamName: string, records: number, ageMs: number): void
  start(): void
  stop(): void
}

export function createStreamMetrics(clock: Clock, metrics: Metrics): StreamMetrics {
  const sums = new Map<string, Map<string, number>>()
  let cancel: (() => void) | undefined

  const put = (streamName: string, name: string, value: number): void => {
    metrics.put({
      namespace: 'AWS/Kinesis',
      name,
      dimensions: { StreamName: streamName },
      value,
      unit: name.endsWith('Bytes')
        ? 'Bytes'
        : name.endsWith('Milliseconds')
          ? 'Milliseconds'
          : 'Count',
      timestampMs: clock.now(),
    })
  }
  const add = (streamName: string, name: string, value: number): void => {
    const ofStream = sums.get(streamName) ?? new Map<string, number>()
    sums.set(streamName, ofStream)
    ofStream.set(name, (ofStream.get(name) ?? 0) + value)
  }
  const flush = (): void => {
    for (const [streamName, ofStream] of sums) {
      for (const [name, value] of ofStream) put(streamName, name, value)
    }
    sums.clear()
  }

  return {
    incoming(streamName, bytes) {
      add(streamName, 'IncomingRecords', 1)
      add(streamName, 'IncomingBytes', bytes)
    },
    throttledWrite: (streamName) => put(streamName, 'WriteProvisionedThroughputExceeded', 1),
    throttledRead: (streamName) => put(streamName, 'ReadProvisionedThroughputExceeded', 1),
    read(streamName, records, ageMs) {
      add(streamName, 'GetRecords.Records', records)
      put(streamName, 'GetRecords.IteratorAgeMilliseconds', ageMs)
    },
    start() {
      cancel = clock.every(1000, flush)
    },
    stop() {
      cancel?.()
      flush()
    },
  }
}
