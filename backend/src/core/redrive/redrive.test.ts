import { beforeEach, describe, expect, it } from 'vitest'
import type { StreamRecord } from '../../contract.ts'
import { START_MS, streamItem } from '../../testing/records.ts'
import { testClock } from '../../testing/world.ts'
import { decodeRecord, type Reject } from '../telemetry/decode-record.ts'
import type { KeptRecord, OutgoingRecord, RedrivePorts } from './ports.ts'
import { redrive } from './redrive.ts'

const payload = Buffer.from('{"a":1}')
const ruleError = (messageId: string, topic: string, sentMs = START_MS) => ({
  messageId,
  sentMs,
  // IOT-61
  body: JSON.stringify({
    ruleName: 'Gaugeline_Telemetry',
    topic,
    cloudwatchTraceId: 'a-trace',
    clientId: 'pump-7',
    base64OriginalPayload: payload.toString('base64'),
    failures: [{ failedAction: 'KinesisAction', failedResource: 's', errorMessage: 'throttled' }],
  }),
})
const kept = (sequence: number, value: unknown = { a: sequence }): KeptRecord => ({
  ...streamItem(sequence, value),
  partitionKey: 'plant-1/pump-7',
})
const givenUp = (records: readonly KeptRecord[], batchSize = records.length) => ({
  messageId: 'range',
  sentMs: START_MS + 60_000,
  // KINESIS-28
  body: JSON.stringify({
    requestContext: { condition: 'RetryAttemptsExhausted', approximateInvokeCount: 51 },
    version: '1.0',
    KinesisBatchInfo: {
      shardId: 'shardId-000000000000',
      startSequenceNumber: records[0]!.sequenceNumber,
      endSequenceNumber: records.at(-1)!.sequenceNumber,
      batchSize,
    },
  }),
})

/** A stream that refuses as often as it is told. */
function setUp() {
  const clock = testClock()
  const taken: OutgoingRecord[] = []
  const rejects: Reject[] = []
  const said: Readonly<Record<string, unknown>>[] = []
  const state = {
    stored: [] as KeptRecord[],
    /** One call each: every record refused, or no answer. */
    refusals: [] as ('all' | 'last' | 'down')[],
    rejectsDown: false,
  }
  const ports: RedrivePorts = {
    stream: {
      put(records) {
        const refusal = state.refusals.shift()
        if (refusal === 'down') return Promise.reject(new Error('down'))
        const refused = refusal === 'all' ? records.length : refusal === 'last' ? 1 : 0
        taken.push(...records.slice(0, records.length - refused))
        return Promise.resolve(records.slice(records.length - refused))
      },
      async *read({ startSequenceNumber, endSequenceNumber }) {
        await Promise.resolve()
        const inRange = state.stored.filter(
          ({ sequenceNumber: n }) =>
            BigInt(n) >= BigInt(startSequenceNumber) && BigInt(n) <= BigInt(endSequenceNumber),
        )
        for (const record of inRange) yield [record]
      },
    },
    rejects: {
      write(all) {
        if (state.rejectsDown) return Promise.reject(new Error('down'))
        rejects.push(...all)
        return Promise.resolve()
      },
    },
    clock,
    pause(ms) {
      clock.ms += ms
      return Promise.resolve()
    },
    metrics: { count: () => undefined, durations: () => undefined },
    log: {
      info: () => undefined,
      warn: (message, facts) => said.push({ message, ...facts }),
      error: () => undefined,
    },
  }
  const run = (...messages: Parameters<typeof redrive>[0]) =>
    redrive(messages, ports, clock.ms + 10_000)
  const records = () =>
    taken.map(({ data }) => JSON.parse(Buffer.from(data).toString()) as StreamRecord)
  return { state, taken, rejects, said, records, run }
}

let on: ReturnType<typeof setUp>
beforeEach(() => {
  on = setUp()
})

describe('what a rule could not put on the stream (IOT-61)', () => {
  it.each([
    ['dt/plant-1/pump-7/telemetry', 'telemetry', 'plant-1/pump-7'],
    ['cmd/plant-1/pump-7/c1/result', 'result', 'plant-1/pump-7'],
    ['$aws/events/presence/connected/pump-7', 'presence', 'pump-7'],
  ])('%s goes there as the rule would have written it', async (topic, kind, partitionKey) => {
    expect(await on.run(ruleError('m', topic))).toEqual([])
    const data = payload.toString('base64')
    expect(on.records()).toEqual([{ kind, topic, clientId: 'pump-7', ts: START_MS, data }])
    expect(on.taken[0]!.partitionKey).toBe(partitionKey)
  })

  it('is understood by deliver, at the time at which it failed', async () => {
    await on.run(ruleError('m', '$aws/rules/Gaugeline_Telemetry/dt/plant-1/pump-7/telemetry'))
    const item = { ...streamItem(1, ''), data: on.taken[0]!.data }
    expect(decodeRecord(item)).toMatchObject({
      kind: 'telemetry',
      readings: [{ topic: 'plant-1/pump-7', ts: START_MS, clientId: 'pump-7' }],
    })
  })

  it('goes there oldest first, in whatever order the queue gave it', async () => {
    const topic = 'dt/plant-1/pump-7/telemetry'
    await on.run(ruleError('b', topic, START_MS + 1), ruleError('a', topic, START_MS))
    expect(on.records().map(({ ts }) => ts)).toEqual([START_MS, START_MS + 1])
  })

  it('is tried until the stream takes it, record by record', async () => {
    on.state.refusals = ['down', 'all', 'last']
    const topic = 'dt/plant-1/pump-7/telemetry'
    expect(await on.run(ruleError('a', topic), ruleError('b', topic, START_MS + 1))).toEqual([])
    expect(on.records().map(({ ts }) => ts)).toEqual([START_MS, START_MS + 1])
  })

  it('goes back to the queue when the time is over, alone', async () => {
    on.state.refusals = ['last', ...Array.from({ length: 99 }, () => 'down' as const)]
    const topic = 'dt/plant-1/pump-7/telemetry'
    expect(await on.run(ruleError('a', topic), ruleError('b', topic, START_MS + 1))).toEqual(['b'])
  })
})

describe('what deliver gave up on (KINESIS-28)', () => {
  it('is put back once, marked, under its own partition key', async () => {
    on.state.stored = [kept(1), kept(2), kept(3)]
    expect(await on.run(givenUp(on.state.stored.slice(0, 2)))).toEqual([])
    expect(on.records()).toMatchObject([{ redriven: 1 }, { redriven: 1 }])
    expect(on.taken.map(({ partitionKey }) => partitionKey)).toEqual(
      Array.from({ length: 2 }, () => 'plant-1/pump-7'),
    )
    expect(on.rejects).toEqual([])
  })

  it('is kept with its original bytes when it fails again, and not put back', async () => {
    on.state.stored = [kept(1)]
    await on.run(givenUp(on.state.stored))
    on.state.stored = [{ ...kept(9), data: on.taken[0]!.data }]
    on.taken.length = 0
    expect(await on.run(givenUp(on.state.stored))).toEqual([])
    expect(on.taken).toEqual([])
    expect(on.rejects).toMatchObject([
      { reason: 'UNDELIVERABLE', topic: expect.stringContaining('pump-7') as string },
    ])
    expect(Buffer.from(on.rejects[0]!.original).toString()).toBe('{"a":1}')
  })

  it('is put aside as deliver would have, when it is none of our records', async () => {
    on.state.stored = [{ ...kept(1), data: Buffer.from('noise') }, kept(2)]
    expect(await on.run(givenUp(on.state.stored))).toEqual([])
    expect(on.rejects.map(({ reason }) => reason)).toEqual(['RECORD_INVALID'])
    expect(on.taken).toHaveLength(1)
  })

  it('leaves the message as its trace when the stream no longer has it', async () => {
    on.state.stored = [kept(2)]
    const message = givenUp([kept(1), kept(2)])
    expect(await on.run(message)).toEqual([])
    expect(on.taken).toHaveLength(1)
    expect(on.rejects).toMatchObject([{ reason: 'UNDELIVERABLE', sequenceNumber: 'range' }])
    expect(Buffer.from(on.rejects[0]!.original).toString()).toBe(message.body)
  })

  it('goes back to the queue while the stream is down, and while nothing can be kept', async () => {
    on.state.stored = [kept(1)]
    on.state.refusals = Array.from({ length: 99 }, () => 'down' as const)
    expect(await on.run(givenUp(on.state.stored))).toEqual(['range'])
    on.state.refusals = []
    on.state.rejectsDown = true
    on.state.stored = [{ ...kept(1), data: Buffer.from('noise') }]
    expect(await on.run(givenUp(on.state.stored))).toEqual(['range'])
  })
})

it.each(['no JSON', 'null', '{}', '{"topic":"x/y","base64OriginalPayload":""}'])(
  'a message that says neither is kept: %s',
  async (body) => {
    expect(await on.run({ messageId: 'm', sentMs: START_MS, body })).toEqual([])
    expect(on.rejects).toMatchObject([{ reason: 'UNDELIVERABLE', sequenceNumber: 'm' }])
  },
)

it('says once for each reason why rules failed, before the messages are gone', async () => {
  const other = ruleError('3', 'dt/plant-1/pump-9/telemetry')
  const denied = { ...other, body: other.body.replace('throttled', 'AccessDenied') }
  const messages = ['1', '2'].map((id) => ruleError(id, 'dt/plant-1/pump-7/telemetry'))
  await on.run(...messages, denied)
  const why = { message: 'a topic rule could not put messages on the stream', resource: 's' }
  expect(on.said).toEqual([
    {
      ...why,
      count: 2,
      topic: 'dt/plant-1/pump-7/telemetry',
      action: 'KinesisAction',
      error: 'throttled',
    },
    {
      ...why,
      count: 1,
      topic: 'dt/plant-1/pump-9/telemetry',
      action: 'KinesisAction',
      error: 'AccessDenied',
    },
  ])
})
