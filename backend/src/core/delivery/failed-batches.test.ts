import { beforeEach, describe, expect, it } from 'vitest'
import { memoryHistory, type MemoryHistory } from '../../testing/memory-history.ts'
import {
  memorySubscriptions,
  type MemorySubscriptions,
} from '../../testing/memory-subscriptions.ts'
import { connection, START_MS, streamItem } from '../../testing/records.ts'
import { testClock, type TestClock } from '../../testing/test-clock.ts'
import { createWorld, valuesIn } from '../../testing/world.ts'
import { redrive } from '../redrive/redrive.ts'
import type { StreamItem } from '../telemetry/decode-record.ts'

const ANA = connection().connectionId
const pump = { sid: 7, topic: 'plant-1/pump-7' }
const presence = (sequence: number, online: boolean, timestamp: number): StreamItem =>
  streamItem(
    sequence,
    { clientId: 'pump-7', timestamp, versionNumber: 1 },
    {
      kind: 'presence',
      topic: `$aws/events/presence/${online ? 'connected' : 'disconnected'}/pump-7`,
    },
  )

let clock: TestClock
let history: MemoryHistory
let audiences: MemorySubscriptions
let world: ReturnType<typeof createWorld>
/** While true nobody can say who watches. */
let isUnreadable: boolean
beforeEach(() => {
  clock = testClock()
  isUnreadable = false
  history = memoryHistory({ clock })
  audiences = memorySubscriptions(clock)
  const load = audiences.load.bind(audiences)
  audiences.load = (...args) =>
    isUnreadable ? Promise.reject(new Error('throttled')) : load(...args)
  world = createWorld(clock, { history, subscriptions: audiences, audiences })
})

/** What `redrive` makes of a batch that `deliver` gave up on: the records as they come again, from `sequence` on. */
async function redriven(given: readonly StreamItem[], sequence: number): Promise<StreamItem[]> {
  const again: StreamItem[] = []
  const first = given[0]!
  const message = {
    messageId: 'range',
    sentMs: clock.ms,
    body: JSON.stringify({
      KinesisBatchInfo: {
        shardId: first.shardId,
        startSequenceNumber: first.sequenceNumber,
        endSequenceNumber: given.at(-1)!.sequenceNumber,
        batchSize: given.length,
      },
    }),
  }
  await redrive(
    [message],
    {
      stream: {
        put(records) {
          for (const { data } of records) {
            const place = streamItem(sequence++, '')
            again.push({ ...place, arrivalMs: clock.ms, data })
          }
          return Promise.resolve([])
        },
        async *read() {
          yield await Promise.resolve(given.map((item) => ({ ...item, partitionKey: 'p' })))
        },
      },
      rejects: { write: () => Promise.resolve() },
      clock,
      pause: () => Promise.resolve(),
      metrics: { count: () => undefined, durations: () => undefined },
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    },
    clock.ms + 60_000,
  )
  return again
}

describe('a batch that fails after it was kept', () => {
  it('and is given up and redriven keeps every reading once, also those without a counter', async () => {
    const batch = [streamItem(1, { a: 1 }), streamItem(2, [{ a: 2 }, { a: 3 }])]
    isUnreadable = true
    await expect(world.deliver(...batch)).rejects.toThrow('throttled')
    isUnreadable = false
    await world.deliver(streamItem(3, { a: 4 }))
    clock.ms += 60_000
    await world.deliver(...(await redriven(batch, 50)))
    expect(valuesIn((await world.ask({ from: START_MS })) as never)).toEqual([1, 2, 3, 4])
    expect(world.counts.get('ReadingsDuplicate')).toBe(3)
  })

  it('is told again, presence included, when the stream gives it again', async () => {
    await world.deliver(streamItem(1, { a: 1 }))
    await world.subscribe([pump])
    const batch = [streamItem(2, { a: 2 }), presence(3, true, clock.ms)]
    isUnreadable = true
    await expect(world.deliver(...batch)).rejects.toThrow('throttled')
    isUnreadable = false
    await world.deliver(...batch)
    expect(world.pushed(ANA)).toEqual([2])
    expect(world.posts.filter(({ message }) => message.type === 'presence')).toMatchObject([
      { message: { topic: 'plant-1/pump-7', online: true } },
    ])
  })
})

describe('a batch that was given up before it was kept', () => {
  it('is kept when it is redriven', async () => {
    const batch = [streamItem(1, { a: 1 })]
    await world.deliver(streamItem(2, { a: 2 }))
    await world.deliver(...(await redriven(batch, 50)))
    expect(valuesIn((await world.ask({ from: START_MS })) as never)).toEqual([2, 1])
  })
})

describe('when one of the tables refuses', () => {
  it('the batch ends only after what was begun has ended: no write goes on in a frozen environment', async () => {
    let finishRows = (): void => undefined
    const order: string[] = []
    const writeRows = history.writeRows.bind(history)
    history.writeRows = async (rows) => {
      await new Promise<void>((resolve) => (finishRows = resolve))
      order.push('rows written')
      return writeRows(rows)
    }
    const write = (): Promise<void> => Promise.reject(new Error('rejects table down'))
    const failing = createWorld(clock, {
      history,
      subscriptions: audiences,
      audiences,
      rejects: { write },
    })
    const batch = failing
      .deliver(streamItem(1, { a: 1 }), streamItem(2, 'not json'))
      .catch((error: unknown) => order.push((error as Error).message))
    await new Promise((resolve) => setImmediate(resolve))
    finishRows()
    await batch
    expect(order).toEqual(['rows written', 'rejects table down'])
  })
})

describe('a device that runs for weeks without reconnecting', () => {
  it('keeps its presence', async () => {
    const days = 60
    for (let day = 1; day <= days; day++) {
      clock.ms += 86_400_000
      await world.deliver(streamItem(day, { a: day }, { brokerMs: clock.ms }))
    }
    await world.subscribe([pump], connection({ expiresAt: clock.ms / 1_000 + 3_600 }))
    await world.deliver(presence(days + 1, false, clock.ms))
    expect(world.posts.map(({ message }) => message)).toMatchObject([
      { type: 'presence', topic: 'plant-1/pump-7', online: false },
    ])
  })

  it('has the link from its client written about once a week', async () => {
    let links = 0
    const linkClient = history.linkClient.bind(history)
    history.linkClient = (...link) => {
      links++
      return linkClient(...link)
    }
    for (let hour = 1; hour <= 24 * 28; hour++) {
      clock.ms += 3_600_000
      await world.deliver(streamItem(hour, { a: hour }, { brokerMs: clock.ms }))
    }
    expect(links).toBeLessThanOrEqual(5)
  })
})
