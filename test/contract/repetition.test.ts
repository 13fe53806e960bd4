import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Data } from '../../backend/src/protocol/index.ts'
import { START_MS, streamItem } from '../../backend/src/testing/records.ts'
import { createWorld } from '../../backend/src/testing/world.ts'
import { DeviceFeed } from '../../dashboard/src/stream/device-feed.ts'

const topic = 'plant-1/pump-7'
/** Readings that are easily taken for each other: few boots, counters, times and values. */
const reading = fc.record({
  boot: fc.constantFrom(undefined, 'a', 'b'),
  n: fc.option(fc.nat(70), { nil: undefined }),
  ts: fc.option(
    fc.nat(3).map((second) => START_MS + second * 1_000),
    { nil: undefined },
  ),
  value: fc.nat(2),
})

it('the dashboard shows exactly what the pipeline keeps, whatever devices count and however often blocks come', async () => {
  const payloads = fc.array(fc.array(reading, { minLength: 1, maxLength: 6 }), {
    minLength: 1,
    maxLength: 30,
  })
  await fc.assert(
    fc.asyncProperty(payloads, async (sent) => {
      const world = createWorld()
      const answer = await world.subscribe([{ sid: 1, topic }])
      const feed = new DeviceFeed(topic)
      const [result] = answer.results
      if (result?.ok) feed.subscribed(result, answer.blocks, null)
      for (const [i, list] of sent.entries()) {
        const items = list.map(({ value, ...one }) => ({ ...one, metrics: { a: value } }))
        await world.deliver(streamItem(i + 1, items, { brokerMs: START_MS + 10_000 }))
      }
      const { blocks: kept = [] } = await world.ask({
        from: START_MS - 60_000,
        to: START_MS + 60_000,
      })
      const pushed = world.posts.flatMap(({ message }) => (message as Data).blocks)
      for (const block of [...pushed, ...pushed.toReversed(), ...kept]) {
        feed.series.add(block, true)
      }
      const count = kept.reduce((sum, block) => sum + block.ts.length, 0)
      expect(feed.series.length).toBe(count)
      expect([...feed.series.view('a').values].sort()).toEqual(
        kept.flatMap((block) => [...(block.metrics['a'] ?? [])]).sort(),
      )
    }),
    { numRuns: 60 },
  )
})
