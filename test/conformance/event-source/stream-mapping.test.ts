import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createWorld, DEAD_ARN, FUNCTION_ARN, STREAM_ARN, type World } from './world.ts'

let world: World
afterEach(() => world.stop())

const failing = { functionError: 'Unhandled' as const }
const reports = (...ids: unknown[]): { payload: unknown } => ({
  payload: { batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })) },
})

describe('event source mapping of a stream', () => {
  it('KINESIS-15: hands the documented record to the function', async () => {
    world = await createWorld()
    await world.map()
    const [sequenceNumber] = await world.put('pump-7', 'hello')
    await world.clock.advance(20)
    expect(world.calls[0]?.records).toEqual([
      {
        kinesis: {
          kinesisSchemaVersion: '1.0',
          partitionKey: 'pump-7',
          sequenceNumber,
          data: 'aGVsbG8=',
          approximateArrivalTimestamp: Date.UTC(2026, 0, 1) / 1000,
        },
        eventSource: 'aws:kinesis',
        eventVersion: '1.0',
        eventID: `shardId-000000000000:${sequenceNumber}`,
        eventName: 'aws:kinesis:record',
        invokeIdentityArn: 'arn:aws:iam::000000000000:role/unknown',
        awsRegion: 'eu-west-1',
        eventSourceARN: STREAM_ARN,
      },
    ])
  })

  it('KINESIS-12: one invocation holds records of one shard only', async () => {
    world = await createWorld({ shards: 4 })
    await world.map()
    for (let device = 0; device < 40; device++) await world.put(`device-${device}`, 'x')
    await world.clock.advance(20)
    const shardsOf = world.calls.map(
      (call) => new Set(call.records.map((record) => record.eventID.split(':')[0])).size,
    )
    expect(shardsOf).toEqual([1, 1, 1, 1])
    expect(world.calls.flatMap((call) => call.texts)).toHaveLength(40)
  })

  it('KINESIS-13: a full batch goes at once, the rest when the window has passed', async () => {
    world = await createWorld()
    await world.map({ BatchSize: 3, MaximumBatchingWindowInSeconds: 5 })
    await world.put('a', '1', '2', '3', '4')
    await world.clock.advance(10)
    expect(world.calls.map((call) => call.texts)).toEqual([['1', '2', '3']])
    await world.clock.advance(4980)
    expect(world.calls).toHaveLength(1)
    await world.clock.advance(20)
    expect(world.calls[1]?.texts).toEqual(['4'])
  })

  it('KINESIS-13: a batch ends before the payload passes 6 MB', async () => {
    world = await createWorld()
    await world.map()
    await world.put('a', ...Array.from({ length: 6 }, () => 'x'.repeat(1_000_000)))
    await world.clock.advance(20)
    expect(world.calls.map((call) => call.texts.length)).toEqual([4, 2])
  })

  it('KINESIS-16: a failing batch blocks its shard, other shards go on', async () => {
    world = await createWorld({ shards: 2 })
    world.behave(({ texts }) => (texts.includes('poison') ? failing : undefined))
    await world.map({ BatchSize: 1 })
    const keys = ['a', 'b', 'c', 'd', 'e', 'f']
    await world.put('poisoned', 'poison')
    for (const key of [...keys, 'poisoned']) await world.put(key, key)
    await world.clock.advance(60_000)
    const delivered = world.calls.flatMap((call) => call.texts).filter((text) => text !== 'poison')
    const blocked = world.kinesis
      .read('readings', shardOf(world, 'poisoned'), undefined, 100, 1e6)
      .map((record) => record.data.toString())
    expect(delivered.length).toBeGreaterThan(0)
    expect(delivered.filter((text) => blocked.includes(text))).toEqual([])
    expect(world.calls.filter((call) => call.texts[0] === 'poison').length).toBeGreaterThan(5)
  })

  it('KINESIS-17: without a bound a record is retried until the retention removes it', async () => {
    world = await createWorld()
    world.behave(({ texts }) => (texts.includes('poison') ? failing : undefined))
    await world.map({ BatchSize: 1 })
    await world.put('a', 'poison')
    await world.clock.advance(23.9 * 3_600_000)
    await world.put('a', 'good')
    expect(world.calls.some((call) => call.texts.includes('good'))).toBe(false)
    await world.clock.advance(0.3 * 3_600_000)
    expect(world.calls.at(-1)?.texts).toEqual(['good'])
    expect(world.sent).toEqual([])
  })

  it('KINESIS-18: throttles do not use up retries', async () => {
    world = await createWorld()
    world.faults.add({ seam: 'esm.deliver', count: 5, fault: { kind: 'throttle' } })
    await world.map({ MaximumRetryAttempts: 0 })
    await world.put('a', '1')
    await world.clock.advance(20_000)
    expect(world.calls.map((call) => call.texts)).toEqual([['1']])
  })

  it('KINESIS-19: bisecting isolates the poison record and does not count as a retry', async () => {
    world = await createWorld()
    world.behave(({ texts }) => (texts.includes('3') ? failing : undefined))
    await world.map({
      BisectBatchOnFunctionError: true,
      MaximumRetryAttempts: 1,
      DestinationConfig: { OnFailure: { Destination: DEAD_ARN } },
    })
    await world.put('a', '1', '2', '3', '4')
    await world.clock.advance(5000)
    expect(world.calls.map((call) => call.texts.join(''))).toEqual([
      '1234',
      '12',
      '34',
      '3',
      '3',
      '4',
    ])
    expect(world.sent).toHaveLength(1)
  })

  it('KINESIS-18, KINESIS-19: a record that bisecting has singled out is tried again with growing pauses, one more than its retries', async () => {
    world = await createWorld()
    world.behave(({ texts }) => (texts.includes('bad') ? failing : undefined))
    await world.map({
      BisectBatchOnFunctionError: true,
      MaximumRetryAttempts: 50,
      DestinationConfig: { OnFailure: { Destination: DEAD_ARN } },
    })
    await world.put('a', 'good', 'bad')
    await world.clock.advance(10 * 60_000)
    const alone = world.calls.filter(({ texts }) => texts.join() === 'bad').map(({ atMs }) => atMs)
    const pauses = alone.slice(1).map((atMs, index) => atMs - alone[index]!)
    expect(alone).toHaveLength(51)
    expect(pauses.slice(0, 4)).toEqual([100, 200, 400, 800])
    expect(pauses.every((ms) => ms >= 100)).toBe(true)
    expect(world.sent).toHaveLength(1)
  })

  it('KINESIS-19: a function that always fails is not called back to back, however many records it has', async () => {
    world = await createWorld()
    world.behave(() => failing)
    await world.map({ BisectBatchOnFunctionError: true, MaximumRetryAttempts: 0 })
    await world.put('a', ...Array.from({ length: 64 }, (_, index) => `${index}`))
    await world.clock.advance(1000)
    // The first split down to one record, then a record and its neighbours at a time.
    expect(world.calls.length).toBeLessThan(40)
  })

  it('KINESIS-20: with a parallelization factor batches run at once, never two with the same key', async () => {
    world = await createWorld()
    const running = new Map<string, number>()
    let most = 0
    let together = 0
    world.behave(async ({ records }) => {
      const keys = [...new Set(records.map((record) => record.kinesis.partitionKey))]
      for (const key of keys) running.set(key, (running.get(key) ?? 0) + 1)
      most = Math.max(most, ...running.values())
      together = Math.max(together, [...running.values()].filter((count) => count > 0).length)
      await new Promise<void>((resolve) => world.clock.after(50, resolve))
      for (const key of keys) running.set(key, (running.get(key) ?? 0) - 1)
      return undefined
    })
    await world.map({ BatchSize: 1, ParallelizationFactor: 4 })
    for (let n = 0; n < 5; n++) for (const key of 'abcdefgh') await world.put(key, `${key}${n}`)
    await world.clock.advance(5000)
    expect(most).toBe(1)
    expect(together).toBeGreaterThan(1)
    const order = world.calls.flatMap((call) => call.texts)
    expect(order).toHaveLength(40)
    for (const key of 'abcdefgh') {
      expect(order.filter((text) => text.startsWith(key))).toEqual(
        [0, 1, 2, 3, 4].map((n) => `${key}${n}`),
      )
    }
  })

  it.each([
    ['TRIM_HORIZON', {}, ['old', 'new']],
    ['LATEST', {}, ['new']],
    ['AT_TIMESTAMP', { StartingPositionTimestamp: Date.UTC(2026, 0, 1) / 1000 + 5 }, ['new']],
  ])('KINESIS-21: %s starts where it says', async (startingPosition, more, expected) => {
    world = await createWorld()
    await world.put('a', 'old')
    await world.clock.advance(10_000)
    await world.map({ StartingPosition: startingPosition, ...more })
    await world.put('a', 'new')
    await world.clock.advance(50)
    expect(world.calls.flatMap((call) => call.texts)).toEqual(expected)
  })

  it.each([
    ['an empty shard', []],
    ['a shard with records', ['old']],
  ])(
    'KINESIS-21: LATEST on %s stays where it began when the process is killed before a batch is finished',
    async (_, old) => {
      const directory = mkdtempSync(join(tmpdir(), 'mapping-'))
      world = await createWorld({ directory })
      await world.put('a', ...old)
      await world.map({ StartingPosition: 'LATEST' })
      world.behave(() => failing)
      await world.put('a', 'new')
      await world.clock.advance(50)
      // Another process on the same directory; this one never ends its batch.
      const after = await createWorld({ directory })
      await after.map({ StartingPosition: 'LATEST' })
      await after.clock.advance(50)
      await after.stop()
      rmSync(directory, { recursive: true })
      expect(after.calls.flatMap((call) => call.texts)).toEqual(['new'])
    },
  )

  it('KINESIS-22, KINESIS-24: retries from the lowest reported record on, the later successes too', async () => {
    world = await createWorld()
    await world.map({ FunctionResponseTypes: ['ReportBatchItemFailures'] })
    const ids = await world.put('a', '1', '2', '3', '4', '5')
    world.behave(() => (world.calls.length === 1 ? reports(ids[3], ids[2]) : undefined))
    await world.clock.advance(1000)
    expect(world.calls.map((call) => call.texts.join(''))).toEqual(['12345', '345'])
  })

  it.each([
    ['an empty list', { payload: { batchItemFailures: [] } }],
    ['a null list', { payload: { batchItemFailures: null } }],
    ['an empty object', { payload: {} }],
    ['null', { payload: null }],
    ['an empty string', { payload: '' }],
  ])('KINESIS-23: %s is complete success', async (_, answer) => {
    world = await createWorld()
    world.behave(() => answer)
    await world.map({ FunctionResponseTypes: ['ReportBatchItemFailures'] })
    await world.put('a', '1', '2')
    await world.clock.advance(10_000)
    expect(world.calls).toHaveLength(1)
  })

  it.each([
    ['an empty id', reports('')],
    ['a null id', reports(null)],
    ['an id that is not in the batch', reports('123')],
    ['a wrong key', { payload: { batchItemFailures: [{ id: 'x' }] } }],
  ])('KINESIS-23: %s is complete failure', async (_, answer) => {
    world = await createWorld()
    world.behave(() => (world.calls.length === 1 ? answer : undefined))
    await world.map({ FunctionResponseTypes: ['ReportBatchItemFailures'] })
    await world.put('a', '1', '2')
    await world.clock.advance(10_000)
    expect(world.calls.map((call) => call.texts)).toEqual([
      ['1', '2'],
      ['1', '2'],
    ])
  })

  it('KINESIS-25: with bisecting and reported items only the rest is retried, at no cost of retries', async () => {
    world = await createWorld()
    await world.map({
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      BisectBatchOnFunctionError: true,
      MaximumRetryAttempts: 0,
    })
    const ids = await world.put('a', '1', '2', '3', '4')
    world.behave(() => (world.calls.length === 1 ? reports(ids[2]) : undefined))
    await world.clock.advance(1000)
    expect(world.calls.map((call) => call.texts.join(''))).toEqual(['1234', '34'])
  })

  it('KINESIS-26: without ReportBatchItemFailures the answer is ignored', async () => {
    world = await createWorld()
    await world.map()
    const ids = await world.put('a', '1', '2')
    world.behave(() => reports(ids[0]))
    await world.clock.advance(1000)
    expect(world.calls).toHaveLength(1)
  })

  it('KINESIS-27, KINESIS-28, KINESIS-29: after the retries the records are dropped and described to the destination', async () => {
    world = await createWorld()
    world.behave(({ texts }) => (texts.includes('1') ? failing : undefined))
    await world.map({
      BatchSize: 2,
      MaximumRetryAttempts: 2,
      DestinationConfig: { OnFailure: { Destination: DEAD_ARN } },
    })
    const ids = await world.put('a', '1', '2', '3')
    await world.clock.advance(5000)
    expect(world.calls.map((call) => call.texts.join(''))).toEqual(['12', '12', '12', '3'])
    expect(world.sent).toEqual([
      {
        queueArn: DEAD_ARN,
        body: {
          requestContext: {
            requestId: 'request-3',
            functionArn: FUNCTION_ARN,
            condition: 'RetryAttemptsExhausted',
            approximateInvokeCount: 3,
          },
          responseContext: {
            statusCode: 200,
            executedVersion: '$LATEST',
            functionError: 'Unhandled',
          },
          version: '1.0',
          timestamp: '2026-01-01T00:00:00.300Z',
          KinesisBatchInfo: {
            shardId: 'shardId-000000000000',
            startSequenceNumber: ids[0],
            endSequenceNumber: ids[1],
            approximateArrivalOfFirstRecord: '2026-01-01T00:00:00.000Z',
            approximateArrivalOfLastRecord: '2026-01-01T00:00:00.000Z',
            batchSize: 2,
            streamArn: STREAM_ARN,
          },
        },
      },
    ])
  })

  it('KINESIS-29: reported items leave functionError null; too old records have no responseContext', async () => {
    world = await createWorld()
    world.behave(() => reports(''))
    await world.map({
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      MaximumRetryAttempts: 0,
      DestinationConfig: { OnFailure: { Destination: DEAD_ARN } },
    })
    await world.put('a', '1')
    await world.clock.advance(100)
    expect(world.sent[0]?.body['responseContext']).toMatchObject({ functionError: null })
    await world.stop()

    world = await createWorld()
    world.behave(() => failing)
    await world.map({
      MaximumRecordAgeInSeconds: 60,
      DestinationConfig: { OnFailure: { Destination: DEAD_ARN } },
    })
    await world.put('a', '1')
    await world.clock.advance(70_000)
    expect(world.sent[0]?.body).toMatchObject({
      requestContext: { condition: 'RecordAgeExceeded' },
    })
    expect(world.sent[0]?.body).not.toHaveProperty('responseContext')
  })

  it('a mapping that changes lets the batch at work end and does not deliver it again', async () => {
    world = await createWorld()
    let finish: (() => void) | undefined
    world.behave(
      () =>
        new Promise(
          (resolve) =>
            (finish = () => {
              resolve(undefined)
            }),
        ),
    )
    await world.map()
    await world.put('a', '1')
    await world.clock.advance(20)
    const changed = world.remap({ BatchSize: 5 })
    await world.put('a', '2')
    await world.clock.advance(1000)
    expect(world.calls.map((call) => call.texts)).toEqual([['1']])
    world.behave(() => undefined)
    finish?.()
    await changed
    await world.clock.advance(20)
    expect(world.calls.map((call) => call.texts)).toEqual([['1'], ['2']])
  })

  it('a mapping that changes waits three seconds for a batch at work and then delivers it again', async () => {
    world = await createWorld()
    world.behave(() => new Promise(() => undefined))
    await world.map()
    await world.put('a', '1')
    await world.clock.advance(20)
    const changed = world.remap({ BatchSize: 5 })
    await world.clock.advance(3000)
    await changed
    await world.clock.advance(20)
    expect(world.calls.map((call) => call.texts)).toEqual([['1'], ['1']])
  })

  it('KINESIS-33: delivers a batch again on demand', async () => {
    world = await createWorld()
    world.faults.add({ seam: 'esm.deliver', count: 1, fault: { kind: 'duplicate', times: 1 } })
    await world.map()
    await world.put('a', '1')
    await world.clock.advance(1000)
    expect(world.calls.map((call) => call.texts)).toEqual([['1'], ['1']])
  })

  it('KINESIS-34: publishes the age of the last record for each invocation', async () => {
    world = await createWorld()
    await world.put('a', '1')
    await world.clock.advance(4000)
    await world.map()
    await world.clock.advance(10)
    expect(world.metrics.filter((datum) => datum.name === 'IteratorAge')).toMatchObject([
      { namespace: 'AWS/Lambda', dimensions: { FunctionName: 'deliver' }, value: 4000 },
    ])
  })

  it('KINESIS-14, KINESIS-17, KINESIS-20: refuses settings outside the documented ranges', async () => {
    world = await createWorld()
    await expect(world.map({ BatchSize: 10_001 })).rejects.toThrow('BatchSize 10001')
    await expect(world.map({ MaximumRetryAttempts: 10_001 })).rejects.toThrow(
      'MaximumRetryAttempts',
    )
    await expect(world.map({ ParallelizationFactor: 11 })).rejects.toThrow(
      'ParallelizationFactor 11',
    )
    await expect(world.map({ BatchSize: 100 })).resolves.toBeUndefined()
  })

  it('KINESIS-32: refuses the same stream and function twice, and a stream that is not there', async () => {
    world = await createWorld()
    await world.map()
    await expect(world.map()).rejects.toThrow('same source and function')
    await expect(
      world.map({ EventSourceArn: STREAM_ARN.replace('readings', 'nothing') }),
    ).rejects.toThrow('nothing')
  })
})

function shardOf(of: World, partitionKey: string): string {
  const shards = of.kinesis.shards('readings').map((shard) => shard.shardId)
  const found = shards.find((shardId) =>
    of.kinesis
      .read('readings', shardId, undefined, 1000, 1e6)
      .some((record) => record.partitionKey === partitionKey),
  )
  return found ?? ''
}
