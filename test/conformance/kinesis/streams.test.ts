import { mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  DescribeStreamCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  ListStreamsCommand,
  PutRecordCommand,
  PutRecordsCommand,
  type GetShardIteratorCommandInput,
} from '@aws-sdk/client-kinesis'
import { afterEach, describe, expect, it } from 'vitest'
import { createKinesis, type Kinesis } from '../../../infra/local/services/kinesis/index.ts'
import { awsFront, ground, keptAt, type AwsFront, type Ground } from '../../support/aws-front.ts'

const StreamName = 'readings'
let on: Ground
let front: AwsFront
let kinesis: Kinesis
let client: KinesisClient

async function start(
  options: {
    shards?: number
    limits?: boolean
    properties?: Record<string, unknown>
    path?: string
  } = {},
): Promise<void> {
  on = ground()
  kinesis = createKinesis({
    ...on,
    limits: options.limits ?? false,
    ...(options.path !== undefined && { kept: keptAt(on, options.path) }),
  })
  front = await awsFront(on, [kinesis])
  client = new KinesisClient(front.developer)
  await front.create('AWS::Kinesis::Stream', {
    Name: StreamName,
    ShardCount: options.shards ?? 1,
    ...options.properties,
  })
}
afterEach(async () => {
  client.destroy()
  await front.stop()
})

const put = (PartitionKey: string, text = 'x', more: object = {}) =>
  client.send(new PutRecordCommand({ StreamName, PartitionKey, Data: Buffer.from(text), ...more }))
async function iterator(more: Partial<GetShardIteratorCommandInput> = {}): Promise<string> {
  const answer = await client.send(
    new GetShardIteratorCommand({
      StreamName,
      ShardId: 'shardId-000000000000',
      ShardIteratorType: 'TRIM_HORIZON',
      ...more,
    }),
  )
  return answer.ShardIterator ?? ''
}
async function texts(ShardIterator: string, more: object = {}): Promise<string[]> {
  const { Records } = await client.send(new GetRecordsCommand({ ShardIterator, ...more }))
  return (Records ?? []).map((record) => Buffer.from(record.Data ?? '').toString())
}

describe('writing', () => {
  it('KINESIS-1, KINESIS-2: over 1,000 records in a second a shard refuses, in the next second it takes them', async () => {
    await start({ limits: true })
    const many = Array.from({ length: 500 }, () => ({ PartitionKey: 'a', Data: Buffer.from('x') }))
    await client.send(new PutRecordsCommand({ StreamName, Records: many }))
    await client.send(new PutRecordsCommand({ StreamName, Records: many }))
    await expect(put('a')).rejects.toMatchObject({
      name: 'ProvisionedThroughputExceededException',
      $metadata: { httpStatusCode: 400 },
    })
    await on.clock.advance(1000)
    await expect(put('a')).resolves.toBeDefined()
  })

  it('KINESIS-1: over 1 MB in a second a shard refuses', async () => {
    await start({ limits: true })
    await put('a', 'x'.repeat(700_000))
    await expect(put('a', 'x'.repeat(700_000))).rejects.toMatchObject({
      name: 'ProvisionedThroughputExceededException',
    })
  })

  it('KINESIS-3: a record holds up to 1 MiB', async () => {
    await start()
    await put('a', 'x'.repeat(1_048_576))
    await expect(put('a', 'x'.repeat(1_048_577))).rejects.toMatchObject({
      name: 'ValidationException',
    })
  })

  it('KINESIS-4: PutRecords answers in order, each record for itself, with 200', async () => {
    await start({ shards: 4 })
    on.faults.add({ seam: 'kinesis.put', every: 3, fault: { kind: 'throttle' } })
    const Records = ['a', 'b', 'c', 'd'].map((PartitionKey) => ({
      PartitionKey,
      Data: Buffer.from('x'),
    }))
    const answer = await client.send(new PutRecordsCommand({ StreamName, Records }))
    expect(answer.FailedRecordCount).toBe(1)
    expect(answer.Records?.map((record) => record.ErrorCode)).toEqual([
      undefined,
      undefined,
      'ProvisionedThroughputExceededException',
      undefined,
    ])
    const tooMany = Array.from({ length: 501 }, () => Records[0]!)
    await expect(
      client.send(new PutRecordsCommand({ StreamName, Records: tooMany })),
    ).rejects.toMatchObject({ name: 'ValidationException' })
  })

  it('KINESIS-5: the shard is the one whose range holds the MD5 of the key, unless ExplicitHashKey says otherwise', async () => {
    await start({ shards: 2 })
    // md5('a') = 0cc1…, md5('b') = 92eb…
    expect((await put('a')).ShardId).toBe('shardId-000000000000')
    expect((await put('b')).ShardId).toBe('shardId-000000000001')
    expect((await put('b', 'x', { ExplicitHashKey: '0' })).ShardId).toBe('shardId-000000000000')
    await expect(put('k'.repeat(257))).rejects.toMatchObject({ name: 'ValidationException' })
  })

  it('KINESIS-6, KINESIS-7: sequence numbers are 56 digits and increase with the order of the puts', async () => {
    await start()
    const numbers: string[] = []
    for (let n = 0; n < 20; n++) {
      numbers.push((await put('a', `${n}`)).SequenceNumber ?? '')
      await on.clock.advance(500)
    }
    expect(numbers.every((number) => /^\d{56}$/.test(number))).toBe(true)
    expect([...numbers].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))).toEqual(numbers)
    expect(await texts(await iterator())).toEqual(numbers.map((_, n) => `${n}`))
  })

  it('KINESIS-10: publishes incoming records and bytes by stream', async () => {
    await start()
    await put('a', 'hello')
    await put('a', 'hello')
    await on.clock.advance(1000)
    const value = (name: string) =>
      on.recorded.find((datum) => datum.namespace === 'AWS/Kinesis' && datum.name === name)
    expect(value('IncomingRecords')).toMatchObject({ value: 2, dimensions: { StreamName } })
    expect(value('IncomingBytes')).toMatchObject({ value: 10, unit: 'Bytes' })
  })
})

describe('reading', () => {
  it('KINESIS-8: records go after the retention, which is 24 hours unless the template says more', async () => {
    await start()
    await put('a', 'old')
    await on.clock.advance(23 * 3_600_000)
    await put('a', 'new')
    expect(await texts(await iterator())).toEqual(['old', 'new'])
    await on.clock.advance(2 * 3_600_000)
    expect(await texts(await iterator())).toEqual(['new'])
  })

  it('KINESIS-8: an iterator expires after five minutes', async () => {
    await start()
    const shardIterator = await iterator()
    await on.clock.advance(5 * 60_000)
    await expect(texts(shardIterator)).resolves.toEqual([])
    await on.clock.advance(1)
    await expect(texts(shardIterator)).rejects.toMatchObject({ name: 'ExpiredIteratorException' })
  })

  it('starts at a sequence number, after it, at a time, at the end', async () => {
    await start()
    const { SequenceNumber } = await put('a', '1')
    await on.clock.advance(1000)
    await put('a', '2')
    const from = (
      ShardIteratorType: GetShardIteratorCommandInput['ShardIteratorType'],
      more = {},
    ) => iterator({ ShardIteratorType, ...more })
    const at = { StartingSequenceNumber: SequenceNumber }
    expect(await texts(await from('AT_SEQUENCE_NUMBER', at))).toEqual(['1', '2'])
    expect(await texts(await from('AFTER_SEQUENCE_NUMBER', at))).toEqual(['2'])
    expect(await texts(await from('LATEST'))).toEqual([])
    const Timestamp = new Date(on.clock.now() - 500)
    expect(await texts(await from('AT_TIMESTAMP', { Timestamp }))).toEqual(['2'])
  })

  it('goes on with NextShardIterator and says how far behind it is', async () => {
    await start()
    await put('a', '1')
    await put('a', '2')
    await on.clock.advance(3000)
    const first = await client.send(
      new GetRecordsCommand({ ShardIterator: await iterator(), Limit: 1 }),
    )
    expect(first.MillisBehindLatest).toBe(3000)
    expect(await texts(first.NextShardIterator ?? '')).toEqual(['2'])
  })

  it('KINESIS-1: a shard takes five reads in a second', async () => {
    await start({ limits: true })
    const shardIterator = await iterator()
    for (let n = 0; n < 5; n++) await texts(shardIterator)
    await expect(texts(shardIterator)).rejects.toMatchObject({
      name: 'ProvisionedThroughputExceededException',
    })
  })

  it('CFN-16: describes the stream of the template', async () => {
    await start({ shards: 2, properties: { RetentionPeriodHours: 48 } })
    const { StreamDescription: described } = await client.send(
      new DescribeStreamCommand({ StreamName }),
    )
    expect(described).toMatchObject({
      StreamARN: 'arn:aws:kinesis:eu-west-1:000000000000:stream/readings',
      StreamStatus: 'ACTIVE',
      RetentionPeriodHours: 48,
      StreamModeDetails: { StreamMode: 'PROVISIONED' },
    })
    const { Shards } = await client.send(new ListShardsCommand({ StreamName }))
    expect(Shards?.map((shard) => shard.HashKeyRange)).toEqual([
      { StartingHashKey: '0', EndingHashKey: '170141183460469231731687303715884105727' },
      {
        StartingHashKey: '170141183460469231731687303715884105728',
        EndingHashKey: '340282366920938463463374607431768211455',
      },
    ])
    const summary = await client.send(new DescribeStreamSummaryCommand({ StreamName }))
    expect(summary.StreamDescriptionSummary?.OpenShardCount).toBe(2)
    expect((await client.send(new ListStreamsCommand({}))).StreamNames).toEqual([StreamName])
  })

  it('CFN-16: refuses a shard count with ON_DEMAND, which has four shards', async () => {
    await start()
    const onDemand = { Name: 'busy', StreamModeDetails: { StreamMode: 'ON_DEMAND' } }
    await expect(
      front.create('AWS::Kinesis::Stream', { ...onDemand, ShardCount: 1 }),
    ).rejects.toThrow('ShardCount 1 does not go with the mode ON_DEMAND')
    await front.create('AWS::Kinesis::Stream', onDemand)
    expect(kinesis.shards('busy')).toHaveLength(4)
  })
})

describe('callers', () => {
  it('a role may do what its policies allow, an unknown stream is not found', async () => {
    await start()
    on.denied.add('kinesis:PutRecord arn:aws:kinesis:eu-west-1:000000000000:stream/readings')
    const asRole = new KinesisClient(front.role)
    const input = { StreamName, PartitionKey: 'a', Data: Buffer.from('x') }
    await expect(asRole.send(new PutRecordCommand(input))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      $metadata: { httpStatusCode: 400 },
    })
    asRole.destroy()
    await expect(
      client.send(new PutRecordCommand({ ...input, StreamName: 'nothing' })),
    ).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
  })
})

describe('with a data directory', () => {
  it('keeps acknowledged records, their numbers and their order over a restart, and cuts off a torn line', async () => {
    const path = mkdtempSync(join(tmpdir(), 'kinesis-'))
    await start({ path })
    const first = await put('a', '1')
    await put('a', '2')
    client.destroy()
    await front.stop()
    const shard = join(path, StreamName, 'shardId-000000000000')
    const [segment = ''] = readdirSync(shard)
    const whole = Buffer.byteLength(
      `${JSON.stringify([first.SequenceNumber, on.clock.now(), 'a', 'MQ=='])}\n`,
    )
    truncateSync(join(shard, segment), whole * 2 - 5)

    await start({ path })
    const third = await put('a', '3')
    expect(await texts(await iterator())).toEqual(['1', '3'])
    expect(BigInt(third.SequenceNumber ?? 0)).toBeGreaterThan(BigInt(first.SequenceNumber ?? 0))
    rmSync(path, { recursive: true })
  })

  it('refuses a directory whose stream has another number of shards', async () => {
    const path = mkdtempSync(join(tmpdir(), 'kinesis-'))
    await start({ path })
    client.destroy()
    await front.stop()
    await start()
    const other = createKinesis({ ...on, kept: keptAt(on, path) })
    const [provider] = other.providers
    expect(() =>
      provider!.create({
        logicalId: 'Readings',
        type: 'AWS::Kinesis::Stream',
        properties: { Name: StreamName, ShardCount: 2 },
      }),
    ).toThrow('with 1 shards, the template has 2. Start with an empty --data-dir.')
    rmSync(path, { recursive: true })
  })
})
