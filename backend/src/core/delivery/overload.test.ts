import { beforeEach, describe, expect, it } from 'vitest'
import { connection, streamItem } from '../../testing/records.ts'
import { createWorld } from '../../testing/world.ts'
import type { Data, GapNotice } from '../../protocol/index.ts'

const people = ['ana', 'bea', 'cleo'].map((user) =>
  connection({ connectionId: `${user}=`, user, expiresAt: Number.MAX_SAFE_INTEGER }),
)
let world: ReturnType<typeof createWorld>
let sequence: number
beforeEach(async () => {
  world = createWorld()
  sequence = 0
  for (const who of people) await world.subscribe([{ sid: 1, topic: 'plant-1/pump-7' }], who)
})

/** A batch of so many readings, the last of which arrived `ageMs` ago. */
async function batch(readings: number, ageMs: number): Promise<void> {
  const items = Array.from({ length: readings }, () => {
    const arrivalMs = world.clock.ms - ageMs
    sequence++
    return streamItem(sequence, { a: sequence }, { arrivalMs, brokerMs: arrivalMs })
  })
  const delivered = world.deliverAt(ageMs, ...items)
  await world.clock.advance(3_000)
  await delivered
}

const gaps = (id: string): GapNotice[] =>
  world.posts
    .filter((post) => post.connectionId === id && post.message.type === 'gap')
    .map(({ message }) => message as GapNotice)

describe('a system beyond its capacity', () => {
  it('that is behind the stream sends what is newest, to everybody alike, and says once that it leaves out', async () => {
    await batch(3, 0)
    for (let i = 0; i < 4; i++) await batch(50, 8_000)
    for (const { connectionId } of people) {
      expect(world.pushed(connectionId)).toEqual([1, 2, 3, 53, 103, 153, 203])
      expect(gaps(connectionId)).toEqual([
        { type: 'gap', sid: 1, topic: 'plant-1/pump-7', reason: 'shed' },
      ])
    }
    expect(world.counts.get('ReadingsShed')).toBe(3 * 4 * 49)
    expect(world.counts.get('ReadingsDelivered')).toBe(3 * (3 + 4))
  })

  it('sends everything again as soon as it has caught up, and what was left out is in the history', async () => {
    await batch(1, 0)
    await batch(50, 8_000)
    await batch(10, 3_000)
    await batch(5, 200)
    await batch(5, 3_000)
    const [who] = people
    expect(world.pushed(who!.connectionId).slice(-10)).toEqual([
      62, 63, 64, 65, 66, 67, 68, 69, 70, 71,
    ])
    const blocks = world.posts
      .filter((post) => post.connectionId === who!.connectionId && post.message.type === 'data')
      .flatMap(({ message }) => (message as Data).blocks)
    expect(blocks[1]!.prev).not.toBe(blocks[0]!.position)
    const page = await world.ask({ since: blocks[0]!.position, until: blocks[1]!.prev! }, who)
    expect(page.blocks!.flatMap((block) => block.metrics.a)).toEqual(
      Array.from({ length: 49 }, (_, i) => i + 2),
    )
  })

  it('whose gateway answers nobody blames no reader: the next batch goes to all of them', async () => {
    for (const { connectionId } of people) world.hanging.add(connectionId)
    await batch(1, 0)
    world.hanging.clear()
    const before = world.tried.length
    await batch(1, 0)
    expect(world.tried.length - before).toBeGreaterThanOrEqual(3)
    for (const { connectionId } of people) {
      expect(world.pushed(connectionId)).toEqual([2])
      expect(gaps(connectionId)).toMatchObject([{ reason: 'shed' }])
    }
    expect(world.counts.get('PostsSlow')).toBeUndefined()
  })
})
