import { describe, expect, it } from 'vitest'
import { topicEmitter } from './topic-emitter.ts'

describe('the distribution of messages', () => {
  it('does not overflow the stack when a subscriber holds a hundred messages and 50,000 more come', () => {
    // The shape that ends aedes with its own emitter: `RangeError … nextBatch` when the first of the hundred is released.
    const emitter = topicEmitter()
    const held: (() => void)[] = []
    let done = 0
    emitter.on('slow', (_, release) => held.push(release))
    for (let i = 0; i < 100; i++) emitter.emit({ topic: 'slow' }, () => done++)
    for (let i = 0; i < 50_000; i++) emitter.emit({ topic: 'none' }, () => done++)
    held[0]?.()
    expect(held).toHaveLength(100)
    expect(done).toBe(50_100)
  })

  it('IOT-10, IOT-17: gives a message to the filters that match as IoT Core reads them', () => {
    const emitter = topicEmitter()
    const seen: string[] = []
    for (const filter of ['a/#', 'a/+', '#', '+/b', 'a/b', '$aws/#']) {
      emitter.on(filter, (message) => seen.push(`${filter} ${message.topic}`))
    }
    emitter.emit({ topic: 'a' })
    emitter.emit({ topic: '$aws/b' })
    expect(seen).toEqual(['# a', '$aws/# $aws/b'])
    seen.length = 0
    emitter.emit({ topic: 'a/b' })
    expect(seen.sort()).toEqual(['# a/b', '+/b a/b', 'a/# a/b', 'a/+ a/b', 'a/b a/b'])
  })
})
