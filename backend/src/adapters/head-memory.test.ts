import { describe, expect, it } from 'vitest'
import { unknownHead, type DeviceHead } from '../core/history/device-head.ts'
import type { DeviceTopic } from '../protocol/index.ts'
import { createHeadMemory } from './head-memory.ts'
import { packHeads, unpackHeads } from './history-items.ts'

const headOf = (value: number): DeviceHead => ({ ...unknownHead(), metrics: { a: value } })
const lane = (devices: number): Map<DeviceTopic, DeviceHead> =>
  new Map(Array.from({ length: devices }, (_, i) => [`plant-1/pump-${i}` as const, headOf(i)]))

/** How many characters of JSON are made while the work is done. */
function charactersMade(work: () => void): number {
  const stringify = JSON.stringify.bind(JSON)
  let count = 0
  JSON.stringify = ((...args: Parameters<typeof stringify>) => {
    const text = stringify(...args)
    count += text.length
    return text
  }) as typeof JSON.stringify
  try {
    work()
  } finally {
    JSON.stringify = stringify
  }
  return count
}

describe('heads in an execution environment', () => {
  it('are serialized again only where they changed, to the same text', () => {
    const heads = lane(100)
    packHeads(heads)
    heads.set('plant-1/pump-7', headOf(700))
    let text = ''
    const made = charactersMade(() => (text = packHeads(heads)))
    expect(made).toBe(JSON.stringify(['plant-1/pump-7', headOf(700)]).length)
    expect(text).toBe(JSON.stringify([...heads]))
    expect(unpackHeads(text)).toEqual(heads)
  })

  it('of two devices that are alike stand under their own names', () => {
    const same = headOf(1)
    const heads = new Map<DeviceTopic, DeviceHead>([
      ['plant-1/a', same],
      ['plant-1/b', same],
    ])
    expect(unpackHeads(packHeads(heads))).toEqual(heads)
  })

  it('are parsed once as long as the item reads as it was written', () => {
    const memory = createHeadMemory()
    const heads = lane(3)
    const text = memory.pack('shard|0', heads)
    expect(memory.read('shard|0', text).get('plant-1/pump-1')).toBe(heads.get('plant-1/pump-1'))
  })

  it('that another environment wrote meanwhile are what the table says', () => {
    const memory = createHeadMemory()
    memory.pack('shard|0', lane(3))
    const theirs = new Map(lane(3)).set('plant-1/pump-1', headOf(111))
    expect(memory.read('shard|0', packHeads(theirs))).toEqual(theirs)
    expect(memory.read('shard|1', packHeads(lane(1)))).toEqual(lane(1))
  })

  it('that did not fit their item are what is left of them in the table', () => {
    const memory = createHeadMemory()
    const many = Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`metric-${i}`, i]))
    const heads = new Map(
      [...lane(100)].map(([topic, head]) => [topic, { ...head, metrics: many }]),
    )
    const text = memory.pack('shard|0', heads)
    expect(memory.read('shard|0', text)).toEqual(unpackHeads(text))
    expect(memory.read('shard|0', text)).not.toEqual(heads)
  })

  it('do not follow a map that its owner changes after the write', () => {
    const memory = createHeadMemory()
    const heads = lane(2)
    const text = memory.pack('shard|0', heads)
    heads.set('plant-1/pump-0', headOf(99))
    expect(memory.read('shard|0', text)).toEqual(lane(2))
  })
})
