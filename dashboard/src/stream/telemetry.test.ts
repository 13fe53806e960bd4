import type {
  Action,
  AlarmView,
  CommandUpdate,
  ServerMessage,
  Subscribed,
  Welcome,
} from '@gaugeline/backend/protocol'
import { limits } from '@gaugeline/backend/protocol'
import { describe, expect, it } from 'vitest'
import { manualClock, settled } from './manual-clock.ts'
import {
  type Answers,
  type Connection,
  type Request,
  RequestFailed,
  type StreamClient,
  type StreamListener,
} from './stream-client.ts'
import { Telemetry } from './telemetry.ts'
import { at, block } from './test-blocks.ts'

type Asked = Record<string, unknown> & { readonly action: Action }
type Answer = Record<string, unknown> | RequestFailed | Promise<Record<string, unknown>>

const topic = 'plant-1/pump-1'
const welcome: Welcome = {
  type: 'welcome',
  id: 1,
  connectionId: 'c',
  user: 'ana',
  roles: ['operator'],
  devices: ['plant-1/#', 'plant-2/solo'],
  tokenExpiresAt: 2_000_000_000,
  limits,
  serverTime: 0,
}

/** A client whose server is a function. */
class ScriptedClient implements StreamClient {
  readonly asked: Asked[] = []
  readonly #listeners = new Set<StreamListener>()
  readonly #answer: (asked: Asked) => Answer | undefined
  #connection: Connection = { phase: 'idle', since: 0, attempt: 0, clockOffsetMs: 0 }

  constructor(answer: (asked: Asked) => Answer | undefined) {
    this.#answer = answer
  }
  start(): void {
    return
  }
  stop(): void {
    return
  }
  wake(): void {
    this.asked.push({ action: 'ping' })
  }
  positions: () => Readonly<Record<string, string>> = () => ({})
  reportPositions(source: () => Readonly<Record<string, string>>): void {
    this.positions = source
  }
  connection(): Connection {
    return this.#connection
  }
  listen(listener: StreamListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
  async request<A extends Action>(
    message: Request<A> & { readonly action: A },
  ): Promise<Answers[A]> {
    const asked = message as unknown as Asked
    this.asked.push(asked)
    const answer = await (this.#answer(asked) ?? defaultAnswer(asked))
    if (answer instanceof RequestFailed) throw answer
    return answer as unknown as Answers[A]
  }
  async ready(): Promise<void> {
    this.change({ phase: 'resuming', welcome })
    await Promise.all([...this.#listeners].map(async (listener) => listener.welcome?.(welcome)))
    this.change({ phase: 'live' })
  }
  change(change: Partial<Connection>): void {
    this.#connection = { ...this.#connection, ...change }
    for (const listener of this.#listeners) listener.connection?.(this.#connection)
  }
  push(message: ServerMessage, receivedAt = 1_700_000_100_000): void {
    for (const listener of this.#listeners) listener.message?.(message, receivedAt)
  }
  askedFor(action: Action): Asked[] {
    return this.asked.filter((asked) => asked.action === action)
  }
}

function defaultAnswer(asked: Asked): Record<string, unknown> {
  if (asked.action === 'subscribe') {
    const subscriptions = asked['subscriptions'] as { sid: number }[]
    return subscribed({
      results: subscriptions.map(({ sid }) => ({ sid, ok: true, recovered: true, more: false })),
    })
  }
  if (asked.action === 'alarms') return { type: 'alarms', alarms: [], revision: 0 }
  return history([])
}

function subscribed(change: Partial<Subscribed>): Record<string, unknown> {
  return { type: 'subscribed', results: [], blocks: [], states: [], notes: [], ...change }
}
function history(blocks: unknown[], change: Record<string, unknown> = {}): Record<string, unknown> {
  return { type: 'history', topic, blocks, cursor: null, complete: true, keptFromMs: 0, ...change }
}
const isDevice = (asked: Asked): boolean =>
  asked.action === 'subscribe' &&
  (asked['subscriptions'] as { mode: string }[])[0]?.mode === 'complete'
const snapshot = (to: number, from = 1) =>
  subscribed({
    results: [{ sid: 1_000, ok: true, recovered: true, more: false, head: at(to) }],
    blocks: [block(from, to)],
  })

function setUp(answer: (asked: Asked) => Answer | undefined = () => undefined) {
  const clock = manualClock(1_700_000_100_000)
  const client = new ScriptedClient(answer)
  return { clock, client, telemetry: new Telemetry({ client, clock }) }
}

describe('telemetry', () => {
  it('asks for the newest values of every entitlement and knows the devices that were named', async () => {
    const { client, telemetry } = setUp()
    await client.ready()
    const [asked] = client.askedFor('subscribe')
    expect(asked!['subscriptions']).toEqual([
      { sid: 1, topic: 'plant-1/#', mode: 'latest', maxHz: 1 },
      { sid: 2, topic: 'plant-2/solo', mode: 'latest', maxHz: 1 },
    ])
    expect(telemetry.fleet.get('plant-2/solo')?.ts).toBeUndefined()
    expect(telemetry.hasSnapshot).toBe(true)
  })

  it('puts a device with an open chart into complete mode, once for all its users', async () => {
    const { client, clock, telemetry } = setUp((asked) =>
      isDevice(asked) ? snapshot(10) : undefined,
    )
    await client.ready()
    const first = telemetry.watch(topic, 300_000)
    const second = telemetry.watch(topic, 300_000)
    await settled()
    expect(client.asked.filter(isDevice)).toHaveLength(1)
    expect(telemetry.feed(topic)?.series.length).toBe(10)
    first()
    second()
    await clock.advance(19_000)
    expect(client.askedFor('unsubscribe')).toHaveLength(0)
    await clock.advance(2_000)
    expect(client.askedFor('unsubscribe')).toMatchObject([{ sids: [1_000] }])
  })

  it('takes for a chart only the blocks of its own subscription', async () => {
    const { client, telemetry } = setUp((asked) => (isDevice(asked) ? snapshot(10) : undefined))
    await client.ready()
    telemetry.watch(topic, 300_000)
    await settled()
    client.push({ type: 'data', blocks: [block(14, 14, { sid: 1, thinned: true }), block(11)] })
    expect(telemetry.feed(topic)?.series.length).toBe(11)
    expect(telemetry.feed(topic)?.holes).toEqual([])
    expect(telemetry.fleet.get(topic)?.values.get('temperature')).toBe(14)
  })

  it('asks for a hole after a moment, page by page, and fills it', async () => {
    const { client, clock, telemetry } = setUp((asked) => {
      if (isDevice(asked)) return snapshot(10)
      if (asked.action !== 'history') return undefined
      return asked['cursor'] === undefined
        ? history([block(11, 12)], { cursor: 'next' })
        : history([block(13, 14)])
    })
    await client.ready()
    telemetry.watch(topic, 300_000)
    await settled()
    client.push({ type: 'data', blocks: [block(15)] })
    expect(client.askedFor('history')).toHaveLength(0)
    await clock.advance(500)
    expect(client.askedFor('history')).toMatchObject([
      { since: at(10), until: at(14) },
      { cursor: 'next' },
    ])
    expect(telemetry.feed(topic)?.series.length).toBe(15)
    expect(telemetry.feed(topic)?.gaps).toMatchObject([{ state: 'repaired', repaired: 4 }])
  })

  it('asks for nothing when pushes only overtook each other', async () => {
    const { client, clock, telemetry } = setUp((asked) =>
      isDevice(asked) ? snapshot(10) : undefined,
    )
    await client.ready()
    telemetry.watch(topic, 300_000)
    await settled()
    client.push({ type: 'data', blocks: [block(12)] })
    client.push({ type: 'data', blocks: [block(11)] })
    await clock.advance(1_000)
    expect(client.askedFor('history')).toHaveLength(0)
    expect([...telemetry.feed(topic)!.series.view('temperature').values].slice(-2)).toEqual([
      11, 12,
    ])
  })

  it('finds a lost tail by the heads of a pong', async () => {
    const { client, clock, telemetry } = setUp((asked) => {
      if (isDevice(asked)) return snapshot(10)
      return asked.action === 'history' ? history([block(11, 12)]) : undefined
    })
    await client.ready()
    telemetry.watch(topic, 300_000)
    await settled()
    client.push({
      type: 'pong',
      id: 1,
      t0: 0,
      t1: 0,
      t2: 0,
      heads: { [topic]: at(12) },
      alarmsRevision: 0,
    })
    await clock.advance(500)
    expect(telemetry.feed(topic)?.position).toBe(at(12))
    expect(telemetry.feed(topic)?.series.length).toBe(12)
  })

  it('asks for four pages at once when many devices have missed something', async () => {
    const answers: ((page: Record<string, unknown>) => void)[] = []
    const { client, telemetry } = setUp((asked) => {
      if (asked.action === 'history') return new Promise((resolve) => answers.push(resolve))
      if (!isDevice(asked)) return undefined
      const missed = { ok: true, recovered: true, more: true, resumeFrom: at(1), head: at(10) }
      const subscriptions = asked['subscriptions'] as { sid: number }[]
      return { ...subscribed({}), results: subscriptions.map(({ sid }) => ({ sid, ...missed })) }
    })
    for (let n = 1; n <= 6; n++) telemetry.watch(`plant-1/pump-${n}`, 300_000)
    const ready = client.ready()
    await settled()
    expect(answers).toHaveLength(4)
    for (const answer of answers) answer(history([]))
    await settled()
    expect(answers).toHaveLength(6)
    for (const answer of answers) answer(history([]))
    await ready
    const asked = client.askedFor('history').map((question) => question['topic'])
    expect(asked).toEqual([1, 2, 3, 4, 5, 6].map((n) => `plant-1/pump-${n}`))
  })

  it('resumes from its position and says what came back', async () => {
    let round = 0
    const { client, clock, telemetry } = setUp((asked) => {
      if (!isDevice(asked)) return undefined
      round++
      return round === 1 ? snapshot(10) : snapshot(18, 11)
    })
    await client.ready()
    telemetry.watch(topic, 300_000)
    await settled()
    client.change({ phase: 'reconnecting', lostAt: clock.now() })
    expect(telemetry.feed(topic)?.gaps).toMatchObject([{ reason: 'socket-down', state: 'open' }])
    await clock.advance(8_000)
    await client.ready()
    const [, resume] = client.asked.filter(isDevice)
    expect(resume!['subscriptions']).toMatchObject([{ sid: 1_000, since: at(10) }])
    expect(telemetry.recovery).toMatchObject({ readings: 8, lostMs: 0 })
    expect(telemetry.feed(topic)?.gaps).toMatchObject([{ state: 'repaired', repaired: 8 }])
  })

  it('takes a push that runs ahead of the resume for no further gap and asks for nothing twice', async () => {
    let round = 0
    const { client, clock, telemetry } = setUp((asked) => {
      if (!isDevice(asked)) return undefined
      round++
      if (round === 2) client.push({ type: 'data', blocks: [block(18)] })
      return round === 1 ? snapshot(10) : snapshot(18, 11)
    })
    await client.ready()
    telemetry.watch(topic, 300_000)
    await settled()
    client.change({ phase: 'reconnecting' })
    await client.ready()
    await clock.advance(2_000)
    expect(client.askedFor('history')).toHaveLength(0)
    expect(telemetry.feed(topic)?.gaps).toMatchObject([
      { reason: 'socket-down', state: 'repaired' },
    ])
    expect(telemetry.feed(topic)?.series.length).toBe(18)
  })

  it('says what a resume could not bring, and why', async () => {
    let round = 0
    const { client, telemetry } = setUp((asked) => {
      if (!isDevice(asked)) return undefined
      round++
      if (round === 1) return snapshot(10)
      const lost = {
        reason: 'retention' as const,
        fromMs: 1_700_000_010_000,
        toMs: 1_700_000_030_000,
      }
      return subscribed({
        results: [{ sid: 1_000, ok: true, recovered: false, lost, more: false, head: at(40) }],
        blocks: [block(31, 40)],
      })
    })
    await client.ready()
    telemetry.watch(topic, 300_000)
    await settled()
    client.change({ phase: 'reconnecting' })
    await client.ready()
    expect(telemetry.recovery).toMatchObject({ lostMs: 20_000, reason: 'retention' })
    expect(telemetry.feed(topic)?.gaps).toMatchObject([{ state: 'lost', reason: 'retention' }])
  })

  it('never resumes from newest values: they are no place up to which everything is held', async () => {
    const { client, telemetry } = setUp((asked) => (isDevice(asked) ? snapshot(10) : undefined))
    await client.ready()
    client.push({ type: 'data', blocks: [{ ...block(18, 20), sid: 1, thinned: true }] })
    telemetry.watch(topic, 300_000)
    await settled()
    client.push({ type: 'data', blocks: [{ ...block(28, 30), sid: 1, thinned: true }] })
    client.change({ phase: 'reconnecting' })
    await client.ready()
    const asked = client
      .askedFor('subscribe')
      .flatMap((one) => one['subscriptions'] as { mode: string; since?: string }[])
    const sinceOf = (mode: string) =>
      asked.filter((one) => one.mode === mode).map(({ since }) => since)
    expect(sinceOf('latest')).toEqual([undefined, undefined, undefined, undefined])
    expect(sinceOf('complete')).toEqual([undefined, at(10)])
  })

  it('keeps the sentence of a refused subscription', async () => {
    const { client, telemetry } = setUp((asked) =>
      isDevice(asked)
        ? subscribed({
            results: [
              { sid: 1_000, ok: false, code: 'FORBIDDEN', message: 'Not yours.', retry: 'never' },
            ],
          })
        : undefined,
    )
    await client.ready()
    telemetry.watch(topic, 300_000)
    await settled()
    expect(telemetry.denied.get(topic)).toBe('Not yours.')
  })

  it('asks again as late as the server says', async () => {
    let refusals = 0
    const { client, clock, telemetry } = setUp((asked) => {
      if (!isDevice(asked)) return undefined
      refusals++
      return refusals === 1 ? new RequestFailed('RATE_LIMITED', 'Later.', 800) : snapshot(10)
    })
    await client.ready()
    telemetry.watch(topic, 300_000)
    await clock.advance(799)
    expect(telemetry.feed(topic)?.series.length).toBe(0)
    await clock.advance(1)
    expect(telemetry.feed(topic)?.series.length).toBe(10)
  })

  it('asks for buckets of the time before the readings it holds, once', async () => {
    const { client, telemetry } = setUp((asked) => (isDevice(asked) ? snapshot(10) : undefined))
    await client.ready()
    telemetry.watch(topic, 300_000)
    await settled()
    await telemetry.widen(topic, 3_600_000)
    await telemetry.widen(topic, 3_600_000)
    expect(client.askedFor('history')).toMatchObject([
      { topic, from: 1_699_996_500_000, to: 1_700_000_001_000, bucketMs: 10_000 },
    ])
  })

  it('never takes a command back to an earlier stage when updates overtake each other', () => {
    const { client, telemetry } = setUp()
    const update = (state: CommandUpdate['state']): CommandUpdate => ({
      type: 'command',
      key: 'k',
      commandId: 'c',
      topic,
      name: 'identify',
      state,
      at: 1,
      by: 'ana',
    })
    client.push(update('acked'))
    client.push(update('sent'))
    expect(telemetry.commands.get('k')?.state).toBe('acked')
    client.push(update('failed'))
    expect(telemetry.commands.get('k')?.state).toBe('failed')
  })

  it('keeps the newest revision of an alarm and lists again when a pong knows a newer one', async () => {
    const { client, telemetry } = setUp()
    await client.ready()
    const alarm = (revision: number, state: AlarmView['state']): AlarmView => ({
      alarm: 'a',
      title: 'A',
      description: '',
      severity: 'P1',
      runbook: '',
      state,
      reason: '',
      since: 0,
      revision,
      notes: [],
    })
    client.push({ type: 'alarm', alarm: alarm(3, 'ALARM'), revision: 3 })
    client.push({ type: 'alarm', alarm: alarm(2, 'OK'), revision: 2 })
    expect(telemetry.alarms.get('a')?.state).toBe('ALARM')
    client.push({ type: 'pong', id: 1, t0: 0, t1: 0, t2: 0, heads: {}, alarmsRevision: 9 })
    expect(client.askedFor('alarms')).toHaveLength(2)
  })

  it('misses the first reading of a device that had never sent, names it in a ping, and resumes from nothing', async () => {
    const never = subscribed({
      results: [{ sid: 1_000, ok: true, recovered: true, more: false, head: null }],
    })
    const { client, clock, telemetry } = setUp((asked) => {
      if (isDevice(asked)) return never
      return asked.action === 'history' ? history([block(1, 2, { prev: null })]) : undefined
    })
    await client.ready()
    telemetry.watch(topic, 300_000)
    await settled()
    expect(client.positions()).toHaveProperty([topic])
    await client.ready()
    expect(client.askedFor('subscribe').filter(isDevice).at(-1)).toMatchObject({
      subscriptions: [expect.not.objectContaining({ since: expect.anything() as unknown })],
    })
    client.push({ type: 'data', blocks: [block(3)] })
    await clock.advance(500)
    expect(client.askedFor('history')).toMatchObject([{ until: at(2) }])
    expect(telemetry.feed(topic)).toMatchObject({ holes: [], position: at(3) })
    expect(telemetry.feed(topic)?.series.length).toBe(3)
  })

  it('asks for nothing when the first reading of a device comes', async () => {
    const { client, clock, telemetry } = setUp((asked) =>
      isDevice(asked)
        ? subscribed({
            results: [{ sid: 1_000, ok: true, recovered: true, more: false, head: null }],
          })
        : undefined,
    )
    await client.ready()
    telemetry.watch(topic, 300_000)
    await settled()
    client.push({ type: 'data', blocks: [block(1, 1, { prev: null })] })
    await clock.advance(1_000)
    expect(client.askedFor('history')).toEqual([])
    expect(telemetry.feed(topic)).toMatchObject({ holes: [], position: at(1) })
  })

  it('takes a block without `prev` for one behind a hole, and asks for what lies before it', async () => {
    const { client, clock, telemetry } = setUp((asked) => {
      if (isDevice(asked)) return snapshot(10)
      return asked.action === 'history' ? history([block(11, 13)]) : undefined
    })
    await client.ready()
    telemetry.watch(topic, 300_000)
    await settled()
    client.push({ type: 'data', blocks: [block(14, 14, { prev: null })] })
    expect(telemetry.feed(topic)?.holes).toEqual([{ since: at(10), until: at(14) }])
    await clock.advance(500)
    expect(telemetry.feed(topic)).toMatchObject({ holes: [], position: at(14) })
    expect([...telemetry.feed(topic)!.series.view('temperature').values]).toEqual(
      Array.from({ length: 14 }, (_, i) => i + 1),
    )
  })

  it('asks for many small holes at once, and at its own pace while the server holds readings back', async () => {
    const { client, clock, telemetry } = setUp((asked) => {
      if (isDevice(asked)) return snapshot(10)
      return asked.action === 'history' ? history([block(11, 15)]) : undefined
    })
    await client.ready()
    telemetry.watch(topic, 300_000)
    await settled()
    client.push({ type: 'slow', mode: 'latest' })
    for (const n of [12, 14, 16]) {
      client.push({ type: 'data', blocks: [block(n)] })
      await clock.advance(1_000)
    }
    expect(client.askedFor('history')).toEqual([])
    await clock.advance(5_000)
    expect(client.askedFor('history')).toMatchObject([{ since: at(10), until: at(15) }])
    expect(telemetry.feed(topic)).toMatchObject({ holes: [], position: at(16) })
  })

  it('asks at once for the head when the server announces a gap, and closes it when nothing is missing', async () => {
    const { client, clock, telemetry } = setUp((asked) =>
      isDevice(asked) ? snapshot(10) : undefined,
    )
    await client.ready()
    telemetry.watch(topic, 300_000)
    await settled()
    client.push({ type: 'gap', sid: 1_000, topic, reason: 'slow' })
    expect(telemetry.feed(topic)?.gaps).toMatchObject([{ reason: 'slow', state: 'open' }])
    expect(client.askedFor('ping')).toHaveLength(1)
    const heads = { [topic]: at(10) }
    client.push({ type: 'pong', id: 1, t0: 0, t1: 0, t2: 0, heads, alarmsRevision: 0 })
    await clock.advance(500)
    expect(telemetry.feed(topic)?.gaps).toMatchObject([{ state: 'repaired', repaired: 0 }])
  })

  it('measures device to browser from the position and the hops of a frame', () => {
    const { client, telemetry } = setUp()
    client.push(
      { type: 'data', blocks: [block(5, 5, { hops: [30, 10, 5, 5] })] },
      1_700_000_005_200,
    )
    expect(telemetry.latency.percentile(0.95, 1_700_000_005_200)).toBe(240)
  })
})
