import type { Buckets } from '@gaugeline/backend/protocol'
import { describe, expect, it } from 'vitest'
import { Fleet } from './fleet.ts'
import { manualClock } from './manual-clock.ts'
import { type Connection, RequestFailed, type StreamClient } from './stream-client.ts'
import { at, block } from './test-blocks.ts'
import { Trends } from './trends.ts'

const T0 = 1_700_000_000_000
const live: Connection = { phase: 'live', since: 0, attempt: 0, clockOffsetMs: 0 }

function bucketsOf(topic: string, avg: (number | null)[], firstTs: number): Buckets {
  const ts = avg.map((_, i) => firstTs + i * 1_000)
  const count = avg.map(() => 1)
  return {
    topic,
    bucketMs: 1_000,
    ts,
    metrics: {
      temperature: { min: avg, minAt: count, max: avg, maxAt: count, avg, count, holes: [] },
    },
  }
}

function setUp(topics: string[], answer: (topic: string) => Buckets | RequestFailed) {
  const clock = manualClock(T0 + 100_000)
  const fleet = new Fleet()
  for (const topic of topics) fleet.block(block(100, 101, { topic }))
  const asked: { topic: string; from: number; to: number }[] = []
  const client = {
    connection: () => live,
    request: (message: { topic: string; from: number; to: number }) => {
      asked.push(message)
      const found = answer(message.topic)
      return found instanceof RequestFailed
        ? Promise.reject(found)
        : Promise.resolve({ buckets: found })
    },
  } as unknown as StreamClient
  const trends = new Trends({ client, fleet, clock })
  return { clock, fleet, asked, trends }
}
const spark = (fleet: Fleet, topic: string): number[] | undefined =>
  fleet.get(topic)?.sparks.get('temperature')

describe('trends', () => {
  it('puts the minute before the first value before it, without the buckets that were empty', async () => {
    const topic = 'plant-1/pump-1'
    const before = T0 + 97_000
    const { trends, fleet, asked, clock } = setUp([topic], () =>
      bucketsOf(topic, [97, null, 99, 100], before),
    )
    trends.want([topic])
    await clock.advance(0)
    expect(asked).toMatchObject([{ topic, from: T0 + 40_000, to: T0 + 100_000, bucketMs: 1_000 }])
    // The bucket of the first value held itself is left out.
    expect(spark(fleet, topic)).toEqual([97, 99, 100, 101])
  })

  it('asks for one device after the other, each once, and goes on after a failure', async () => {
    const topics = ['plant-1/pump-1', 'plant-1/pump-2']
    const { trends, fleet, asked, clock } = setUp(topics, (topic) =>
      topic === topics[0]
        ? new RequestFailed('RATE_LIMITED', 'later')
        : bucketsOf(topic, [98, 99], T0 + 98_000),
    )
    trends.want(topics)
    expect(asked).toHaveLength(1)
    await clock.advance(1_000)
    trends.want(topics)
    await clock.advance(1_000)
    expect(asked.map(({ topic }) => topic)).toEqual(topics)
    expect(spark(fleet, 'plant-1/pump-1')).toEqual([100, 101])
    expect(spark(fleet, 'plant-1/pump-2')).toEqual([98, 99, 100, 101])
  })

  it('asks nothing for a device that never sent, nor for one whose line is long enough', async () => {
    const topic = 'plant-1/pump-1'
    const { trends, fleet, asked, clock } = setUp([topic], () => bucketsOf(topic, [], T0))
    fleet.know('plant-1/silent')
    fleet.block(block(102, 140, { topic, prev: at(101) }))
    trends.want(['plant-1/silent', topic])
    await clock.advance(1_000)
    expect(asked).toEqual([])
  })

  it('stops when nothing is on screen any more', async () => {
    const topics = ['plant-1/pump-1', 'plant-1/pump-2']
    const { trends, asked, clock } = setUp(topics, (topic) => bucketsOf(topic, [], T0))
    trends.want(topics)
    trends.want([])
    await clock.advance(1_000)
    expect(asked).toHaveLength(1)
  })
})
