import { beforeEach, describe, expect, it } from 'vitest'
import { limits, type Block, type Data } from '../../protocol/index.ts'
import { connection, START_MS, streamItem } from '../../testing/records.ts'
import { createWorld } from '../../testing/world.ts'

const ANA = connection().connectionId
const bea = connection({ connectionId: 'Bea_fALIAMCKug=', user: 'bea' })
const pump = { sid: 7, topic: 'plant-1/pump-7' }
const at = (device: string) => ({ topic: `dt/plant-1/${device}/telemetry` })
const frames = (world: ReturnType<typeof createWorld>, connectionId = ANA): Data[] =>
  world.posts
    .filter((post) => post.connectionId === connectionId && post.message.type === 'data')
    .map((post) => post.message as Data)
const blocks = (world: ReturnType<typeof createWorld>, connectionId = ANA): Block[] =>
  frames(world, connectionId).flatMap((frame) => [...frame.blocks])

let world: ReturnType<typeof createWorld>
beforeEach(() => {
  world = createWorld()
})

describe('deliver: what is sent', () => {
  it('sends one frame per connection per batch, whatever the devices and readings', async () => {
    await world.subscribe([pump, { sid: 8, topic: 'plant-1/fan-1' }])
    await world.deliver(
      streamItem(1, { a: 1 }),
      streamItem(2, { a: 2 }, at('fan-1')),
      streamItem(3, { a: 3 }),
    )
    expect(frames(world)).toHaveLength(1)
    expect(blocks(world).map((block) => [block.sid, block.ts.length])).toEqual([
      [7, 2],
      [8, 1],
    ])
  })

  it('chains the blocks of a device from batch to batch by position', async () => {
    await world.subscribe([pump])
    await world.deliver(streamItem(1, { a: 1 }))
    await world.deliver(streamItem(2, { a: 2 }), streamItem(3, { a: 3 }))
    const [first, second] = blocks(world)
    expect(first!.prev).toBeNull()
    expect(second!.prev).toBe(first!.position)
    expect(world.pushed(ANA)).toEqual([1, 2, 3])
  })

  it('keeps a device’s order when arrival times run backwards (KINESIS-15: they are approximate)', async () => {
    await world.subscribe([pump])
    const late = START_MS + 9_000
    await world.deliver(streamItem(1, { a: 1 }, { arrivalMs: late }))
    await world.deliver(streamItem(2, { a: 2 }, { arrivalMs: late - 3_000 }))
    const page = await world.ask({ since: blocks(world)[0]!.position })
    expect(page.blocks!.map((block) => block.metrics.a)).toEqual([[2]])
    expect(page.complete).toBe(true)
  })

  it('begins a new block with a new boot', async () => {
    await world.subscribe([pump])
    await world.deliver(
      streamItem(1, { boot: 'b1', n: 9, metrics: { a: 1 } }),
      streamItem(2, { boot: 'b2', n: 0, metrics: { a: 2 } }),
    )
    expect(blocks(world).map((block) => [block.boot, block.n])).toEqual([
      ['b1', [9]],
      ['b2', [0]],
    ])
  })

  it('splits what does not fit a frame, and every part follows the one before', async () => {
    await world.subscribe([pump])
    const readings = Array.from({ length: 500 }, (_, i) => ({
      ts: START_MS + i,
      boot: 'b',
      n: i,
      metrics: Object.fromEntries(Array.from({ length: 9 }, (_, m) => [`metric-${m}`, i + 0.25])),
    }))
    await world.deliver(streamItem(1, readings))
    const sizes = frames(world).map((frame) => Buffer.byteLength(JSON.stringify(frame)))
    expect(sizes.length).toBeGreaterThan(1)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(limits.frameBytes)
    const sent = blocks(world)
    expect(sent.flatMap((block) => [...block.n!])).toEqual(readings.map((one) => one.n))
    sent.slice(1).forEach((block, i) => expect(block.prev).toBe(sent[i]!.position))
  })

  it('observes one latency for each reading that was accepted, not for each block', async () => {
    await world.subscribe([pump])
    await world.subscribe([{ ...pump, where: { metric: 'a', op: 'gt', value: 2 } }], bea)
    await world.deliver(streamItem(1, [{ a: 1 }, { a: 2 }, { a: 3 }]))
    expect(world.counts.get('DeliveryLatency')).toBe(4)
    await world.deliver(streamItem(1, [{ a: 1 }, { a: 2 }, { a: 3 }]))
    expect(world.counts.get('DeliveryLatency')).toBe(0)
  })

  it('says where the time went: device, broker, stream, deliver', async () => {
    await world.subscribe([pump])
    const brokerMs = START_MS + 9_000
    const payload = { ts: brokerMs - 38, metrics: { a: 1 } }
    await world.deliver(streamItem(1, payload, { brokerMs, arrivalMs: brokerMs + 4 }))
    expect(blocks(world)[0]!.hops).toEqual([38, 4, 996, 0])
  })
})

describe('deliver: to whom', () => {
  it('sends nothing to an owner whose token has expired', async () => {
    await world.subscribe([pump], connection({ expiresAt: START_MS / 1_000 + 10 }))
    await world.deliver(streamItem(1, { a: 1 }))
    expect(world.posts).toEqual([])
  })

  it('sends nothing to an owner who was revoked', async () => {
    await world.subscribe([pump])
    await world.subscribe([pump], bea)
    world.memory.revokeUser('ana')
    await world.deliver(streamItem(1, { a: 1 }))
    expect(world.posts.map((post) => post.connectionId)).toEqual([bea.connectionId])
  })

  it('sends a wildcard’s owner only what his grants cover', async () => {
    await world.subscribe([{ sid: 1, topic: 'plant-1/#', mode: 'latest' }])
    await world.deliver(
      streamItem(1, { a: 1 }, { topic: 'dt/plant-2/x/telemetry' }),
      streamItem(2, { a: 2 }),
    )
    expect(blocks(world).map((block) => block.topic)).toEqual(['plant-1/pump-7'])
  })
})

describe('deliver: views', () => {
  const push = async (subscription: object, ...payloads: unknown[]): Promise<Block[]> => {
    await world.subscribe([{ ...pump, ...subscription }])
    await world.deliver(...payloads.map((payload, i) => streamItem(i + 1, payload)))
    return blocks(world)
  }
  const reading = (ms: number, metrics: object) => ({ ts: START_MS + ms, metrics })

  it('where: sends the rows that match and says that some were left out', async () => {
    const where = { metric: 'a', op: 'gt', value: 1 }
    const [block] = await push({ where }, { a: 1 }, { a: 2 }, { a: 3 })
    expect(block).toMatchObject({ metrics: { a: [2, 3] }, thinned: true })
  })

  it('where: sends nothing when nothing matches', async () => {
    expect(await push({ where: { metric: 'a', op: 'gt', value: 9 } }, { a: 1 })).toEqual([])
  })

  it('metrics: sends the chosen ones, and a block without rows where none has one, so that the chain holds', async () => {
    await push({ metrics: ['b'] }, { a: 1, b: 2 })
    await world.deliver(streamItem(2, { a: 3 }))
    await world.deliver(streamItem(3, { b: 4 }))
    const [first, second, third] = blocks(world)
    expect(first!.metrics).toEqual({ b: [2] })
    expect(second).toMatchObject({ ts: [], prev: first!.position })
    expect(third!.prev).toBe(second!.position)
  })

  it('maxHz: thins by the device’s time', async () => {
    const readings = [0, 100, 200, 600, 700].map((ms, i) => reading(ms, { a: i }))
    const [block] = await push({ maxHz: 2 }, ...readings)
    expect(block).toMatchObject({ metrics: { a: [0, 3] }, thinned: true })
  })

  it('deadband: sends what moved by at least that much since it was last sent', async () => {
    const values = [10, 10.04, 10.06, 10.05, 9.9]
    const payloads = values.map((a, i) => reading(i * 1_000, { a }))
    const [block] = await push({ deadband: { a: 0.05 } }, ...payloads)
    expect(block!.metrics.a).toEqual([10, 10.06, 9.9])
  })

  it('latest: sends the newest value per metric as one row', async () => {
    const payloads = [reading(0, { a: 1, b: 1 }), reading(9, { a: 2 }), reading(5, { b: 3 })]
    const [block] = await push({ mode: 'latest' }, ...payloads)
    expect(block).toMatchObject({ ts: [START_MS + 5], metrics: { a: [2], b: [3] }, thinned: true })
  })

  it('latest: comes at most maxHz times a second', async () => {
    await push({ mode: 'latest', maxHz: 2 }, reading(0, { a: 1 }))
    world.clock.ms += 400
    await world.deliver(streamItem(2, reading(400, { a: 2 })))
    world.clock.ms += 100
    await world.deliver(streamItem(3, reading(500, { a: 3 })))
    expect(world.pushed(ANA)).toEqual([1, 3])
  })

  it('latest: a last reading that is left out follows the pushed position in the history', async () => {
    const [pushed] = await push({ mode: 'latest', maxHz: 2 }, reading(0, { a: 1 }))
    world.clock.ms += 400
    await world.deliver(streamItem(2, reading(400, { a: 2 })))
    expect(world.pushed(ANA)).toEqual([1])
    const page = await world.ask({ since: pushed!.position })
    expect(page).toMatchObject({ blocks: [{ metrics: { a: [2] } }], cursor: null })
  })
})

describe('deliver: what comes again', () => {
  const items = [1, 2, 3, 4].map((i) => streamItem(i, { boot: 'b', n: i, metrics: { a: i } }))

  it('KINESIS-16: pushes a redelivered batch again exactly as it was, and keeps it once', async () => {
    await world.subscribe([pump])
    await world.deliver(...items)
    await world.deliver(...items)
    const [first, again] = blocks(world)
    expect(again).toEqual({ ...first, hops: undefined })
    expect((await world.ask({ from: START_MS, to: START_MS + 9_999 })).blocks).toHaveLength(1)
  })

  it('KINESIS-19: keeps a bisected batch once, in order', async () => {
    await world.deliver(...items)
    await world.deliver(...items.slice(0, 2))
    await world.deliver(...items.slice(2), streamItem(5, { boot: 'b', n: 5, metrics: { a: 5 } }))
    const page = await world.ask({ from: START_MS, to: START_MS + 9_999 })
    expect(page.blocks!.flatMap((block) => block.metrics.a)).toEqual([1, 2, 3, 4, 5])
    expect(page.complete).toBe(true)
  })

  it('FAULT-2: drops what the device published before (same boot and counter); the first one holds', async () => {
    await world.subscribe([pump])
    await world.deliver(...items)
    await world.deliver(streamItem(9, { boot: 'b', n: 3, metrics: { a: 3 } }))
    expect(world.pushed(ANA)).toEqual([1, 2, 3, 4])
    expect(world.counts.get('ReadingsDuplicate')).toBe(1)
    expect(world.counts.get('SequenceConflicts')).toBeUndefined()
  })

  it('PAYLOAD-32: drops another reading with a known boot and counter, counts that apart and says on which topic', async () => {
    await world.subscribe([pump])
    await world.deliver(...items)
    await world.deliver(
      streamItem(8, { boot: 'b', n: 3, metrics: { a: 99 } }),
      streamItem(9, { boot: 'b', n: 3, metrics: { a: 3 } }),
    )
    expect(world.pushed(ANA)).toEqual([1, 2, 3, 4])
    expect(world.counts.get('SequenceConflicts')).toBe(1)
    expect(world.counts.get('ReadingsDuplicate')).toBe(1)
    expect(world.warnings).toEqual(['readings dropped: their boot and counter belong to others'])
  })

  it('PAYLOAD-31: takes a counter that starts again with a new boot as new, and without boot never as a duplicate', async () => {
    await world.subscribe([pump])
    await world.deliver(...items)
    await world.deliver(
      streamItem(5, { boot: 'c', n: 1, metrics: { a: 5 } }),
      streamItem(6, { n: 1, metrics: { a: 6 } }),
      streamItem(7, { n: 1, metrics: { a: 7 } }),
    )
    expect(world.pushed(ANA)).toEqual([1, 2, 3, 4, 5, 6, 7])
  })

  it('fails the batch when it could not be kept, and has sent nothing', async () => {
    await world.subscribe([pump])
    const writeHeads = world.history.writeHeads.bind(world.history)
    world.history.writeHeads = () => Promise.reject(new Error('throttled'))
    await expect(world.deliver(...items)).rejects.toThrow('throttled')
    expect(world.posts).toEqual([])
    expect(world.errors).toEqual(['the batch failed, the stream gives it again'])
    world.history.writeHeads = writeHeads
    await world.deliver(...items.slice(0, 2))
    await world.deliver(...items.slice(2))
    expect(world.pushed(ANA)).toEqual([1, 2, 3, 4])
    const page = await world.ask({ from: START_MS, to: START_MS + 9_999 })
    expect(page.blocks!.flatMap((block) => block.metrics.a)).toEqual([1, 2, 3, 4])
  })
})

describe('deliver: what is wrong', () => {
  it('PROMISE-8: puts a poison record aside and delivers its neighbours once', async () => {
    await world.subscribe([pump])
    await world.deliver(streamItem(1, { a: 1 }), streamItem(2, '{poison'), streamItem(3, { a: 3 }))
    expect(world.pushed(ANA)).toEqual([1, 3])
    expect(world.rejects.map((one) => [one.reason, one.topic])).toEqual([
      ['PAYLOAD_NOT_JSON', 'dt/plant-1/pump-7/telemetry'],
    ])
    expect(world.counts.get('ReadingsRejected')).toBe(1)
  })

  it('PAYLOAD-34: counts readings that name another device than their topic, which holds', async () => {
    await world.subscribe([pump])
    const readings = ['pump-7', 'pump-8', 'pump-9'].map((deviceId, a) => ({ deviceId, a }))
    await world.deliver(streamItem(1, readings))
    expect(world.pushed(ANA)).toEqual([0, 1, 2])
    expect(world.counts.get('DeviceMismatches')).toBe(2)
    expect(world.warnings).toEqual(['readings name another device than their topic'])
  })

  it('FAULT-16: gets through a batch of only poison', async () => {
    await world.deliver(streamItem(1, '{'), streamItem(2, '['))
    expect(world.rejects).toHaveLength(2)
  })

  it('FAULT-28: 410 removes the connection’s rows, and the others get theirs', async () => {
    await world.subscribe([pump, { sid: 8, topic: 'plant-1/fan-1' }])
    await world.subscribe([pump], bea)
    world.outcomes.set(ANA, 'gone')
    await world.deliver(streamItem(1, { a: 1 }))
    expect(world.removed).toEqual([ANA])
    expect([...world.memory.rows.values()].map((row) => row.connectionId)).toEqual([
      bea.connectionId,
    ])
    expect(world.pushed(bea.connectionId)).toEqual([1])
  })

  it('FAULT-30: 410 of a connection younger than 10 s removes nothing', async () => {
    await world.subscribe([pump], connection({ connectedAt: world.clock.ms - 9_999 }))
    world.outcomes.set(ANA, 'gone')
    await world.deliver(streamItem(1, { a: 1 }))
    expect(world.removed).toEqual([])
  })

  it('FAULT-31: 429 turns a connection to single readings, whose prev says what was left out, until 10 s are quiet', async () => {
    await world.subscribe([pump])
    await world.deliver(streamItem(1, { a: 1 }))
    world.outcomes.set(ANA, 'throttled')
    await world.deliver(streamItem(2, { a: 2 }))
    world.outcomes.delete(ANA)
    world.clock.ms += 1_000
    await world.deliver(streamItem(3, { a: 3 }), streamItem(4, { boot: 'b', n: 4, a: 4 }))
    world.clock.ms += 999
    await world.deliver(streamItem(5, { a: 5 }))
    world.clock.ms += 9_001
    await world.deliver(streamItem(6, { a: 6 }))
    expect(world.posts.map((post) => post.message.type)).toEqual(
      // The first frame; what was missed and that it is slow now, ahead of the second; that it is over, ahead of the third.
      ['data', 'gap', 'slow', 'data', 'slow', 'data'],
    )
    const [first, slow, later] = blocks(world)
    expect(slow).toMatchObject({ boot: 'b', n: [4], metrics: { a: [4] } })
    expect([slow!.thinned, later!.thinned]).toEqual([undefined, undefined])
    const missed = async (since: string, until: string) =>
      (await world.ask({ since, until })).blocks!.flatMap((block) => block.metrics.a)
    expect(await missed(first!.position, slow!.prev!)).toEqual([2, 3])
    expect(await missed(slow!.position, later!.prev!)).toEqual([5])
  })

  it('FAULT-31: says `thinned` in a throttled connection’s block only when the subscription asked for less', async () => {
    await world.subscribe([{ ...pump, where: { metric: 'a', op: 'lt', value: 4 } }])
    world.outcomes.set(ANA, 'throttled')
    await world.deliver(streamItem(1, { a: 1 }))
    world.outcomes.delete(ANA)
    world.clock.ms += 1_000
    await world.deliver(streamItem(2, { a: 2 }), streamItem(3, { a: 3 }), streamItem(4, { a: 4 }))
    expect(blocks(world)).toMatchObject([{ metrics: { a: [3] }, thinned: true }])
  })

  it('FAULT-31: tells a notice again that did not arrive', async () => {
    await world.subscribe([pump])
    world.outcomes.set(ANA, 'throttled')
    await world.deliver(streamItem(1, { a: 1 }))
    world.clock.ms += 1_000
    await world.deliver(streamItem(2, { a: 2 }))
    world.outcomes.delete(ANA)
    world.clock.ms += 2_000
    await world.deliver(streamItem(3, { a: 3 }))
    expect(world.posts.map((post) => post.message.type)).toEqual(['gap', 'slow', 'data'])
  })

  it('FAULT-31: turns a connection that does not answer in time to single readings too', async () => {
    await world.subscribe([pump])
    world.outcomes.set(ANA, 'slow')
    await world.deliver(streamItem(1, { a: 1 }))
    world.outcomes.delete(ANA)
    world.clock.ms += 1_000
    await world.deliver(streamItem(2, { a: 2 }), streamItem(3, { a: 3 }))
    expect(world.posts.map((post) => post.message)).toMatchObject([
      { type: 'gap', reason: 'slow' },
      { type: 'slow', mode: 'latest' },
      { type: 'data', blocks: [{ metrics: { a: [3] } }] },
    ])
  })

  it('FAULT-35: 403 deletes nothing and is shouted about', async () => {
    await world.subscribe([pump])
    world.outcomes.set(ANA, 'forbidden')
    await world.deliver(streamItem(1, { a: 1 }))
    expect(world.removed).toEqual([])
    expect(world.errors).toHaveLength(1)
    expect(world.counts.get('PostsForbidden')).toBe(1)
  })

  it.each(['slow', 'failed'] as const)('%s: counts it, deletes nothing', async (outcome) => {
    await world.subscribe([pump])
    world.outcomes.set(ANA, outcome)
    await world.deliver(streamItem(1, { a: 1 }))
    expect([world.removed, world.memory.rows.size]).toEqual([[], 1])
    expect(world.counts.get('ReadingsShed')).toBe(1)
  })

  it('PROMISE-30: begins no post after the batch’s deadline, and counts what it left', async () => {
    await world.subscribe([pump])
    await world.deliverUntil(world.clock.ms, streamItem(1, { a: 1 }))
    expect(world.posts).toEqual([])
    expect(world.counts.get('ReadingsShed')).toBe(1)
  })
})

describe('deliver: presence', () => {
  const presence = (sequence: number, event: string, versionNumber: number, timestamp: number) =>
    streamItem(
      sequence,
      { timestamp, versionNumber },
      { kind: 'presence', topic: `$aws/events/presence/${event}/pump-7` },
    )

  it('tells who watches the device, and puts it into the device’s state', async () => {
    await world.subscribe([pump])
    await world.deliver(streamItem(1, { a: 1 }))
    await world.deliver(presence(2, 'disconnected', 0, START_MS + 500))
    expect(world.posts.at(-1)!.message).toEqual({
      type: 'presence',
      topic: 'plant-1/pump-7',
      online: false,
      at: START_MS + 500,
    })
    const { states } = await world.subscribe([{ ...pump, sid: 9, mode: 'latest' }])
    expect(states).toMatchObject([{ topic: 'plant-1/pump-7', online: false }])
  })

  it('ignores the end of an earlier session that comes late (FAULT-4: takeover)', async () => {
    await world.subscribe([pump])
    await world.deliver(streamItem(1, { a: 1 }))
    await world.deliver(presence(2, 'connected', 5, START_MS + 500))
    await world.deliver(presence(3, 'disconnected', 4, START_MS + 501))
    expect(world.posts.filter((post) => post.message.type === 'presence')).toHaveLength(1)
  })

  it('says nothing about a client that never sent a reading', async () => {
    await world.deliver(presence(1, 'connected', 0, START_MS))
    expect(world.posts).toEqual([])
  })
})
