import { CloudFormationClient, DescribeStackResourcesCommand } from '@aws-sdk/client-cloudformation'
import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StreamRecord } from '../../backend/src/contract.ts'
import type { Endpoints } from '../../infra/local/start/endpoints.ts'
import type { ProtocolClient } from '../support/client.ts'
import { waitFor } from '../support/wait.ts'
import { quantile, type Row } from './table.ts'

/** Issue 3, line 8. */
const MOST_POISON_DELAY_MS = 2_000
/** The local developer's key (docs/local.md). */
export const developer = { accessKeyId: 'local', secretAccessKey: 'local' }

/** Straight onto the stream, so that the broker's limits are not what is measured: one poison in a thousand, then nothing but poison. */
export async function poisonRows(
  endpoints: Endpoints,
  witness: ProtocolClient,
  topic: string,
): Promise<Row[]> {
  const stream = await streamOf(endpoints)
  const watched = { witness, topic, stream }
  const none = await delaysBehind(watched, { rounds: 5, poison: 0, good: 1_000 })
  const among = await delaysBehind(watched, { rounds: 5, poison: 1, good: 999 })
  const behind = await delaysBehind(watched, { rounds: 5, poison: 500, good: 20 })
  const row = (figure: string, delays: readonly number[]): Row => {
    const limit = quantile(none, 0.99) + MOST_POISON_DELAY_MS
    const value = quantile(delays, 0.99)
    return { figure, value, unit: 'ms', against: 'without poison + 2 s', limit }
  }
  return [
    row('p99 of good readings, one poison in a thousand', among),
    row('p99 of good readings behind 500 poisons', behind),
  ]
}

interface Watched {
  readonly witness: ProtocolClient
  readonly topic: string
  readonly stream: Stream
}

interface Stream {
  readonly client: KinesisClient
  readonly name: string
}

async function streamOf({ aws, region, stackName }: Endpoints): Promise<Stream> {
  const at = { endpoint: aws, region, credentials: developer }
  const { StackResources = [] } = await new CloudFormationClient(at).send(
    new DescribeStackResourcesCommand({ StackName: stackName }),
  )
  const found = StackResources.find(({ ResourceType }) => ResourceType === 'AWS::Kinesis::Stream')
  if (found?.PhysicalResourceId === undefined) throw new Error('the stack has no stream')
  return { client: new KinesisClient(at), name: found.PhysicalResourceId }
}

/** Each round one batch of records, poison first; how long each good reading took from then to the witness, who watches the device. */
async function delaysBehind(
  { witness, topic, stream }: Watched,
  {
    rounds,
    poison,
    good,
  }: { readonly rounds: number; readonly poison: number; readonly good: number },
): Promise<number[]> {
  const boot = `poison-${Date.now()}`
  const from = witness.received.length
  const sentMs: number[] = []
  const delays = (): number[] =>
    witness.received
      .slice(from)
      .flatMap(({ atMs, message }) =>
        message.type === 'data'
          ? message.blocks.flatMap((block) =>
              block.boot === boot
                ? (block.n ?? []).map((n) => atMs - (sentMs[n ?? 0] ?? atMs))
                : [],
            )
          : [],
      )
  for (let round = 0; round < rounds; round++) {
    const nowMs = Date.now()
    const readings = Array.from({ length: good }, (_, index) => {
      const n = round * good + index
      sentMs[n] = nowMs
      return JSON.stringify({ ts: nowMs, boot, n, metrics: { value: n } })
    })
    await putRecords(stream, topic, [...Array<string>(poison).fill('{"poison":'), ...readings])
    await sleep(Math.max(0, nowMs + 1_000 - Date.now()))
  }
  const expected = rounds * good
  await waitFor(() => delays().length >= expected || undefined, `${expected} good readings`, 60_000)
  return delays()
}

/** As the topic rule writes them (contract.ts, StreamRecord). */
async function putRecords(
  { client, name }: Stream,
  topic: string,
  payloads: readonly string[],
): Promise<void> {
  const clientId = topic.slice(topic.indexOf('/') + 1)
  const records = payloads.map((payload) => ({
    PartitionKey: topic,
    Data: Buffer.from(
      JSON.stringify({
        kind: 'telemetry',
        topic: `dt/${topic}/telemetry`,
        clientId,
        ts: Date.now(),
        data: Buffer.from(payload).toString('base64'),
      } satisfies StreamRecord),
    ),
  }))
  for (let at = 0; at < records.length; at += 500) {
    const Records = records.slice(at, at + 500)
    const { FailedRecordCount } = await client.send(
      new PutRecordsCommand({ StreamName: name, Records }),
    )
    if (FailedRecordCount) throw new Error(`${FailedRecordCount} records were refused`)
  }
}
