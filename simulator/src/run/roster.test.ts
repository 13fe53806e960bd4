import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { StageSpan } from '../scenario/shape.ts'
import { mixed, rosterOf } from './roster.ts'

const span = (from: number, to: number, startMs = 0, endMs = startMs + 1_000): StageSpan => ({
  name: 'stage',
  startMs,
  endMs,
  from,
  to,
  rate: 1,
})
const fast = { connectsPerSecond: 500 }

it('a ramp up is even over its stage', () => {
  expect(rosterOf([span(0, 4)], fast)).toEqual(
    [0, 250, 500, 750].map((atMs, device) => ({ atMs, device, joins: true })),
  )
})

it('a jump is paced, however many devices it has', () => {
  const changes = rosterOf([{ ...span(3, 3), endMs: Infinity }], { connectsPerSecond: 2 })
  expect(changes.map(({ atMs }) => atMs)).toEqual([0, 500, 1_000])
})

it('the last to join is the first to leave, and joins again when the next ramp comes', () => {
  const changes = rosterOf([span(0, 2), span(2, 1, 1_000), span(1, 2, 2_000)], fast)
  expect(changes).toEqual([
    { atMs: 0, device: 0, joins: true },
    { atMs: 500, device: 1, joins: true },
    { atMs: 1_000, device: 1, joins: false },
    { atMs: 2_000, device: 1, joins: true },
  ])
})

it('a device joins and leaves in turn, never faster than the pace, and as many are there as the last stage says', () => {
  const stages = fc.array(fc.tuple(fc.nat(30), fc.nat(30)), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(stages, fc.integer({ min: 1, max: 500 }), (ramps, connectsPerSecond) => {
      const spans = ramps.map(([from, to], index) => span(from, to, index * 1_000))
      const changes = rosterOf(spans, { connectsPerSecond })
      const present = new Set<number>()
      for (const { device, joins } of changes) {
        expect(present.has(device)).toBe(!joins)
        if (joins) present.add(device)
        else present.delete(device)
      }
      expect(present.size).toBe(spans.at(-1)?.to)
      const joins = changes.filter((change) => change.joins).map(({ atMs }) => atMs)
      for (let index = 1; index < joins.length; index++) {
        const gapMs = (joins[index] ?? 0) - (joins[index - 1] ?? 0)
        expect(gapMs).toBeGreaterThanOrEqual(1_000 / connectsPerSecond - 1e-6)
      }
    }),
  )
})

it('a part of the devices is a part of each fleet', () => {
  const order = mixed([
    ['a1', 'a2', 'a3', 'a4'],
    ['b1', 'b2'],
  ])
  expect(order.slice(0, 3)).toEqual(['a1', 'b1', 'a2'])
  expect(order).toHaveLength(6)
})
