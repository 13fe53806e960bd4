import {
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  PutRecordCommand,
  PutRecordsCommand,
} from '@aws-sdk/client-kinesis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createKinesis } from '../../../infra/local/services/kinesis/index.ts'
import { awsFront, ground, type AwsFront } from '../../support/aws-front.ts'
import { fixtureResource } from '../fixture/resources.ts'
import { named, runId, target, targetClient } from '../target.ts'

let front: AwsFront | undefined
let client: KinesisClient
const streams: Record<string, string> = {}

beforeAll(async () => {
  if (target) {
    client = new KinesisClient(targetClient(target))
    Object.assign(streams, target.streams)
    return
  }
  const on = ground()
  front = await awsFront(on, [createKinesis({ ...on, limits: false })])
  client = new KinesisClient(front.developer)
  for (const logicalId of ['OneShard', 'TwoShards']) {
    const { type, properties } = fixtureResource(logicalId)
    streams[logicalId] = (await front.create(type, properties, logicalId)).ref
  }
})
afterAll(async () => {
  client.destroy()
  await front?.stop()
})

const stream = (logicalId: string): string => named(streams, logicalId)
const put = (logicalId: string, PartitionKey: string, text = 'x', more: object = {}) =>
  client.send(
    new PutRecordCommand({
      StreamName: stream(logicalId),
      PartitionKey,
      Data: Buffer.from(text),
      ...more,
    }),
  )

describe('records', () => {
  it('KINESIS-4: PutRecords answers in order, and takes at most 500 records', async () => {
    const StreamName = stream('TwoShards')
    const record = (PartitionKey: string) => ({ PartitionKey, Data: Buffer.from('x') })
    const answer = await client.send(
      new PutRecordsCommand({ StreamName, Records: ['b', 'a', 'b'].map(record) }),
    )
    expect(answer.FailedRecordCount).toBe(0)
    // md5('a') = 0cc1…, md5('b') = 92eb…
    expect(answer.Records?.map(({ ShardId }) => ShardId?.at(-1))).toEqual(['1', '0', '1'])
    const Records = Array.from({ length: 501 }, () => record('a'))
    await expect(client.send(new PutRecordsCommand({ StreamName, Records }))).rejects.toMatchObject(
      { name: 'ValidationException' },
    )
  })

  it('KINESIS-5: the shard is the one whose range holds the MD5 of the key, unless ExplicitHashKey says otherwise', async () => {
    expect((await put('TwoShards', 'a')).ShardId).toBe('shardId-000000000000')
    expect((await put('TwoShards', 'b')).ShardId).toBe('shardId-000000000001')
    const first = await put('TwoShards', 'b', 'x', { ExplicitHashKey: '0' })
    expect(first.ShardId).toBe('shardId-000000000000')
    await expect(put('TwoShards', 'k'.repeat(257))).rejects.toMatchObject({
      name: 'ValidationException',
    })
  })

  it('KINESIS-6, KINESIS-7: sequence numbers are 56 digits and increase with the order of the puts', async () => {
    const numbers: string[] = []
    for (let n = 0; n < 5; n++) {
      numbers.push((await put('OneShard', 'a', `${runId}-${n}`)).SequenceNumber ?? '')
    }
    expect(numbers.every((number) => /^\d{56}$/.test(number))).toBe(true)
    expect([...numbers].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))).toEqual(numbers)
    const texts: string[] = []
    let { ShardIterator } = await client.send(
      new GetShardIteratorCommand({
        StreamName: stream('OneShard'),
        ShardId: 'shardId-000000000000',
        ShardIteratorType: 'AT_SEQUENCE_NUMBER',
        StartingSequenceNumber: numbers[0],
      }),
    )
    // A read may be empty although there is more.
    for (let reads = 0; reads < 20 && texts.length < numbers.length; reads++) {
      const answer = await client.send(new GetRecordsCommand({ ShardIterator }))
      texts.push(...(answer.Records ?? []).map(({ Data }) => Buffer.from(Data ?? '').toString()))
      ShardIterator = answer.NextShardIterator
    }
    expect(texts.filter((text) => text.startsWith(runId))).toEqual(
      numbers.map((_, n) => `${runId}-${n}`),
    )
  })

  it('CFN-16: describes the stream of the template', async () => {
    const StreamName = stream('TwoShards')
    const { StreamDescriptionSummary: summary } = await client.send(
      new DescribeStreamSummaryCommand({ StreamName }),
    )
    expect(summary).toMatchObject({
      StreamName,
      StreamStatus: 'ACTIVE',
      OpenShardCount: 2,
      RetentionPeriodHours: 48,
      StreamModeDetails: { StreamMode: 'PROVISIONED' },
    })
    const { Shards } = await client.send(new ListShardsCommand({ StreamName }))
    expect(Shards?.map((shard) => shard.HashKeyRange?.StartingHashKey)).toEqual([
      '0',
      '170141183460469231731687303715884105728',
    ])
  })

  it('an unknown stream is not found', async () => {
    const input = { StreamName: 'GaugelineNothing', PartitionKey: 'a', Data: Buffer.from('x') }
    await expect(client.send(new PutRecordCommand(input))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    })
  })
})
