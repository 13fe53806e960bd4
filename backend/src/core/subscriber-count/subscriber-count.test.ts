import { beforeEach, describe, expect, it } from 'vitest'
import type { DemandMessage } from '../../protocol/index.ts'
import {
  memorySubscriptions,
  type MemorySubscriptions,
} from '../../testing/memory-subscriptions.ts'
import { connection, START_MS, streamItem } from '../../testing/records.ts'
import { testClock, type TestClock } from '../../testing/test-clock.ts'
import { createWorld } from '../../testing/world.ts'
import { removeConnection } from '../subscriptions/remove-connection.ts'
import { createSubscriberCounts } from './announce-in-batch.ts'
import type { DemandMessages } from './ports.ts'
import { announcingSubscriptions } from './announcing-subscriptions.ts'

const pump = { sid: 7, topic: 'plant-1/pump-7' }
const ana = connection()
const bea = connection({ connectionId: 'Bea_fALIAMCKug=', user: 'bea' })

let clock: TestClock
let told: [string, DemandMessage][]
let warnings: string[]
let broker: 'well' | 'refusing' | 'silent'
let sequence: number
const log = {
  info: () => undefined,
  warn: (message: string) => void warnings.push(message),
  error: (message: string) => void warnings.push(message),
}
const messages: DemandMessages = {
  async publish(topic, message, signal) {
    if (broker === 'refusing') throw new Error('UnauthorizedException')
    if (broker === 'silent') await whenAborted(signal)
    told.push([topic, message])
  },
}
beforeEach(() => {
  clock = testClock()
  told = []
  warnings = []
  broker = 'well'
  sequence = 0
})

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(new Error('AbortError'))
    })
  })
}

const watchersTold = (): number[] => told.map(([, { watchers }]) => watchers)

describe('a batch', () => {
  let world: ReturnType<typeof createWorld>
  beforeEach(() => {
    world = createWorld(clock, {
      subscriberCounts: createSubscriberCounts({ messages, clock, log }),
    })
  })
  const deliver = (...devices: string[]): Promise<void> =>
    world.deliver(
      ...devices.map((device) =>
        streamItem(++sequence, { a: 1 }, { topic: `dt/plant-1/${device}/telemetry` }),
      ),
    )
  /** After the time in which a device is told only once. */
  const later = (): void => void (clock.ms += 2_000)

  it('tells a device once after a cold start how many watch it, and then only when that changes', async () => {
    await deliver('pump-7')
    later()
    await deliver('pump-7')
    expect(told).toEqual([['plant-1/pump-7', { watchers: 0, at: START_MS + 10_000 }]])
    await world.subscribe([pump], ana)
    await deliver('pump-7')
    later()
    await world.subscribe([{ sid: 1, topic: 'plant-1/#', mode: 'latest' }], bea)
    await deliver('pump-7')
    later()
    await world.unsubscribe([7], ana)
    await world.unsubscribe([1], bea)
    await deliver('pump-7')
    expect(watchersTold()).toEqual([0, 1, 2, 0])
  })

  it('counts connections once, and only those that are sent the readings', async () => {
    await world.subscribe([pump, { ...pump, sid: 8 }], ana)
    await world.subscribe([pump], { ...bea, expiresAt: clock.ms / 1_000 })
    await world.subscribe([pump], connection({ connectionId: 'C=', user: 'cleo' }))
    world.memory.revokeUser('cleo')
    await deliver('pump-7', 'fan-1')
    expect(told.map(([topic, { watchers }]) => [topic, watchers])).toEqual([
      ['plant-1/pump-7', 1],
      ['plant-1/fan-1', 0],
    ])
  })

  it('hears of watchers whose sockets are gone with the batch after the one that found out', async () => {
    await world.subscribe([pump], ana)
    world.outcomes.set(ana.connectionId, 'gone')
    await deliver('pump-7')
    later()
    await deliver('pump-7')
    expect(watchersTold()).toEqual([1, 0])
  })

  it('tells at most 20 devices, and the others with the next batches', async () => {
    const devices = Array.from({ length: 45 }, (_, i) => `d-${i}`)
    await deliver(...devices)
    expect(told).toHaveLength(20)
    await deliver(...devices)
    await deliver(...devices)
    await deliver(...devices)
    expect(told.map(([topic]) => topic).sort()).toEqual(
      devices.map((one) => `plant-1/${one}`).sort(),
    )
  })

  it('tells a device at most every two seconds', async () => {
    await deliver('pump-7')
    await world.subscribe([pump], ana)
    clock.ms += 1_999
    await deliver('pump-7')
    expect(watchersTold()).toEqual([0])
    clock.ms += 1
    await deliver('pump-7')
    expect(watchersTold()).toEqual([0, 1])
  })

  it('tells a device what it may have been told otherwise meanwhile, though the count is as before', async () => {
    await deliver('pump-7')
    await world.subscribe([pump], ana)
    clock.ms += 1_000
    await deliver('pump-7')
    await world.unsubscribe([7], ana)
    clock.ms += 1_000
    await deliver('pump-7')
    expect(watchersTold()).toEqual([0, 0])
  })

  it('tells again after five minutes: what was told here may have been overtaken', async () => {
    await deliver('pump-7')
    clock.ms += 5 * 60_000 - 1
    await deliver('pump-7')
    expect(told).toHaveLength(1)
    clock.ms += 1
    await deliver('pump-7')
    expect(watchersTold()).toEqual([0, 0])
  })

  it('neither fails nor stops sending when the broker refuses: one line, and another try five seconds later', async () => {
    broker = 'refusing'
    await world.subscribe([pump], ana)
    await deliver('pump-7', 'fan-1')
    expect(warnings).toEqual(['devices could not be told who watches, they are told later'])
    expect([world.pushed(ana.connectionId), world.errors]).toEqual([[1], []])
    broker = 'well'
    clock.ms += 4_999
    await deliver('pump-7')
    expect(told).toEqual([])
    clock.ms += 1
    await deliver('pump-7')
    expect(watchersTold()).toEqual([1])
  })

  it('waits half a second for a broker that does not answer, and then not again for five', async () => {
    broker = 'silent'
    let isDone = false
    const delivered = deliver('pump-7').then(() => (isDone = true))
    await clock.advance(499)
    expect(isDone).toBe(false)
    await clock.advance(1)
    await delivered
    expect(warnings).toHaveLength(1)
    await deliver('pump-7')
    expect(warnings).toHaveLength(1)
  })
})

describe('a change of subscriptions', () => {
  let memory: MemorySubscriptions
  let world: ReturnType<typeof createWorld>
  beforeEach(() => {
    memory = memorySubscriptions(clock)
    const audiences = { load: () => memory.load([]) }
    const subscriptions = announcingSubscriptions(memory, { audiences, messages, clock, log })
    world = createWorld(clock, { subscriptions, audiences: memory })
  })

  it('is told at once to the device that it names', async () => {
    await world.subscribe([pump], ana)
    await world.subscribe([pump], bea)
    await world.unsubscribe([7], ana)
    await world.unsubscribe([7], bea)
    expect(watchersTold()).toEqual([1, 2, 1, 0])
    expect(new Set(told.map(([topic]) => topic))).toEqual(new Set(['plant-1/pump-7']))
  })

  it('is told when a connection goes', async () => {
    await world.subscribe([pump], ana)
    await removeConnection(ana.connectionId, world.subscriptions)
    expect(watchersTold()).toEqual([1, 0])
  })

  it('of a whole site is left to the batches', async () => {
    await world.subscribe([{ sid: 1, topic: 'plant-1/#', mode: 'latest' }], ana)
    expect(told).toEqual([])
  })

  it('is told to both devices when a subscription moves from one to the other', async () => {
    await world.subscribe([pump], ana)
    told = []
    await world.subscribe([{ sid: 7, topic: 'plant-1/fan-1' }], ana)
    expect(told.map(([topic, { watchers }]) => [topic, watchers])).toEqual([
      ['plant-1/fan-1', 1],
      ['plant-1/pump-7', 0],
    ])
  })

  it('succeeds when the broker refuses, or when who watches cannot be read', async () => {
    broker = 'refusing'
    expect((await world.subscribe([pump], ana)).results).toMatchObject([{ ok: true }])
    clock.ms += 5_000
    memory.load = () => Promise.reject(new Error('throttled'))
    expect(await world.unsubscribe([7], ana)).toMatchObject({ sids: [7] })
    expect(warnings).toEqual([
      'devices could not be told who watches, they are told later',
      'who watches could not be read, devices are told later',
    ])
  })
})
