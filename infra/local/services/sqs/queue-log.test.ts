import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { manualClock, type ManualClock } from '../../platform/clock.ts'
import { createDisk } from '../../platform/disk.ts'
import { openQueueLog } from './queue-log.ts'
import { createQueue, type Queue, type QueueSettings } from './queue.ts'

let directory: string
let clock: ManualClock
let freeBytes: number
let told: string[]
let dead: Queue

const settings = (name: string, more: Partial<QueueSettings> = {}): QueueSettings => ({
  name,
  arn: `arn:aws:sqs:eu-west-1:000000000000:${name}`,
  delaySeconds: 0,
  visibilityTimeoutSeconds: 30,
  retentionSeconds: 3600,
  receiveWaitSeconds: 0,
  maxMessageBytes: 1_000_000,
  redrive: undefined,
  ...more,
})

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'queue-log-'))
  clock = manualClock()
  freeBytes = 1e9
  told = []
  dead = open('dead')
})
afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

const fileOf = (name: string): string => join(directory, `${name}.log`)

/** A queue as it is after a start. Nobody closes it: the process is killed. */
function open(name: string, more: Partial<QueueSettings> = {}): Queue {
  const disk = createDisk({
    directory,
    clock,
    tell: (line) => told.push(line),
    freeBytes: () => freeBytes,
  })
  return createQueue({
    clock,
    settings: settings(name, more),
    url: `https://sqs/${name}`,
    redrive: (_, message) => {
      dead.accept(message)
    },
    openLog: (messages) =>
      openQueueLog({ file: fileOf(name), disk, tell: (line) => told.push(line), messages }),
  })
}

const bodies = (queue: Queue): string[] => queue.receive(10).map((message) => message.body)

describe('a queue that is kept', () => {
  it('has after a kill what was sent and not deleted, with its attributes', () => {
    const queue = open('work')
    const messageAttributes = { why: { DataType: 'String', StringValue: 'test' } }
    queue.send({ body: 'deleted' })
    queue.remove(queue.receive(1)[0]!.receiptHandle!)
    const { messageId } = queue.send({ body: 'one', messageAttributes })
    expect(open('work').receive(10)).toMatchObject([{ messageId, body: 'one', messageAttributes }])
  })

  it('shows a message in flight again when its visibility timeout ends, and goes on counting', async () => {
    const queue = open('work')
    const { messageId, sentMs } = queue.send({ body: 'one' })
    await clock.advance(1000)
    queue.receive(1)
    const again = open('work')
    await clock.advance(29_999)
    expect(bodies(again)).toEqual([])
    await clock.advance(1)
    expect(again.receive(1)).toMatchObject([{ messageId, sentMs, body: 'one', receiveCount: 2 }])
  })

  it('deletes by the receipt handle of before the kill', () => {
    const queue = open('work')
    queue.send({ body: 'one' })
    const [message] = queue.receive(1)
    expect(open('work').remove(message!.receiptHandle!)).toBe(true)
    expect(open('work').counts()).toMatchObject({ visible: 0, notVisible: 0 })
  })

  it('wakes its listener when a delay that began before the kill ends', async () => {
    open('expiry').send({ body: 'token ends', delaySeconds: 900 })
    await clock.advance(600_000)
    const again = open('expiry')
    let woken = 0
    again.onMessages(() => woken++)
    expect(again.counts().delayed).toBe(1)
    await clock.advance(299_999)
    expect(woken).toBe(0)
    await clock.advance(1)
    expect(woken).toBe(1)
    expect(bodies(again)).toEqual(['token ends'])
  })

  it('keeps what it gave up in its dead-letter queue, and no longer itself', () => {
    const redrive = { deadLetterArn: settings('dead').arn, maxReceiveCount: 1 }
    const queue = open('work', { redrive })
    queue.send({ body: 'one' })
    queue.receive(1, 0)
    expect(bodies(queue)).toEqual([])
    expect(bodies(open('dead'))).toEqual(['one'])
    expect(open('work').counts()).toMatchObject({ visible: 0, notVisible: 0 })
  })

  it('drops the line that a killed process left unfinished, and adds whole ones after it', () => {
    open('work').send({ body: 'one' })
    appendFileSync(fileOf('work'), '["put",{"messageId":"torn","bo')
    open('work').send({ body: 'two' })
    expect(bodies(open('work'))).toEqual(['one', 'two'])
  })

  it('does not grow with the messages that went through it', () => {
    const queue = open('work')
    queue.send({ body: 'stays' })
    let largest = 0
    for (let count = 0; count < 2000; count++) {
      queue.send({ body: 'x'.repeat(1000) })
      for (const message of queue.receive(10, 0)) {
        if (message.body !== 'stays') queue.remove(message.receiptHandle!)
      }
      largest = Math.max(largest, statSync(fileOf('work')).size)
    }
    expect(largest).toBeGreaterThan(100_000)
    expect(largest).toBeLessThan(300_000)
    expect(bodies(open('work'))).toEqual(['stays'])
  })

  it('tells the place of a damaged line, keeps the file as it was, and has the other messages', () => {
    const queue = open('work')
    for (const body of ['one', 'two', 'three']) queue.send({ body })
    const bytes = readFileSync(fileOf('work'))
    const secondLine = bytes.indexOf('\n') + 1
    bytes[secondLine + 60]! ^= 4
    writeFileSync(fileOf('work'), bytes)
    expect(bodies(open('work'))).toEqual(['one', 'three'])
    expect(told).toEqual([
      expect.stringContaining(
        `${fileOf('work')}.damaged: a line is damaged at byte ${secondLine} `,
      ),
    ])
    expect(readFileSync(`${fileOf('work')}.damaged`)).toEqual(bytes)
  })

  it('is an empty file when it is empty', () => {
    const queue = open('work')
    queue.send({ body: 'one' })
    queue.remove(queue.receive(1)[0]!.receiptHandle!)
    expect(statSync(fileOf('work')).size).toBe(0)
  })

  it('refuses a message without room, tells once, and takes messages again when there is room', async () => {
    const queue = open('work')
    queue.send({ body: 'one' })
    freeBytes = 1000
    await clock.advance(1000)
    for (const body of ['two', 'three']) {
      expect(() => queue.send({ body })).toThrow(
        expect.objectContaining({ code: 'InternalFailure', status: 500 }) as Error,
      )
    }
    expect(told).toEqual([
      `--data-dir ${directory}: the disk is full (ENOSPC); readings are refused until there is room. Free at least 24 MB.`,
    ])
    queue.remove(queue.receive(1)[0]!.receiptHandle!)
    freeBytes = 1e9
    await clock.advance(1000)
    expect(told.slice(1)).toEqual([
      `--data-dir ${directory}: there is room again; readings are accepted.`,
    ])
    queue.send({ body: 'four' })
    expect(bodies(open('work'))).toEqual(['four'])
  })
})
