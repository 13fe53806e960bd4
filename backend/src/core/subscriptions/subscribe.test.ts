import { beforeEach, describe, expect, it } from 'vitest'
import { earliestPosition, encodePosition, limits, type Position } from '../../protocol/index.ts'
import { connection, START_MS, streamItem } from '../../testing/records.ts'
import { createWorld, testClock, valuesIn } from '../../testing/world.ts'
import { memoryHistory } from '../../testing/memory-history.ts'
import { memorySubscriptions } from '../../testing/memory-subscriptions.ts'

const pump = { sid: 7, topic: 'plant-1/pump-7' }
let world: ReturnType<typeof createWorld>
beforeEach(() => {
  world = createWorld()
})
const topicsOnRows = () => [...world.memory.rows.values()].map((row) => row.topic)

describe('subscribe: results', () => {
  it('MESSAGE-11: answers each item by itself: two taken, one forbidden', async () => {
    const { results } = await world.subscribe([
      pump,
      { sid: 8, topic: 'plant-2/pump-7' },
      { sid: 9, topic: 'plant-1/#', mode: 'latest' },
    ])
    expect(results.map((one) => [one.sid, one.ok])).toEqual([
      [7, true],
      [8, false],
      [9, true],
    ])
    expect(topicsOnRows()).toEqual(['plant-1/pump-7', 'plant-1/#'])
  })

  it('MESSAGE-10: gives a forbidden device and an unknown one the same answer', async () => {
    await world.deliver(streamItem(1, { a: 1 }, { topic: 'dt/plant-2/known/telemetry' }))
    const { results } = await world.subscribe([
      { sid: 1, topic: 'plant-2/known' },
      { sid: 1, topic: 'plant-2/unknown' },
    ])
    expect(results[0]).toEqual(results[1])
    expect(results[0]).toMatchObject({ ok: false, code: 'FORBIDDEN', retry: 'never' })
  })

  it.each<[string, object, string]>([
    ['MESSAGE-9: an MQTT plus', { topic: '+' }, 'TOPIC_INVALID'],
    ['MESSAGE-9: a star', { topic: '*' }, 'TOPIC_INVALID'],
    ['MESSAGE-9: a site without a device', { topic: 'plant-1/' }, 'TOPIC_INVALID'],
    ['MESSAGE-9: an empty text', { topic: '' }, 'TOPIC_INVALID'],
    ['MESSAGE-9: dots', { topic: 'plant-1/..' }, 'TOPIC_INVALID'],
    ['MESSAGE-9: a NUL', { topic: 'plant-1/\0' }, 'TOPIC_INVALID'],
    ['MESSAGE-9: a look-alike', { topic: 'plant-1/рump-7' }, 'TOPIC_INVALID'],
    ['a wildcard in complete mode', { topic: 'plant-1/#' }, 'TOPIC_INVALID'],
    [
      'a filter with 17 comparisons',
      {
        where: {
          op: 'or',
          nodes: Array(9).fill({ op: 'and', nodes: Array(2).fill({ metric: 'a', op: 'exists' }) }),
        },
      },
      'FILTER_INVALID',
    ],
    [
      'a filter of depth 5',
      {
        where: [1, 2, 3, 4].reduce<object>((node) => ({ op: 'not', nodes: [node] }), {
          metric: 'a',
          op: 'exists',
        }),
      },
      'FILTER_INVALID',
    ],
    ['a filter that compares with nothing', { where: { metric: 'a', op: 'gt' } }, 'FILTER_INVALID'],
    ['a filter without sense', { where: { op: 'xor', nodes: [] } }, 'FILTER_INVALID'],
    ['MESSAGE-18: a position that is none', { since: '12' }, 'POSITION_INVALID'],
    ['maxHz 0', { maxHz: 0 }, 'MESSAGE_INVALID'],
    ['33 metrics', { metrics: Array.from({ length: 33 }, (_, i) => `m${i}`) }, 'MESSAGE_INVALID'],
  ])('refuses %s', async (_name, changes, code) => {
    const { results } = await world.subscribe([{ ...pump, ...changes }])
    expect(results).toMatchObject([{ sid: 7, ok: false, code }])
    expect(world.memory.rows.size).toBe(0)
  })

  it('survives items that are not objects', async () => {
    const { results } = await world.subscribe([null, 7, 'x', []])
    expect(results.every((one) => !one.ok)).toBe(true)
  })
})

describe('subscribe: caps', () => {
  const many = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => ({ sid: from + i, topic: `plant-1/d-${from + i}` }))

  it('MESSAGE-13: takes 200 on a connection and refuses the next; replacing one still works', async () => {
    for (let from = 0; from < 200; from += 50) await world.subscribe(many(from, 50))
    const { results } = await world.subscribe([...many(200, 1), { sid: 0, topic: 'plant-1/other' }])
    expect(results).toMatchObject([{ ok: false, code: 'SUBSCRIPTION_LIMIT' }, { ok: true }])
    expect(world.memory.rows.size).toBe(limits.subscriptionsPerConnection)
  })

  it('takes 1,000 of a user over all his connections', async () => {
    const ids = Array.from({ length: 6 }, (_, i) => `connection-${i}=`)
    world.memory.connectionsOf.set('ana', ids)
    let taken = 0
    for (const connectionId of ids) {
      for (let from = 0; from < 200; from += 50) {
        const answer = await world.subscribe(many(from, 50), connection({ connectionId }))
        taken += answer.results.filter((one) => one.ok).length
      }
    }
    expect(taken).toBe(limits.subscriptionsPerUser)
  })

  it('takes 1,000 of a user at most, however many of his sockets ask at once', async () => {
    const ids = Array.from({ length: 8 }, (_, i) => `connection-${i}=`)
    world.memory.connectionsOf.set('ana', ids)
    const answers = await Promise.all(
      ids.flatMap((connectionId) =>
        [0, 50, 100, 150].map((from, i) =>
          world.subscribe(many(from, 50), connection({ connectionId }), 10 + i),
        ),
      ),
    )
    const results = answers.flatMap((answer) => answer.results)
    const taken = results.filter((one) => one.ok).length
    expect(taken).toBeLessThanOrEqual(limits.subscriptionsPerUser)
    expect(world.memory.rows.size).toBe(taken)
    const refused = results.flatMap((one) => (one.ok ? [] : [one.code]))
    expect(new Set(refused)).toEqual(new Set(['SUBSCRIPTION_LIMIT']))
  })

  it('MESSAGE-8: is idempotent: the same message again changes nothing', async () => {
    await world.subscribe([pump], connection(), 5)
    const { results } = await world.subscribe([pump], connection(), 5)
    expect(results).toMatchObject([{ ok: true }])
    expect(world.memory.rows.size).toBe(1)
  })

  it('replaces the subscription whose sid is used again', async () => {
    await world.subscribe([pump])
    await world.subscribe([{ sid: 7, topic: 'plant-1/fan-1' }])
    expect(topicsOnRows()).toEqual(['plant-1/fan-1'])
  })

  it('takes the last of several items with one sid', async () => {
    const { results } = await world.subscribe([pump, { sid: 7, topic: 'plant-1/fan-1' }])
    expect(results).toMatchObject([{ ok: false, code: 'SUPERSEDED' }, { ok: true }])
    expect(topicsOnRows()).toEqual(['plant-1/fan-1'])
  })
})

describe('subscribe: order (APIGW-13: the messages of a connection run in no order)', () => {
  it('MESSAGE-15: the last of subscribe, unsubscribe, subscribe holds, whatever order they run in', async () => {
    const orders = [
      [1, 2, 3],
      [1, 3, 2],
      [2, 1, 3],
      [2, 3, 1],
      [3, 1, 2],
      [3, 2, 1],
    ]
    for (const order of orders) {
      world = createWorld()
      for (const id of order) {
        if (id === 2) await world.unsubscribe([7], connection(), 2)
        else await world.subscribe([{ sid: 7, topic: `plant-1/d-${id}` }], connection(), id)
      }
      expect([order, topicsOnRows()]).toEqual([order, ['plant-1/d-3']])
    }
  })

  it('leaves no row of a subscribe that was overtaken while it wrote', async () => {
    const putRows = world.subscriptions.putRows.bind(world.subscriptions)
    world.subscriptions.putRows = async (rows) => {
      world.subscriptions.putRows = putRows
      await world.unsubscribe([7], connection(), 9)
      await putRows(rows)
    }
    const { results } = await world.subscribe([pump], connection(), 8)
    expect(results).toMatchObject([{ ok: false, code: 'SUPERSEDED' }])
    expect(world.memory.rows.size).toBe(0)
  })

  it('APIGW-92: leaves no row of a subscribe whose connection closed while it wrote', async () => {
    const putRows = world.subscriptions.putRows.bind(world.subscriptions)
    world.subscriptions.putRows = async (rows) => {
      const { removeConnection } = await import('./remove-connection.ts')
      await removeConnection(connection().connectionId, world.subscriptions)
      await putRows(rows)
    }
    await expect(world.subscribe([pump])).rejects.toMatchObject({ code: 'CONNECTION_UNKNOWN' })
    expect(world.memory.rows.size).toBe(0)
  })

  it('MESSAGE-14: unsubscribing what is not there succeeds', async () => {
    expect(await world.unsubscribe([1, 2])).toMatchObject({ type: 'unsubscribed', sids: [1, 2] })
  })
})

describe('subscribe: the snapshot', () => {
  const feed = async (from: number, to: number): Promise<void> => {
    for (let i = from; i <= to; i++) {
      const payload = { ts: START_MS + i * 100, boot: 'b', n: i, metrics: { a: i } }
      await world.deliver(streamItem(i, payload))
    }
  }
  const positionOf = async (n: number): Promise<Position> => {
    const page = await world.ask({ from: START_MS + n * 100, to: START_MS + n * 100 + 1 })
    return page.blocks![0]!.position
  }
  const resume = (since: Position, changes: object = {}) =>
    world.subscribe([{ ...pump, since, ...changes }])

  it('gives everything after `since`, and says so', async () => {
    await feed(1, 9)
    const answer = await resume(await positionOf(4))
    expect(valuesIn(answer)).toEqual([5, 6, 7, 8, 9])
    expect(answer.results).toMatchObject([{ recovered: true, more: false }])
  })

  it('gives nothing at the head, and says that nothing is missing', async () => {
    await feed(1, 3)
    const answer = await resume(await positionOf(3))
    expect([valuesIn(answer), answer.results]).toMatchObject([[], [{ recovered: true }]])
  })

  it('resumes from the middle of a block', async () => {
    const readings = [1, 2, 3, 4].map((a) => ({ ts: START_MS + a, metrics: { a } }))
    await world.deliver(streamItem(1, readings))
    const { arrivalMs, sequenceNumber } = streamItem(1, {})
    const answer = await resume(encodePosition(arrivalMs, sequenceNumber, 1))
    expect([valuesIn(answer), answer.results]).toMatchObject([[3, 4], [{ recovered: true }]])
  })

  it('PROMISE-3: says what is lost when the readings after `since` are kept no longer', async () => {
    const clock = testClock(START_MS + 1_000)
    world = createWorld(clock, { history: memoryHistory({ clock, retentionMs: 60_000 }) })
    await feed(1, 3)
    const since = await positionOf(1)
    clock.ms = START_MS + 90_000
    const last = { ts: clock.ms, metrics: { a: 4 } }
    await world.deliver(streamItem(4, last, { brokerMs: clock.ms }))
    const answer = await resume(since)
    expect(valuesIn(answer)).toEqual([4])
    const [result] = answer.results
    expect(result).toMatchObject({ ok: true, recovered: false })
    expect(result).toHaveProperty('lost', {
      reason: 'retention',
      fromMs: START_MS + 104,
      toMs: clock.ms + 4,
    })
  })

  it.each([
    ['ahead of the stream', encodePosition(START_MS + 5_000, `9${'0'.repeat(55)}`)],
    ['of another stream', encodePosition(START_MS + 150, '12345')],
  ])('MESSAGE-19: says that a position %s cannot be resumed from', async (_name, since) => {
    await feed(1, 3)
    const answer = await resume(since)
    expect(answer.results).toMatchObject([
      { recovered: false, lost: { reason: 'unknown-position' } },
    ])
  })

  it('says that a position of a device that never sent cannot be resumed from', async () => {
    const answer = await resume(encodePosition(START_MS, '12345'))
    expect(answer.results).toMatchObject([{ head: null, recovered: false }])
  })

  it('gives the window instead, when `since` is of no use', async () => {
    await feed(1, 3)
    const answer = await resume(encodePosition(START_MS, '5'), { window: { lastMs: 60_000 } })
    expect(valuesIn(answer)).toEqual([1, 2, 3])
    expect(answer.results).toMatchObject([{ recovered: false }])
  })

  it('gives the readings of a window, thinned to about as many points with the peaks kept', async () => {
    const readings = Array.from({ length: 400 }, (_, i) => ({
      ts: START_MS + i,
      metrics: { a: i === 123 ? 1_000 : i % 7 },
    }))
    await world.deliver(streamItem(1, readings))
    const answer = await world.subscribe([{ ...pump, window: { lastMs: 60_000, points: 40 } }])
    const values = valuesIn(answer)
    expect(values.length).toBeLessThanOrEqual(44)
    expect(values).toContain(1_000)
    expect(answer.blocks[0]!.thinned).toBe(true)
  })

  it('fits one frame, and says where the rest begins; the pages after it lack nothing', async () => {
    for (let batch = 0; batch < 8; batch++) {
      const readings = Array.from({ length: 400 }, (_, i) => ({
        ts: START_MS + batch * 400 + i,
        metrics: { a: batch * 400 + i, b: 0.123456789 },
      }))
      await world.deliver(streamItem(batch + 1, readings))
    }
    const answer = await world.subscribe([{ ...pump, window: { lastMs: 60_000 } }])
    expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThanOrEqual(limits.frameBytes)
    const [result] = answer.results
    expect(result).toMatchObject({ ok: true, more: true })
    const values = valuesIn(answer)
    let page = await world.ask({ since: (result as { resumeFrom: Position }).resumeFrom })
    for (;;) {
      expect(page.complete).toBe(true)
      expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThanOrEqual(limits.frameBytes)
      values.push(...valuesIn({ blocks: page.blocks! }))
      if (page.cursor === null) break
      page = await world.ask({
        since: (result as { resumeFrom: Position }).resumeFrom,
        cursor: page.cursor,
      })
    }
    expect(values).toEqual(Array.from({ length: 3_200 }, (_, i) => i))
  })

  it('gives a second subscription whose part of the frame is used up a place to go on from', async () => {
    const readings = Array.from({ length: 500 }, (_, i) => ({
      ts: START_MS + i,
      metrics: { a: i, b: 0.123456789, c: 0.123456789 },
    }))
    const fan = { topic: 'dt/plant-1/fan-1/telemetry' }
    await world.deliver(streamItem(1, readings), streamItem(2, readings))
    await world.deliver(streamItem(3, readings, fan))
    const window = { lastMs: 60_000 }
    const answer = await world.subscribe([
      { ...pump, window },
      { sid: 8, topic: 'plant-1/fan-1', window },
    ])
    const second = answer.results[1] as { more: boolean; resumeFrom: Position }
    expect(second.more).toBe(true)
    const first = valuesIn({ blocks: answer.blocks.filter((block) => block.sid === 8) })
    const page = await world.ask({ topic: 'plant-1/fan-1', since: second.resumeFrom })
    expect([...first, ...valuesIn({ blocks: page.blocks! })]).toHaveLength(500)
    expect(page.complete).toBe(true)
  })

  it('gives a subscription that found no room at all the beginning of its window', async () => {
    const item = { ...pump, window: { lastMs: 60_000 } }
    const items = Array.from({ length: 50 }, (_, sid) => ({ ...item, sid }))
    const readings = Array.from({ length: 400 }, (_, a) => ({ ts: START_MS + a, metrics: { a } }))
    await world.deliver(streamItem(1, readings))
    const { results } = await world.subscribe(items)
    expect(results.at(-1)).toMatchObject({
      more: true,
      resumeFrom: earliestPosition(world.clock.ms - 60_000),
    })
  })

  describe('with another filter than before', () => {
    /** Readings 1 to 6: the even ones have `b` too. */
    const feedPairs = async (): Promise<void> => {
      for (let a = 1; a <= 6; a++) {
        const metrics = a % 2 === 0 ? { a, b: -a } : { a }
        await world.deliver(streamItem(a, { ts: START_MS + a * 100, metrics }))
      }
    }

    it.each([
      ['another metric', { metrics: ['b'] }, 'b', [-4, -6]],
      ['more metrics', { metrics: ['a', 'b'] }, 'a', [3, 4, 5, 6]],
      ['a filter', { where: { metric: 'a', op: 'gt', value: 4 } }, 'a', [5, 6]],
      ['a filter that nothing passes', { where: { metric: 'a', op: 'gt', value: 9 } }, 'a', []],
      ['a rate that thins the pushes', { maxHz: 0.01 }, 'a', [3, 4, 5, 6]],
      ['a deadband that thins the pushes', { deadband: { a: 100 } }, 'a', [3, 4, 5, 6]],
    ])('%s: gives every reading that matches', async (_name, changes, metric, values) => {
      await feedPairs()
      const since = await positionOf(2)
      await world.subscribe([{ ...pump, metrics: ['a'] }])
      const answer = await resume(since, changes)
      expect(valuesIn(answer, metric).filter((value) => value !== null)).toEqual(values)
      expect(answer.results).toMatchObject([
        { recovered: true, more: false, head: await positionOf(6) },
      ])
    })

    it('does not call the newest values a recovery: `latest` says from where to where it passes over readings', async () => {
      await feedPairs()
      const answer = await resume(await positionOf(2), { mode: 'latest' })
      expect(answer.states).toMatchObject([{ metrics: { a: 6, b: -6 } }])
      const lost = { reason: 'latest', fromMs: START_MS + 204, toMs: START_MS + 604 }
      expect(answer.results).toMatchObject([{ ok: true, recovered: false, lost }])
    })

    it('`latest` at the head passes over nothing', async () => {
      await feedPairs()
      const { results } = await resume(await positionOf(6), { mode: 'latest' })
      expect(results).toEqual([
        { sid: 7, ok: true, head: await positionOf(6), recovered: true, more: false },
      ])
    })

    it('`latest` does not know a position of another stream either', async () => {
      await feedPairs()
      const ahead = encodePosition(START_MS + 5_000, `9${'0'.repeat(55)}`)
      const { results } = await resume(ahead, { mode: 'latest' })
      expect(results).toMatchObject([{ recovered: false, lost: { reason: 'unknown-position' } }])
    })

    it('`complete` after `latest` gives what was passed over', async () => {
      await feedPairs()
      const since = await positionOf(2)
      await resume(since, { mode: 'latest' })
      const answer = await resume(since)
      expect(valuesIn(answer)).toEqual([3, 4, 5, 6])
      expect(answer.results).toMatchObject([{ recovered: true }])
    })

    it('refuses the position of one device for a topic of many', async () => {
      await feedPairs()
      const changes = { topic: 'plant-1/#', mode: 'latest' }
      const { results } = await resume(await positionOf(2), changes)
      expect(results).toMatchObject([{ ok: false, code: 'POSITION_INVALID' }])
    })
  })

  it('gives a state per device to a latest-mode subscription, of the entitled ones only', async () => {
    await feed(1, 2)
    await world.deliver(streamItem(9, { a: 5, b: 6 }, { topic: 'dt/plant-1/fan-1/telemetry' }))
    await world.deliver(streamItem(10, { a: 7 }, { topic: 'dt/plant-2/x/telemetry' }))
    const { states } = await world.subscribe([{ sid: 1, topic: 'plant-1/#', mode: 'latest' }])
    expect(states.map((state) => [state.topic, state.metrics]).sort()).toEqual([
      ['plant-1/fan-1', { a: 5, b: 6 }],
      ['plant-1/pump-7', { a: 2 }],
    ])
  })
})

describe('subscribe: while the connection is renewed or closed', () => {
  const before = connection({ devices: ['#'] })
  const items = [pump, { sid: 8, topic: 'plant-2/pump-7' }]

  it('APIGW-13: the rows end with the grants of a refresh that came while they were written', async () => {
    const narrow = { ...before, devices: ['plant-1/#'], tokenId: 'token-2', revision: 2 }
    const memory = memorySubscriptions(testClock())
    const raced = createWorld(testClock(), {
      subscriptions: memory,
      // The refresh has read a registry without these entries: it leaves their rows to whoever writes them.
      connections: { find: () => Promise.resolve(narrow) },
    })
    const { results } = await raced.subscribe(items, before)
    expect(results).toMatchObject([
      { sid: 7, ok: true },
      { sid: 8, ok: false, code: 'FORBIDDEN' },
    ])
    expect([...memory.rows.values()]).toMatchObject([
      { topic: 'plant-1/pump-7', grants: ['plant-1/#'], tokenId: 'token-2' },
    ])
  })

  it('a connection that was closed meanwhile is told so', async () => {
    const raced = createWorld(testClock(), {
      connections: { find: () => Promise.resolve(undefined) },
    })
    await expect(raced.subscribe(items, before)).rejects.toMatchObject({
      code: 'CONNECTION_UNKNOWN',
    })
  })
})
