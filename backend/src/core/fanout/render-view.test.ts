import { expect, it } from 'vitest'
import { encodePosition } from '../../protocol/index.ts'
import { buildBlocks } from '../blocks/device-block.ts'
import type { View } from '../selection/view.ts'
import { renderView, type ViewMemory } from './render-view.ts'

const blocks = buildBlocks(
  null,
  [1, 2, 3].map((n) => ({
    topic: 'plant-1/pump-7' as const,
    clientId: 'pump-7',
    ts: n * 1_000,
    boot: null,
    n: null,
    metrics: new Map([['a', n]]),
    quality: null,
    position: encodePosition(n * 1_000, `${n}`),
    sentTs: null,
    stepMs: null,
    brokerMs: n * 1_000,
  })),
)

it.each<[string, View, number]>([
  ['a complete view', { mode: 'complete' }, 0],
  ['a filter', { mode: 'complete', where: { metric: 'a', op: 'gt', value: 1 } }, 0],
  ['a rate', { mode: 'complete', maxHz: 1 }, 1],
  ['a deadband', { mode: 'complete', deadband: { a: 1 } }, 1],
  ['latest', { mode: 'latest' }, 1],
])('%s remembers only what it needs to thin', (_, view, entries) => {
  const memory: ViewMemory = new Map()
  expect(renderView(view, blocks, { memory, nowMs: 9_000 })).not.toEqual([])
  expect(memory.size).toBe(entries)
})
