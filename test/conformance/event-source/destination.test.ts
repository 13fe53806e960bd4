import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { DiskRefused } from '../../../infra/local/platform/disk.ts'
import { AwsError } from '../../../infra/local/platform/errors.ts'
import { createWorld, DEAD_ARN, type World, type WorldOptions } from './world.ts'

let world: World
afterEach(() => world.stop())

/** A record "1" that the function never takes, and a destination that is told so. */
async function startWithPoison(options: WorldOptions = {}, failure?: Error): Promise<void> {
  world = await createWorld(options)
  world.failSend(failure)
  world.behave(({ texts }) => (texts.includes('1') ? { functionError: 'Unhandled' } : undefined))
  await world.map({
    BatchSize: 1,
    MaximumRetryAttempts: 0,
    MaximumRecordAgeInSeconds: 3_600,
    StartingPosition: 'TRIM_HORIZON',
    DestinationConfig: { OnFailure: { Destination: DEAD_ARN } },
  })
}
const delivered = (): string[] => world.calls.map((call) => call.texts.join(''))
const countedFailures = () =>
  world.metrics.filter(({ name }) => name === 'DestinationDeliveryFailures')

describe('a destination that takes nothing', () => {
  it('KINESIS-27: after the retries the records are dropped, and a destination that takes nothing is counted', async () => {
    await startWithPoison({}, new AwsError('AccessDenied', 'the queue says no'))
    await world.put('a', '1', '2')
    await world.clock.advance(5_000)
    expect(delivered()).toEqual(['1', '2'])
    expect(world.sent).toEqual([])
    expect(countedFailures()).toMatchObject([{ value: 1, dimensions: { FunctionName: 'deliver' } }])
  })
})

describe('a destination on a disk that is full, which AWS does not have', () => {
  const full = new DiskRefused('InternalFailure', 'the disk is full')

  it('is waited for, and told of every record that was given up', async () => {
    await startWithPoison({}, full)
    await world.put('a', '1', '2')
    await world.clock.advance(60_000)
    expect(delivered()).toEqual(['1'])
    world.failSend(undefined)
    await world.clock.advance(2_000)
    expect(world.sent).toMatchObject([{ body: { KinesisBatchInfo: { batchSize: 1 } } }])
    expect(delivered()).toEqual(['1', '2'])
    expect(countedFailures()).toEqual([])
  })

  it('is waited for with records that are too old to be delivered', async () => {
    await startWithPoison({}, full)
    await world.put('a', '1', '2')
    await world.clock.advance(4_000_000)
    world.failSend(undefined)
    await world.clock.advance(2_000)
    expect(delivered()).toEqual(['1'])
    expect(world.sent.map(({ body }) => body['requestContext'])).toMatchObject([
      { condition: 'RetryAttemptsExhausted' },
      { condition: 'RecordAgeExceeded' },
    ])
  })

  it('does not hold up a stop, after which the records come again', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'gaugeline-mapping-'))
    await startWithPoison({ directory }, full)
    await world.put('a', '1', '2')
    await world.clock.advance(10_000)
    await world.stop()
    await startWithPoison({ directory })
    await world.clock.advance(2_000)
    expect(delivered()).toEqual(['1', '2'])
    expect(world.sent).toHaveLength(1)
    rmSync(directory, { recursive: true })
  })
})
