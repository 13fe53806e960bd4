import { describe, expect, it } from 'vitest'
import { manualClock, type ManualClock } from '../../platform/clock.ts'
import type { Message } from './message.ts'
import type { QueueLog } from './queue-log.ts'
import { createQueue, type Queue } from './queue.ts'

const HOUR_MS = 3_600_000

interface Observed {
  readonly queue: Queue
  readonly clock: ManualClock
  /** How often every message was looked at. */
  readonly walks: () => number
}

function open(): Observed {
  const clock = manualClock()
  let walks = 0
  const noLog: QueueLog = {
    put: () => undefined,
    changed: () => undefined,
    gone: () => undefined,
    close: () => undefined,
    remove: () => undefined,
  }
  const queue = createQueue({
    clock,
    settings: {
      name: 'work',
      arn: 'arn:aws:sqs:eu-west-1:000000000000:work',
      delaySeconds: 0,
      visibilityTimeoutSeconds: 30,
      retentionSeconds: 345_600,
      receiveWaitSeconds: 0,
      maxMessageBytes: 262_144,
      redrive: undefined,
    },
    url: 'https://sqs/work',
    redrive: () => undefined,
    openLog(messages) {
      const values = messages.values.bind(messages)
      messages.values = () => {
        walks++
        return values()
      }
      return noLog
    },
  })
  return { queue, clock, walks: () => walks }
}

const fill = (queue: Queue, count: number, delaySeconds = 0): void => {
  for (let index = 0; index < count; index++) queue.send({ body: `${index}`, delaySeconds })
}

describe('a queue of 200,000 messages', () => {
  it('counts them', () => {
    const { queue } = open()
    fill(queue, 150_000)
    fill(queue, 50_000, 900)
    queue.receive(10)
    expect(queue.counts()).toEqual({
      visible: 149_990,
      notVisible: 10,
      delayed: 50_000,
      oldestAgeSeconds: 0,
    })
  })

  it('is not walked through when a message comes, is received, hidden or removed', async () => {
    const { queue, clock, walks } = open()
    let wakes = 0
    queue.onMessages(() => wakes++)
    fill(queue, 100_000, 60)
    fill(queue, 100_000)
    const before = walks()
    for (let round = 0; round < 1000; round++) {
      queue.send({ body: 'late', delaySeconds: 1 + (round % 900) })
      const [first, second] = queue.receive(2) as [Message, Message]
      queue.remove(first.receiptHandle!)
      queue.changeVisibility(second.receiptHandle!, round % 43_200)
    }
    await clock.advance(59_000)
    expect(walks() - before).toBe(0)
    expect(wakes).toBeGreaterThan(100_000)
  })
})

describe('visibility of a queue', () => {
  it('gives each message once in a receive, also when it stays visible', () => {
    const { queue } = open()
    fill(queue, 3)
    expect(queue.receive(10, 0).map(({ body }) => body)).toEqual(['0', '1', '2'])
    expect(queue.receive(10, 0).map(({ body }) => body)).toEqual(['0', '1', '2'])
  })

  it('ends in the order of the timeouts, however they were changed', async () => {
    const { queue, clock } = open()
    fill(queue, 3)
    const [a, b] = queue.receive(3) as [Message, Message]
    queue.changeVisibility(a.receiptHandle!, 50)
    queue.changeVisibility(b.receiptHandle!, 10)
    await clock.advance(10_000)
    expect(queue.receive(10).map(({ body }) => body)).toEqual(['1'])
    await clock.advance(20_000)
    expect(queue.receive(10).map(({ body }) => body)).toEqual(['2'])
    await clock.advance(20_000)
    expect(new Set(queue.receive(10).map(({ body }) => body))).toEqual(new Set(['0', '1']))
  })

  it.each([-HOUR_MS, HOUR_MS])(
    'and delays do not follow a wall clock that is set by %s ms',
    async (stepMs) => {
      const { queue, clock } = open()
      const woken: number[] = []
      queue.onMessages(() => woken.push(clock.monotonic()))
      const startMs = clock.monotonic()
      fill(queue, 1, 60)
      clock.step(stepMs)
      await clock.advance(59_000)
      expect(queue.receive(10)).toEqual([])
      await clock.advance(1000)
      expect(queue.receive(10)).toHaveLength(1)
      expect(woken).toEqual([startMs + 60_000])
      await clock.advance(30_000)
      expect(queue.receive(10)).toHaveLength(1)
    },
  )
})
