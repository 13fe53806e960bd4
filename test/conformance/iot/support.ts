import { connectAsync } from 'mqtt'
import type { IClientOptions, MqttClient } from 'mqtt'
import { manualClock } from '../../../infra/local/platform/clock.ts'
import type { ManualClock } from '../../../infra/local/platform/clock.ts'
import type {
  Authorization,
  Fault,
  Faults,
  MetricDatum,
  StreamPut,
} from '../../../infra/local/platform/types.ts'
import { AwsError } from '../../../infra/local/platform/errors.ts'
import { createIot } from '../../../infra/local/services/iot/index.ts'
import type { Iot } from '../../../infra/local/services/iot/index.ts'

export const account = { region: 'eu-west-1', accountId: '000000000000', stackName: 'Gaugeline' }

/** IoT with ports that remember what they were given. */
export interface IotBench {
  readonly iot: Iot
  readonly clock: ManualClock
  readonly puts: StreamPut[]
  readonly queued: { readonly queueArn: string; readonly body: string }[]
  readonly invoked: { readonly functionName: string; readonly payload: unknown }[]
  readonly metrics: MetricDatum[]
  /** Lines for the person at the terminal. */
  readonly told: string[]
  /** Set to make the stream fail. */
  failPut: AwsError | undefined
  /** Set to make the queues fail. */
  failSend: AwsError | undefined
  fault: ((seam: string, target?: string) => Fault | undefined) | undefined
  deniedActions: Set<string>
  connect(options?: IClientOptions): Promise<MqttClient>
  stop(): Promise<void>
}

export async function startIot(): Promise<IotBench> {
  const clients: MqttClient[] = []
  const clock = manualClock()
  const bench = {
    puts: [] as StreamPut[],
    queued: [] as IotBench['queued'],
    invoked: [] as IotBench['invoked'],
    metrics: [] as MetricDatum[],
    told: [] as string[],
    failPut: undefined as AwsError | undefined,
    failSend: undefined as AwsError | undefined,
    fault: undefined as IotBench['fault'],
    deniedActions: new Set<string>(),
  }
  const isAllowed: Authorization['isAllowed'] = (principal, action) =>
    principal.roleArn === undefined || !bench.deniedActions.has(action)
  const faults: Faults = { at: (seam, target) => bench.fault?.(seam, target) }
  const iot = createIot({
    clock,
    account,
    mqttPort: 0,
    tell: (line) => bench.told.push(line),
    faults,
    metrics: { put: (datum) => bench.metrics.push(datum) },
    authorization: {
      isAllowed,
      check(principal, action, resource) {
        if (!isAllowed(principal, action, resource))
          throw new AwsError('AccessDeniedException', `${action} denied`)
      },
      credentialsFor: () => ({ accessKeyId: '', secretAccessKey: '', sessionToken: '' }),
    },
    streams: {
      async put(record) {
        if (bench.failPut) throw bench.failPut
        bench.puts.push(record)
        return { shardId: 'shardId-000000000000', sequenceNumber: String(bench.puts.length) }
      },
      shards: () => [],
      read: () => [],
      latest: () => undefined,
      onRecords: () => () => undefined,
    },
    functions: {
      async invoke(request) {
        bench.invoked.push(request)
        return { requestId: '1', payload: undefined }
      },
      describe: (functionName) => ({ arn: functionName, timeoutSeconds: 3, memoryMb: 128 }),
    },
    queues: {
      async send(queueArn, body) {
        if (bench.failSend) throw bench.failSend
        bench.queued.push({ queueArn, body })
        return { messageId: '1' }
      },
    },
  })
  await iot.start()
  return Object.assign(bench, {
    iot,
    clock,
    async connect(options: IClientOptions = {}) {
      const client = await connectAsync(`mqtt://127.0.0.1:${iot.mqttPort()}`, {
        reconnectPeriod: 0,
        ...options,
      })
      clients.push(client)
      return client
    },
    async stop() {
      await Promise.all(clients.map((client) => client.endAsync(true)))
      await iot.stop()
    },
  })
}

/** Creates a resource of the template. */
export function create(iot: Iot, type: string, properties: Record<string, unknown>): void {
  const provider = iot.providers.find((candidate) => candidate.type === type)
  if (!provider) throw new TypeError(`no provider of ${type}`)
  void provider.create({
    logicalId: 'Resource',
    type,
    properties,
  })
}

/** A rule as the product has it: telemetry to a stream, errors to a queue. */
export function telemetryRule(overrides: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    RuleName: 'Telemetry',
    TopicRulePayload: {
      AwsIotSqlVersion: '2016-03-23',
      Sql: "SELECT 'telemetry' AS kind, topic() AS topic, clientid() AS clientId, timestamp() AS ts, encode(*, 'base64') AS data FROM 'dt/+/+/telemetry'",
      Actions: [
        {
          Kinesis: {
            StreamName: 'readings',
            PartitionKey: '${topic(2)}/${topic(3)}',
            RoleArn: 'arn:aws:iam::000000000000:role/rule',
          },
        },
      ],
      ErrorAction: {
        Sqs: {
          QueueUrl: 'http://127.0.0.1/000000000000/rule-errors',
          RoleArn: 'arn:aws:iam::000000000000:role/rule',
        },
      },
      ...overrides,
    },
  }
}
