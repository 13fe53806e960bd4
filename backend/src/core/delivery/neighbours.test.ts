import { beforeEach, describe, expect, it } from 'vitest'
import { connection, streamItem } from '../../testing/records.ts'
import { createWorld } from '../../testing/world.ts'
import { CLOSES_AFTER_MS } from '../dispatch/circuit-breaker.ts'

const idOf = (index: number): string => `c${index}=`

let world: ReturnType<typeof createWorld>
let sequence: number
beforeEach(() => {
  world = createWorld()
  sequence = 0
})

/** Everybody watches one device. */
async function open(people: number): Promise<void> {
  for (let index = 0; index < people; index++) {
    const who = connection({ connectionId: idOf(index), user: `user-${index}` })
    await world.subscribe([{ sid: 1, topic: 'plant-1/pump-7' }], who)
  }
}

/** One reading more; how long the batch took on the world's clock, and how many posts were tried. */
async function batch(): Promise<{ tookMs: number; tried: number }> {
  const { clock, tried } = world
  const before = { ms: clock.ms, tried: tried.length }
  let endedMs: number | undefined
  sequence++
  const delivered = world
    .deliver(streamItem(sequence, { a: sequence }))
    .then(() => (endedMs = clock.ms))
  while (endedMs === undefined) await clock.advance(1)
  await delivered
  return { tookMs: endedMs - before.ms, tried: tried.length - before.tried }
}

const got = (index: number): (number | null)[] => world.pushed(idOf(index))
const hang = (count: number): void => {
  for (let index = 0; index < count; index++) world.hanging.add(idOf(index))
}

describe('deliver: a neighbour in trouble (issue 3, line 8)', () => {
  it('FAULT-33: waits once for a connection that does not answer, shortly, and then leaves it out', async () => {
    await open(10)
    await batch()
    hang(1)
    expect((await batch()).tookMs).toBeLessThanOrEqual(110)
    const next = await batch()
    expect(next.tookMs).toBeLessThanOrEqual(5)
    expect(next.tried).toBe(10 - 1)
    expect(got(1)).toEqual([1, 2, 3])
  })

  it('tries it again after 1, 2, 4 … 30 s, for a few tens of milliseconds', async () => {
    await open(10)
    hang(1)
    await batch()
    const trials: number[] = []
    let waitedMs = 0
    for (let second = 1; second <= 100; second++) {
      const { tookMs, tried } = await batch()
      waitedMs = Math.max(waitedMs, tookMs)
      if (tried === 10) trials.push(second)
      await world.clock.advance(1_000)
    }
    expect(waitedMs).toBeLessThanOrEqual(50)
    expect(trials.length).toBeLessThanOrEqual(8)
    expect(trials.slice(1).map((at, i) => at - (trials[i] ?? 0))).toEqual([2, 4, 8, 16, 30, 30])
  })

  it('tells one that is back what it missed, and sends it everything again', async () => {
    await open(10)
    hang(1)
    await batch()
    await batch()
    world.hanging.clear()
    await world.clock.advance(1_000)
    await batch()
    await world.clock.advance(CLOSES_AFTER_MS + 1_000)
    await batch()
    await batch()
    const told = world.posts
      .filter((post) => post.connectionId === idOf(0))
      .map(({ message }) => (message.type === 'slow' ? message.mode : message.type))
    expect(told).toEqual(['gap', 'latest', 'data', 'complete', 'data', 'data'])
    const blocks = world.posts.flatMap(({ connectionId, message }) =>
      connectionId === idOf(0) && message.type === 'data' ? [...message.blocks] : [],
    )
    expect(got(0)).toEqual([3, 4, 5])
    expect(blocks.slice(1).map((block) => block.prev)).toEqual(
      blocks.slice(0, -1).map((block) => block.position),
    )
  })

  it('counts what it leaves out, and says to the reader why', async () => {
    await open(10)
    hang(1)
    await batch()
    world.counts.clear()
    await batch()
    expect([world.counts.get('ReadingsShed'), world.counts.get('PostsSlow')]).toEqual([
      1,
      undefined,
    ])
  })

  it('20 of 100 that do not answer cost no more than one', async () => {
    await open(100)
    await batch()
    hang(20)
    expect((await batch()).tookMs).toBeLessThanOrEqual(110)
    const next = await batch()
    expect([next.tookMs <= 5, next.tried]).toEqual([true, 80])
    await world.clock.advance(1_000)
    const trial = await batch()
    expect(trial.tookMs).toBeLessThanOrEqual(50)
    expect(trial.tried).toBe(88)
    for (let index = 20; index < 100; index++) expect(got(index)).toEqual([1, 2, 3, 4])
  })

  it('FAULT-31: a refused connection costs a post and a write now and then, not at each batch', async () => {
    await open(10)
    const { memory } = world
    const slowDown = memory.slowDown.bind(memory)
    let writes = 0
    memory.slowDown = (untilMs) => {
      writes++
      return slowDown(untilMs)
    }
    world.outcomes.set(idOf(0), 'throttled')
    for (let second = 0; second < 60; second++) {
      await batch()
      await world.clock.advance(1_000)
    }
    expect(world.tried.filter((id) => id === idOf(0))).toHaveLength(6)
    expect(writes).toBe(6)
    expect(got(1)).toHaveLength(60)
  })

  it('blames nobody when the whole platform is slow, and is there when it is not any more', async () => {
    await open(100)
    hang(100)
    const { tookMs } = await batch()
    expect(tookMs).toBeLessThanOrEqual(3_010)
    world.hanging.clear()
    await world.clock.advance(5_000)
    await batch()
    for (let index = 0; index < 100; index++) expect(got(index)).toEqual([2])
  })

  it('one that falls back again and again is never waited for like a trusted one', async () => {
    await open(10)
    hang(1)
    await batch()
    for (let round = 0; round < 5; round++) {
      world.hanging.clear()
      await world.clock.advance(31_000)
      await batch()
      hang(1)
      expect((await batch()).tookMs).toBeLessThanOrEqual(50)
    }
  })

  it('posts to 48 connections at once, and not to more', async () => {
    await open(100)
    hang(100)
    const delivered = world.deliver(streamItem(1, { a: 1 }))
    await world.clock.advance(999)
    expect(world.tried).toHaveLength(48)
    await world.clock.advance(3_000)
    await delivered
    // None of them was answered: it is of no use to try the others.
    expect(world.tried).toHaveLength(48)
  })

  it('serializes a block once for everybody who gets the same', async () => {
    await open(100)
    const other = connection({ connectionId: 'other=', user: 'other' })
    await world.subscribe([{ sid: 3, topic: 'plant-1/pump-7', metrics: ['a'] }], other)
    const stringify = JSON.stringify.bind(JSON)
    let blocks = 0
    JSON.stringify = ((...args: Parameters<typeof stringify>) => {
      const value: unknown = args[0]
      if (typeof value === 'object' && value !== null && 'position' in value) blocks++
      return stringify(...args)
    }) as typeof JSON.stringify
    try {
      await batch()
    } finally {
      JSON.stringify = stringify
    }
    expect(world.posts).toHaveLength(101)
    expect(blocks).toBe(2)
  })
})
