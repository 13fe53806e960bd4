import { KinesisClient, PutRecordCommand } from '@aws-sdk/client-kinesis'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { kinesisStream } from '../../backend/src/adapters/kinesis-stream.ts'
import type { KeptRecord, StreamRange } from '../../backend/src/core/redrive/ports.ts'
import { createKinesis } from '../../infra/local/services/kinesis/index.ts'
import { awsFront, ground, type AwsFront } from '../support/aws-front.ts'

const shardId = 'shardId-000000000000'
let front: AwsFront
let client: KinesisClient
beforeEach(async () => {
  const on = ground()
  front = await awsFront(on, [createKinesis({ ...on, limits: true })])
  client = new KinesisClient({ ...front.developer, maxAttempts: 1 })
  await front.create('AWS::Kinesis::Stream', { Name: 'readings', ShardCount: 1 })
})
afterEach(async () => {
  client.destroy()
  await front.stop()
})

const stream = () => kinesisStream({ client, streamName: 'readings' })
const records = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    partitionKey: `device-${i % 7}`,
    data: Buffer.from(String(i)),
  }))
async function put(text: string): Promise<string> {
  const answer = await client.send(
    new PutRecordCommand({ StreamName: 'readings', PartitionKey: 'd', Data: Buffer.from(text) }),
  )
  return answer.SequenceNumber!
}
async function read(range: Omit<StreamRange, 'shardId'>): Promise<KeptRecord[]> {
  const all: KeptRecord[] = []
  for await (const page of stream().read({ shardId, ...range })) all.push(...page)
  return all
}
const textOf = ({ data }: KeptRecord): string => Buffer.from(data).toString()

it('KINESIS-4: puts more than one call’s worth in order, and returns what a full shard refused', async () => {
  const first = await put('first')
  const left = await stream().put(records(1_200))
  const last = await put('last').catch(() => undefined)
  expect(last).toBeUndefined()
  // KINESIS-3: a shard takes 1,000 records a second, and one was in it.
  expect(left.map(({ data }) => Number(data.toString()))).toEqual(
    Array.from({ length: 201 }, (_, i) => 999 + i),
  )
  const kept = await read({ startSequenceNumber: first, endSequenceNumber: '9'.repeat(56) })
  expect(kept.map(textOf)).toEqual(['first', ...Array.from({ length: 999 }, (_, i) => String(i))])
})

it('reads exactly a range, with keys, times and bytes', async () => {
  const numbers = []
  for (const text of ['a', 'b', 'c', 'd']) numbers.push(await put(text))
  const range = { startSequenceNumber: numbers[1]!, endSequenceNumber: numbers[2]! }
  const kept = await read(range)
  expect(
    kept.map((record) => [record.sequenceNumber, record.partitionKey, textOf(record)]),
  ).toEqual([
    [numbers[1], 'd', 'b'],
    [numbers[2], 'd', 'c'],
  ])
  expect(kept[0]!.arrivalMs).toBeGreaterThan(0)
})

it('throws when the stream cannot be reached at all', async () => {
  await expect(
    kinesisStream({ client, streamName: 'other' }).put(records(1)),
  ).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
})
