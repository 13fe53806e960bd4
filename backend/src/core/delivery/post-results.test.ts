import { beforeEach, describe, expect, it } from 'vitest'
import type { ResultEvent } from '../telemetry/decode-record.ts'
import { connection, START_MS, streamItem } from '../../testing/records.ts'
import { createWorld } from '../../testing/world.ts'
import { testClock } from '../../testing/test-clock.ts'

const pump = { sid: 7, topic: 'plant-1/pump-7' }
const idOf = (index: number): string => `c${index}=`
const resultItem = (sequence: number, commandId: string) =>
  streamItem(
    sequence,
    { state: 'done' },
    { kind: 'result', topic: `cmd/plant-1/pump-7/${commandId}/result`, clientId: 'pump-7' },
  )

let world: ReturnType<typeof createWorld>
beforeEach(() => {
  world = createWorld()
})

async function open(people: number): Promise<void> {
  for (let index = 0; index < people; index++) {
    const who = connection({ connectionId: idOf(index), user: `user-${index}` })
    await world.subscribe([pump], who)
  }
}

describe('deliver: after the posts', () => {
  it('FAULT-30: 410 of a connection younger than 10 s removes nothing, also when it was told of a command', async () => {
    const clock = testClock()
    const asking = connection({ connectionId: 'new=', connectedAt: clock.ms - 9_999 })
    const update = { type: 'command', commandId: 'c-1' } as never
    world = createWorld(
      clock,
      {},
      { apply: () => Promise.resolve({ update, connections: [asking] }) },
    )
    world.outcomes.set('new=', 'gone')
    await world.deliver(resultItem(1, 'c-1'))
    expect([world.tried, world.removed]).toEqual([['new='], []])
    clock.ms += 1
    await world.deliver(resultItem(2, 'c-1'))
    expect(world.removed).toEqual(['new='])
  })

  it('a removal that fails does not fail the batch, which would be sent again, and is said once', async () => {
    await open(3)
    world.outcomes.set(idOf(0), 'gone').set(idOf(1), 'gone')
    world.subscriptions.removeRows = () => Promise.reject(new Error('throttled'))
    await world.deliver(streamItem(1, { a: 1 }))
    expect(world.pushed(idOf(2))).toEqual([1])
    expect(world.warnings).toEqual(['connections could not be tidied up after the posts'])
  })

  it('a slow-down that cannot be written does not fail the batch either', async () => {
    await open(2)
    world.outcomes.set(idOf(0), 'throttled')
    world.memory.slowDown = () => Promise.reject(new Error('throttled'))
    await world.deliver(streamItem(1, { a: 1 }))
    expect(world.pushed(idOf(1))).toEqual([1])
    expect(world.warnings).toHaveLength(1)
  })

  it('PROMISE-30: removes gone connections eight at a time and begins none late: the rest is left to the next 410', async () => {
    await open(100)
    for (let index = 0; index < 100; index++) world.outcomes.set(idOf(index), 'gone')
    const { clock } = world
    const removeRows = world.subscriptions.removeRows.bind(world.subscriptions)
    let atOnce = 0
    let most = 0
    world.subscriptions.removeRows = async (keys) => {
      most = Math.max(most, ++atOnce)
      await new Promise<void>((resolve) => clock.after(60, resolve))
      atOnce--
      await removeRows(keys)
    }
    const beganMs = clock.ms
    let isDone = false
    const delivered = world.deliver(streamItem(1, { a: 1 })).then(() => (isDone = true))
    while (!isDone) await clock.advance(10)
    await delivered
    expect(clock.ms - beganMs).toBeLessThanOrEqual(400)
    expect(most).toBe(8)
    expect(world.removed.length).toBeGreaterThan(8)
    expect(world.removed.length).toBeLessThan(100)
  })
})

describe('deliver: many events at once', () => {
  const presence = (sequence: number, device: string, event: 'connected' | 'disconnected') =>
    streamItem(
      sequence,
      {
        clientId: device,
        eventType: event,
        timestamp: START_MS + sequence,
        versionNumber: 1,
      },
      { kind: 'presence', topic: `$aws/events/presence/${event}/${device}` },
    )

  it('a mass reconnect reads and writes the heads once, and tells each device’s last state', async () => {
    const devices = Array.from({ length: 500 }, (_, i) => `d-${i}`)
    const sent = devices.map((device, i) =>
      streamItem(i + 1, { a: i }, { topic: `dt/plant-1/${device}/telemetry` }),
    )
    await world.deliver(...sent)
    await world.subscribe([{ sid: 1, topic: 'plant-1/d-3' }])
    const { history } = world
    const calls = { headsOf: 0, writeHeads: 0, lookups: 0, atOnce: 0, most: 0 }
    const real = { ...history }
    history.headsOf = (...args) => (calls.headsOf++, real.headsOf(...args))
    history.writeHeads = (...args) => (calls.writeHeads++, real.writeHeads(...args))
    history.devicesOf = async (clientId) => {
      calls.lookups++
      calls.most = Math.max(calls.most, ++calls.atOnce)
      const found = await real.devicesOf(clientId)
      calls.atOnce--
      return found
    }
    const events = devices.flatMap((device, i) => [
      presence(1_000 + 2 * i, device, 'connected'),
      presence(1_001 + 2 * i, device, 'disconnected'),
    ])
    await world.deliver(...events)
    expect(calls).toMatchObject({ headsOf: 1, writeHeads: 1, lookups: 500, most: 16 })
    const told = world.posts.map(({ message }) => message).filter(({ type }) => type === 'presence')
    expect(told).toMatchObject([{ topic: 'plant-1/d-3', online: false }])
  })

  it('moves commands on side by side, one command’s answers in order', async () => {
    const begun: string[] = []
    let atOnce = 0
    let most = 0
    const apply = async ({ commandId, atMs }: ResultEvent) => {
      begun.push(`${commandId}@${atMs}`)
      most = Math.max(most, ++atOnce)
      await new Promise((resolve) => setImmediate(resolve))
      atOnce--
      return undefined
    }
    world = createWorld(testClock(), {}, { apply })
    const commands = Array.from({ length: 40 }, (_, i) => `cmd-${i}`)
    const answers = [...commands, ...commands].map((id, i) => resultItem(i + 1, id))
    await world.deliver(...answers)
    expect(begun).toHaveLength(80)
    expect(most).toBe(16)
    const ofFirst = begun.filter((one) => one.startsWith('cmd-0@'))
    expect(ofFirst).toEqual([...ofFirst].sort())
  })
})
