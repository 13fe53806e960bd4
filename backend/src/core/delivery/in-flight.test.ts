import { beforeEach, describe, expect, it } from 'vitest'
import { connection, START_MS, streamItem } from '../../testing/records.ts'
import { createWorld } from '../../testing/world.ts'
import { testClock } from '../../testing/test-clock.ts'

const ANA = connection().connectionId
const pump = { sid: 7, topic: 'plant-1/pump-7' }
/** Enough for more than one frame. */
const readings = Array.from({ length: 500 }, (_, i) => ({
  ts: START_MS + i,
  metrics: Object.fromEntries(Array.from({ length: 9 }, (_, m) => [`metric-${m}`, i + 0.25])),
}))

let world: ReturnType<typeof createWorld>
beforeEach(() => {
  world = createWorld()
})

/** What a slow post does while it is under way. */
function duringFirstPost(happens: () => void): void {
  let isFirst = true
  world.whilePosting(() => {
    if (!isFirst) return
    isFirst = false
    happens()
  })
}

describe('deliver: rights that end while a batch is being sent (issue 4, line 2)', () => {
  it('sends everything when nothing changes, however long it takes', async () => {
    await world.subscribe([pump])
    duringFirstPost(() => (world.clock.ms += 1_001))
    await world.deliver(streamItem(1, readings))
    expect(world.posts.length).toBeGreaterThan(1)
    expect(world.pushed(ANA, 'metric-0')).toHaveLength(500)
  })

  it('posts nothing on rights older than a second to who was revoked meanwhile, and calls nothing of it a gap', async () => {
    await world.subscribe([pump])
    duringFirstPost(() => {
      world.memory.revokeUser('ana')
      world.clock.ms += 1_001
    })
    await world.deliver(streamItem(1, readings))
    expect(world.posts).toHaveLength(1)
    expect(world.counts.get('GapNotices')).toBeUndefined()
    expect(world.counts.get('ReadingsShed')).toBeUndefined()
  })

  it('posts nothing after the end of the token', async () => {
    await world.subscribe([pump], connection({ expiresAt: world.clock.ms / 1_000 + 1 }))
    duringFirstPost(() => (world.clock.ms += 1_000))
    await world.deliver(streamItem(1, readings))
    expect(world.posts).toHaveLength(1)
  })

  it('goes on for who renewed his token meanwhile', async () => {
    await world.subscribe([pump], connection({ expiresAt: world.clock.ms / 1_000 + 1 }))
    duringFirstPost(() => {
      const [row] = world.memory.rows.values()
      const expiresAt = world.clock.ms / 1_000 + 3_600
      void world.memory.renewRows([{ key: row!, grants: row!.grants }], { ...row!, expiresAt })
      world.clock.ms += 1_001
    })
    await world.deliver(streamItem(1, readings))
    expect(world.pushed(ANA, 'metric-0')).toHaveLength(500)
  })

  it('posts nothing to a connection that was closed meanwhile', async () => {
    await world.subscribe([pump])
    duringFirstPost(() => {
      void world.memory.removeRows([...world.memory.rows.values()])
      world.clock.ms += 1_001
    })
    await world.deliver(streamItem(1, readings))
    expect(world.posts).toHaveLength(1)
  })

  it('leaves the rest out when nobody can say who may see it, and does not fail the batch', async () => {
    await world.subscribe([pump])
    duringFirstPost(() => {
      world.memory.load = () => Promise.reject(new Error('throttled'))
      world.clock.ms += 1_001
    })
    await world.deliver(streamItem(1, readings))
    expect(world.posts).toHaveLength(1)
    expect(world.warnings).toHaveLength(1)
    expect(world.counts.get('ReadingsShed')).toBeGreaterThan(100)
  })

  it('looks once for everybody, and not at all within the second', async () => {
    for (let index = 0; index < 60; index++) {
      await world.subscribe([pump], connection({ connectionId: `c${index}=`, user: `u-${index}` }))
    }
    const load = world.memory.load.bind(world.memory)
    let loads = 0
    world.memory.load = (...asked) => (loads++, load(...asked))
    await world.deliver(streamItem(1, { a: 1 }))
    expect(loads).toBe(1)
    duringFirstPost(() => (world.clock.ms += 1_001))
    await world.deliver(streamItem(2, readings))
    expect(loads).toBe(3)
  })

  it('tells nobody of a command’s end who was revoked meanwhile', async () => {
    const clock = testClock()
    const update = { type: 'command', commandId: 'c-1' } as never
    const sockets = [connection(), connection({ connectionId: 'second=' })]
    world = createWorld(
      clock,
      {},
      { apply: () => Promise.resolve({ update, connections: sockets }) },
    )
    world.memory.revokeUser('ana')
    const topic = 'cmd/plant-1/pump-7/c-1/result'
    await world.deliver(
      streamItem(1, { state: 'done' }, { kind: 'result', topic, clientId: 'pump-7' }),
    )
    expect(world.tried).toEqual([])
  })
})
