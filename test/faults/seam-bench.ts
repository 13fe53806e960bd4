import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch'
import { manualClock, type ManualClock } from '../../infra/local/platform/clock.ts'
import type { FaultRule } from '../../infra/local/platform/faults.ts'
import { startSystem, type System } from '../../infra/local/system.ts'
import { templateOfEverySeam } from './seam-template.ts'

export const names = {
  stream: 'readings',
  table: 'items',
  queue: 'work',
  topic: 'news',
  counter: 'counter',
  sleeper: 'sleeper',
  rule: 'Telemetry',
} as const

/** A small system that has something at every seam, on a clock that only moves when told. */
export interface SeamBench {
  readonly system: System
  readonly clock: ManualClock
  /** Settings of an AWS client that tries once. */
  readonly aws: {
    readonly endpoint: string
    readonly region: string
    readonly maxAttempts: 1
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  }
  inject(rule: FaultRule): void
  /** Faults injected so far. */
  injected(): number
  /** Texts in the stream, oldest first. */
  stored(): string[]
  /** Sum of a metric since the start. */
  sum(namespace: string, name: string, dimensions: Record<string, string>): Promise<number>
  /** Sum of a metric of the function that counts. */
  runs(name?: 'Invocations' | 'Errors' | 'Throttles', functionName?: string): Promise<number>
  /** Lets time pass, 20 ms at a time, until `look` is true. */
  eventually(look: () => boolean | Promise<boolean>, what: string): Promise<void>
  stop(): Promise<void>
}

const startMs = Date.UTC(2026, 0, 1)

export async function startSeamBench(): Promise<SeamBench> {
  const cdkOut = mkdtempSync(path.join(tmpdir(), 'gaugeline-seams-'))
  writeAssembly(cdkOut)
  const clock = manualClock(startMs)
  const system = await startSystem({ cdkOut, localKey: 'key', clock })
  const aws = {
    endpoint: system.endpoints.aws,
    region: system.endpoints.region,
    maxAttempts: 1,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  } as const
  const cloudwatch = new CloudWatchClient(aws)
  const { faults, services } = system

  const sum: SeamBench['sum'] = async (namespace, name, dimensions) => {
    // Counters are handed on once a second.
    await clock.advance(1_000)
    const { Datapoints = [] } = await cloudwatch.send(
      new GetMetricStatisticsCommand({
        Namespace: namespace,
        MetricName: name,
        Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
        StartTime: new Date(startMs),
        EndTime: new Date(clock.now() + 60_000),
        Period: 60,
        Statistics: ['Sum'],
      }),
    )
    return Datapoints.reduce((total, { Sum = 0 }) => total + Sum, 0)
  }
  await services.lambda.warm([names.counter, names.sleeper])
  return {
    system,
    clock,
    aws,
    sum,
    inject: (rule) => {
      faults.clear()
      faults.add(rule)
    },
    injected: () => faults.report().reduce((total, { injected }) => total + injected, 0),
    stored: () =>
      services.kinesis
        .shards(names.stream)
        .flatMap(({ shardId }) =>
          services.kinesis.read(names.stream, shardId, undefined, 10_000, 1e9),
        )
        .map((record) => Buffer.from(record.data).toString()),
    runs: (name = 'Invocations', functionName = names.counter) =>
      sum('AWS/Lambda', name, { FunctionName: functionName }),
    async eventually(look, what) {
      for (let turn = 0; turn < 1_000; turn++) {
        if (await look()) return
        await clock.advance(20)
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
      throw new Error(`waited in vain for ${what}`)
    },
    async stop() {
      await system.stop()
      rmSync(cdkOut, { recursive: true, force: true })
    },
  }
}

/** A cloud assembly as the CDK writes it: a function that answers at once, and one that never does. */
function writeAssembly(cdkOut: string): void {
  const asset = (id: string, objectKey: string) => ({
    source: { path: id },
    destinations: { here: { objectKey } },
  })
  const files: Readonly<Record<string, unknown>> = {
    'manifest.json': {
      artifacts: {
        Small: {
          type: 'aws:cloudformation:stack',
          properties: { templateFile: 'Small.template.json' },
        },
      },
    },
    'Small.metadata.json': {},
    'Small.template.json': { Resources: templateOfEverySeam(names) },
    'Small.assets.json': {
      files: { one: asset('asset.1', 'counter.zip'), two: asset('asset.2', 'sleeper.zip') },
    },
    'asset.1/index.mjs': 'export const handler = async () => ({ statusCode: 200 })',
    'asset.2/index.mjs':
      'export const handler = () => new Promise((resolve) => setTimeout(resolve, 3_600_000))',
  }
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(cdkOut, name)), { recursive: true })
    const text = typeof content === 'string' ? content : JSON.stringify(content)
    writeFileSync(path.join(cdkOut, name), text)
  }
}
