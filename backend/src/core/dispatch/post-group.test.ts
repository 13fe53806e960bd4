import { beforeEach, describe, expect, it } from 'vitest'
import { testClock, type TestClock } from '../../testing/test-clock.ts'
import type { PostOutcome } from './ports.ts'
import { createPostGroup, type GroupOutcome, type PostGroup } from './post-group.ts'

let clock: TestClock
let group: PostGroup
/** How long each connection takes to answer, in ms; for ever when it is not here. */
let answersAfter: Map<string, number>
beforeEach(() => {
  clock = testClock()
  answersAfter = new Map()
  group = makeGroup()
})

function makeGroup(comparesReaders = true, stragglerMs?: number): PostGroup {
  const posts = {
    post: (id: string): Promise<PostOutcome> =>
      new Promise((resolve) => {
        const ms = answersAfter.get(id)
        if (ms !== undefined) clock.after(ms, () => resolve('ok'))
      }),
  }
  return createPostGroup(
    { posts, clock },
    { stragglerTimeoutMs: () => stragglerMs, onAccepted: () => undefined, comparesReaders },
  )
}

async function outcomes(ids: readonly string[], of = group): Promise<Record<string, GroupOutcome>> {
  const all: Record<string, GroupOutcome> = {}
  const posting = Promise.all(ids.map(async (id) => (all[id] = await of.post(id, '', 1_000))))
  await clock.advance(3_000)
  await posting
  return all
}

describe('who is to blame for a post without an answer', () => {
  it('is the reader when the others got theirs soon', async () => {
    answersAfter.set('a', 5).set('b', 20)
    expect(await outcomes(['a', 'b', 'frozen'])).toEqual({ a: 'ok', b: 'ok', frozen: 'slow' })
    expect(group.hasStalled()).toBe(false)
  })

  it('is nobody when none of several got an answer', async () => {
    expect(await outcomes(['a', 'b'])).toEqual({ a: 'stalled', b: 'stalled' })
    expect(group.hasStalled()).toBe(true)
  })

  it('is nobody when the others waited long as well', async () => {
    answersAfter.set('a', 700).set('b', 800)
    expect(await outcomes(['a', 'b', 'c'])).toMatchObject({ c: 'stalled' })
  })

  it('is the only reader there is', async () => {
    expect(await outcomes(['alone'])).toEqual({ alone: 'slow' })
  })

  it('is each of those that are known to be slow', async () => {
    expect(await outcomes(['a', 'b'], makeGroup(false))).toEqual({ a: 'slow', b: 'slow' })
  })

  it('is nobody when this process was held up: what came meanwhile is still read', async () => {
    answersAfter.set('late', 1_005)
    const posting = Promise.all([group.post('late', '', 1_000), group.post('never', '', 1_000)])
    clock.ms += 1_600
    await clock.advance(2_000)
    expect(await posting).toEqual(['ok', 'stalled'])
  })

  it('is nobody by a straggler timeout either that comes late', async () => {
    const held = makeGroup(true, 100)
    answersAfter.set('late', 101)
    const posting = held.post('late', '', 1_000)
    clock.ms += 400
    await clock.advance(1_000)
    expect(await posting).toBe('ok')
  })
})
