import { join } from 'node:path'
import { manualClock, type ManualClock } from '../../../infra/local/platform/clock.ts'
import { createFaults, type FaultControl } from '../../../infra/local/platform/faults.ts'
import type {
  Authorization,
  Functions,
  InvocationResult,
  MetricDatum,
  QueueSource,
  ResolvedResource,
} from '../../../infra/local/platform/types.ts'
import { createEventSourceMappings } from '../../../infra/local/services/event-source/index.ts'
import { createKinesis, type Kinesis } from '../../../infra/local/services/kinesis/index.ts'
import { keptAt } from '../../support/aws-front.ts'

export const account = { region: 'eu-west-1', accountId: '000000000000', stackName: 'Gaugeline' }
export const STREAM_ARN = 'arn:aws:kinesis:eu-west-1:000000000000:stream/readings'
export const FUNCTION_ARN = 'arn:aws:lambda:eu-west-1:000000000000:function:deliver'
export const DEAD_ARN = 'arn:aws:sqs:eu-west-1:000000000000:dead'

export interface StreamEventRecord {
  readonly kinesis: {
    readonly sequenceNumber: string
    readonly partitionKey: string
    readonly data: string
    readonly approximateArrivalTimestamp: number
  }
  readonly eventID: string
}

export interface Call {
  readonly records: readonly StreamEventRecord[]
  /** The data of the records as text. */
  readonly texts: readonly string[]
  readonly atMs: number
}

/** What the function does with a batch; undefined = succeeds with no answer. */
export type Behaviour = (
  call: Call,
) => Partial<InvocationResult> | undefined | Promise<Partial<InvocationResult> | undefined>

export interface World {
  readonly clock: ManualClock
  readonly kinesis: Kinesis
  readonly faults: FaultControl
  readonly calls: Call[]
  readonly sent: { readonly queueArn: string; readonly body: Record<string, unknown> }[]
  readonly metrics: MetricDatum[]
  behave(behaviour: Behaviour): void
  /** Has the destination fail until it is given nothing. */
  failSend(error: Error | undefined): void
  put(partitionKey: string, ...texts: string[]): Promise<string[]>
  map(properties?: Record<string, unknown>): Promise<void>
  /** The same mapping with other properties. */
  remap(properties?: Record<string, unknown>): Promise<void>
  /** Lets the time pass that a mapping waits for what is at work. */
  stop(): Promise<void>
}

export const allowAll: Authorization = {
  check: () => undefined,
  isAllowed: () => true,
  credentialsFor: () => ({ accessKeyId: 'A', secretAccessKey: 'S', sessionToken: 'T' }),
}

const noQueues: QueueSource = {
  receive: () => [],
  remove: () => undefined,
  onMessages: () => () => undefined,
}

export interface WorldOptions {
  readonly shards?: number
  /** Keeps stream and checkpoints there. */
  readonly directory?: string
  /** Of the clock, epoch ms. */
  readonly startMs?: number
  readonly tell?: (line: string) => void
}

/** A stream, a function of the test's choice and a mapping between them, on a clock that only moves when told. */
export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const clock = manualClock(options.startMs)
  const calls: Call[] = []
  const sent: World['sent'] = []
  const metrics: MetricDatum[] = []
  const faults = createFaults({ clock })
  let behaviour: Behaviour = () => undefined
  let sendFailure: Error | undefined
  const functions: Functions = {
    async invoke({ payload }) {
      const { Records: records } = payload as { Records: StreamEventRecord[] }
      const texts = records.map((record) => Buffer.from(record.kinesis.data, 'base64').toString())
      const call = { records, texts, atMs: clock.now() }
      calls.push(call)
      return { requestId: `request-${calls.length}`, payload: null, ...(await behaviour(call)) }
    },
    describe: () => ({ arn: FUNCTION_ARN, timeoutSeconds: 30, memoryMb: 256 }),
  }
  const base = { clock, account, authorization: allowAll, faults }
  const put = { put: (datum: MetricDatum) => void metrics.push(datum) }
  const keptIn = (name: string) =>
    options.directory === undefined
      ? undefined
      : keptAt({ clock }, join(options.directory, name), options.tell)
  const kinesis = createKinesis({ ...base, metrics: put, kept: keptIn('kinesis') })
  const mappings = createEventSourceMappings({
    ...base,
    kept: keptIn('checkpoints'),
    metrics: put,
    functions,
    streams: kinesis,
    queueSource: noQueues,
    queues: {
      send(queueArn, body) {
        if (sendFailure) return Promise.reject(sendFailure)
        sent.push({ queueArn, body: JSON.parse(body) as Record<string, unknown> })
        return Promise.resolve({ messageId: 'm' })
      },
    },
    topics: { publish: () => Promise.resolve() },
  })
  await kinesis.start()
  await kinesis.providers[0]!.create({
    logicalId: 'Readings',
    type: 'AWS::Kinesis::Stream',
    properties: { Name: 'readings', ShardCount: options.shards ?? 1 },
  })
  return {
    clock,
    kinesis,
    faults,
    calls,
    sent,
    metrics,
    behave(next) {
      behaviour = next
    },
    failSend(error) {
      sendFailure = error
    },
    async put(partitionKey, ...texts) {
      const puts = texts.map((text) =>
        kinesis.put({ streamName: 'readings', partitionKey, data: Buffer.from(text) }),
      )
      const sequenceNumbers = (await Promise.all(puts)).map((put) => put.sequenceNumber)
      await clock.advance(0)
      return sequenceNumbers
    },
    async map(properties = {}) {
      await mappings.providers[0]!.create(mappingResource(properties))
    },
    async remap(properties = {}) {
      await mappings.providers[0]!.update!(mappingResource(properties), mappingResource({}))
    },
    async stop() {
      const stopped = mappings.stop()
      await clock.advance(3000)
      await stopped
      await kinesis.stop()
    },
  }
}

function mappingResource(properties: Record<string, unknown>): ResolvedResource {
  return {
    logicalId: 'Mapping',
    type: 'AWS::Lambda::EventSourceMapping',
    properties: {
      EventSourceArn: STREAM_ARN,
      FunctionName: 'deliver',
      StartingPosition: 'TRIM_HORIZON',
      ...properties,
    },
  }
}
