import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Kept } from '../../platform/kept.ts'
import { AwsError, StartError } from '../../platform/errors.ts'
import { FileDamaged, readJsonFile, writeJsonFile } from '../../platform/json-file.ts'
import { passSeam } from '../../platform/seam.ts'
import type {
  Account,
  ApiHandler,
  Authorization,
  Clock,
  Faults,
  Metrics,
  ResourceService,
  Streams,
} from '../../platform/types.ts'
import { kinesisApi } from './api.ts'
import { openShardLog } from './shard-log.ts'
import { createStreamMetrics } from './stream-metrics.ts'
import { streamProvider, type StreamShape } from './stream-provider.ts'
import { createStream, type Stream } from './stream.ts'

const TRIM_INTERVAL_MS = 60_000
/** KINESIS-1: reads of a shard in a second, all consumers together. */
const READS_PER_SECOND = 5

export interface KinesisOptions {
  readonly clock: Clock
  readonly account: Account
  readonly authorization: Authorization
  readonly metrics: Metrics
  readonly faults?: Faults
  /** Enforces KINESIS-1's rates; off when absent. */
  readonly limits?: boolean
  /** Keeps the records across restarts; in memory when absent. */
  readonly kept?: Kept | undefined
}

export interface Kinesis extends ResourceService, Streams {
  readonly api: ApiHandler
}

/** Kinesis data streams in process. Seam `kinesis.put`, target = stream name; a duplicate stores the record again (a producer's retry). */
export function createKinesis(options: KinesisOptions): Kinesis {
  const { clock } = options
  const streams = new Map<string, Stream>()
  const metrics = createStreamMetrics(clock, options.metrics)
  const reads = new Map<string, { second: number; count: number }>()
  let cancelTrim: (() => void) | undefined

  const find = (name: string): Stream => {
    const stream = streams.get(name)
    if (stream) return stream
    throw new AwsError(
      'ResourceNotFoundException',
      `Stream ${name} under account ${options.account.accountId} not found.`,
    )
  }
  const open = (shape: StreamShape): Stream => {
    const existing = streams.get(shape.name)
    if (existing) return existing
    const stream = openStream(shape, options)
    streams.set(shape.name, stream)
    return stream
  }
  const remove = (name: string): void => {
    streams.get(name)?.close()
    streams.delete(name)
    if (options.kept) rmSync(join(options.kept.path, name), { recursive: true, force: true })
  }
  const admitRead = (stream: Stream, shardId: string): void => {
    if (options.limits !== true) return
    const key = `${stream.name}/${shardId}`
    const second = Math.floor(clock.monotonic() / 1000)
    const count = reads.get(key)?.second === second ? (reads.get(key)?.count ?? 0) + 1 : 1
    reads.set(key, { second, count })
    if (count <= READS_PER_SECOND) return
    metrics.throttledRead(stream.name)
    throw new AwsError(
      'ProvisionedThroughputExceededException',
      `Rate exceeded for shard ${shardId}.`,
    )
  }

  const port: Streams = {
    async put(record) {
      const stream = find(record.streamName)
      try {
        const extra = await passSeam(
          options,
          'kinesis.put',
          record.streamName,
          'ProvisionedThroughputExceededException',
        )
        const first = await stream.put(record)
        for (let times = 0; times < extra; times++) await stream.put(record)
        metrics.incoming(record.streamName, record.data.length)
        return first
      } catch (error) {
        const isThrottle =
          error instanceof AwsError && error.code === 'ProvisionedThroughputExceededException'
        if (isThrottle) metrics.throttledWrite(record.streamName)
        throw error
      }
    },
    shards: (name) => find(name).shards.map(({ shardId }) => ({ shardId, closed: false })),
    // eslint-disable-next-line max-params -- the port of the platform has five
    read(name, shardId, after, limit, maxBytes) {
      const records = find(name).shard(shardId).read(after, limit, maxBytes)
      const last = records.at(-1)
      // A look at one record is the mapping asking what is left, not a read.
      if (last && limit > 1) metrics.read(name, records.length, clock.monotonic() - last.arrivedMs)
      return records
    },
    latest: (name, shardId) => find(name).shard(shardId).latest(),
    onRecords: (name, listener) => addTo(find(name).listeners, listener),
    hold: (name, finished) => addTo(find(name).holds, finished),
  }

  return {
    ...port,
    name: 'kinesis',
    providers: [streamProvider(options.account, { open, remove })],
    api: kinesisApi({
      ...options,
      streams: port,
      find,
      admitRead,
      names: () => [...streams.keys()],
    }),
    start() {
      metrics.start()
      cancelTrim = clock.every(TRIM_INTERVAL_MS, () => {
        for (const stream of streams.values()) stream.trim()
      })
      return Promise.resolve()
    },
    stop() {
      cancelTrim?.()
      metrics.stop()
      for (const stream of streams.values()) stream.close()
      return Promise.resolve()
    },
  }
}

function addTo<T>(set: Set<T>, value: T): () => void {
  set.add(value)
  return () => {
    set.delete(value)
  }
}

function openStream(shape: StreamShape, options: KinesisOptions): Stream {
  const base = { ...shape, clock: options.clock, limits: options.limits === true }
  const { kept } = options
  if (!kept) return createStream({ ...base, createdMs: options.clock.now() })
  const directory = join(kept.path, shape.name)
  return createStream({
    ...base,
    createdMs: keptCreation(directory, shape, options.clock.now()),
    openLog: (shardId, restored) =>
      openShardLog({ ...kept, path: join(directory, shardId) }, restored),
  })
}

/** Throws StartError `DATA_DIR_STREAM`: without the creation time, new records could come before those that were delivered. */
function readCreation(file: string): { createdMs: number; shardCount: number } | undefined {
  try {
    return readJsonFile(file) as { createdMs: number; shardCount: number } | undefined
  } catch (cause) {
    if (!(cause instanceof FileDamaged)) throw cause
    throw new StartError(
      'DATA_DIR_STREAM',
      `${file} cannot be read: ${cause.message}. Restore it from a copy, or start with an empty --data-dir.`,
      { cause },
    )
  }
}

/** When the stream in a data directory was made; sequence numbers go on from there. Throws StartError when it has other shards. */
function keptCreation(directory: string, shape: StreamShape, nowMs: number): number {
  const file = join(directory, 'stream.json')
  const kept = readCreation(file)
  if (kept === undefined) {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    writeJsonFile(file, { createdMs: nowMs, shardCount: shape.shardCount })
    return nowMs
  }
  if (kept.shardCount === shape.shardCount) return kept.createdMs
  throw new StartError(
    'DATA_DIR_OTHER_TEMPLATE',
    `${directory} holds stream ${shape.name} with ${kept.shardCount} shards, the template has ${shape.shardCount}. Start with an empty --data-dir.`,
  )
}
