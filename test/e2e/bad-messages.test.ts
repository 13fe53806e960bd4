import { DeleteCommand } from '@aws-sdk/lib-dynamodb'
import { encodePosition, errorCodes, limits } from '@gaugeline/backend/protocol'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type WebSocket from 'ws'
import { ProtocolClient, requestToken } from '../support/client.ts'
import { startSystem, type RunningSystem } from '../support/system.ts'
import { developerTables, tableName } from '../support/tables.ts'
import { waitFor } from '../support/wait.ts'

/**
 * Rows R of the bad-input catalogue (reliability.md (c)), and W18, through the real local gateway. Not here: R12 (the socket closes within
 * seconds: authorization.test.ts; the sentence: route.test.ts), R16 (authorization.test.ts).
 */
let system: RunningSystem
const clients: ProtocolClient[] = []
let people = 0
beforeAll(async () => {
  system = await startSystem()
})
afterAll(() => system.stop())
afterEach(() => {
  for (const client of clients.splice(0)) client.socket.terminate()
})

async function open(user = `writer-${++people}`): Promise<ProtocolClient> {
  const token = await requestToken(system, { user })
  const client = await ProtocolClient.connect(system.endpoints.websocket, token)
  clients.push(client)
  return client
}

/** What a frame is answered with: the next message. */
async function ask(client: ProtocolClient, frame: string): Promise<Record<string, unknown>> {
  const before = client.received.length
  client.socket.send(frame)
  const next = await waitFor(() => client.received[before], `an answer to ${frame.slice(0, 60)}`)
  return next.message as unknown as Record<string, unknown>
}
const text = (message: object): string => JSON.stringify({ id: 5, ...message })
const subscribing = (item: unknown): string => text({ action: 'subscribe', subscriptions: [item] })
const history = (members: object): string =>
  text({ action: 'history', topic: 'plant-1/pump-7', from: 0, to: 1_000, ...members })

describe('a message that is refused', () => {
  it.each<[string, string, string, number | string | undefined]>([
    ['R01: a word', 'hello', 'MESSAGE_NOT_JSON', undefined],
    ['R01: an open brace', '{', 'MESSAGE_NOT_JSON', undefined],
    ['R01: an empty frame', '', 'MESSAGE_NOT_JSON', undefined],
    ['R03: a list', '[{"action":"hello","id":5}]', 'MESSAGE_NOT_OBJECT', undefined],
    ['R03: a number', '7', 'MESSAGE_NOT_OBJECT', undefined],
    ['R03: null', 'null', 'MESSAGE_NOT_OBJECT', undefined],
    ['R04: no action', '{"id":5}', 'UNKNOWN_ACTION', 5],
    ['R04: a number as action', '{"id":5,"action":1}', 'UNKNOWN_ACTION', 5],
    ['R04: an action that there is not', '{"id":5,"action":"dance"}', 'UNKNOWN_ACTION', 5],
    ['R04: __proto__', '{"id":5,"action":"__proto__"}', 'UNKNOWN_ACTION', 5],
    ['R04: $connect', '{"id":5,"action":"$connect"}', 'UNKNOWN_ACTION', 5],
    ['R04: $disconnect', '{"id":5,"action":"$disconnect"}', 'UNKNOWN_ACTION', 5],
    ['R04: $default', '{"id":5,"action":"$default"}', 'UNKNOWN_ACTION', 5],
    ['R04: 1 KB of action', text({ action: 'x'.repeat(1_024) }), 'UNKNOWN_ACTION', 5],
    ['R04: a list of actions', '{"id":5,"action":["hello"]}', 'UNKNOWN_ACTION', 5],
    ['R08: no subscriptions', text({ action: 'subscribe' }), 'MESSAGE_INVALID', 5],
    [
      'R08: a text for a list',
      text({ action: 'subscribe', subscriptions: 'a/b' }),
      'MESSAGE_INVALID',
      5,
    ],
    [
      'R08: no subscription',
      text({ action: 'subscribe', subscriptions: [] }),
      'MESSAGE_INVALID',
      5,
    ],
    [
      'R08: 1,001 subscriptions',
      text({ action: 'subscribe', subscriptions: Array(1_001).fill(1) }),
      'MESSAGE_INVALID',
      5,
    ],
    ['R17: no id', '{"action":"hello"}', 'MESSAGE_INVALID', undefined],
    ['R17: an object as id', '{"action":"hello","id":{}}', 'MESSAGE_INVALID', undefined],
    ['R17: a short text as id', '{"action":"hello","id":"a"}', 'MESSAGE_INVALID', 'a'],
    [
      'R17: a text of 65 characters as id',
      `{"action":"hello","id":"${'a'.repeat(65)}"}`,
      'MESSAGE_INVALID',
      undefined,
    ],
    ['R18: a history from after to', history({ from: 2_000 }), 'RANGE_INVALID', 5],
    ['R18: a history from −1', history({ from: -1 }), 'RANGE_INVALID', 5],
    ['R18: a history from NaN', history({ from: null }), 'RANGE_INVALID', 5],
    ['R18: a history of ten years', history({ to: 3.2e11 }), 'RANGE_INVALID', 5],
    ['R18: a history of 0 readings', history({ limit: 0 }), 'LIMIT_RANGE', 5],
    ['R18: a history of −1 readings', history({ limit: -1 }), 'LIMIT_RANGE', 5],
    ['R18: a history of 1e9 readings', history({ limit: 1e9 }), 'LIMIT_RANGE', 5],
    ['R18: a cursor that nobody gave', history({ cursor: 'AAAA' }), 'CURSOR_INVALID', 5],
    [
      'R20: a ping of 20 KB',
      text({ action: 'ping', t0: 0, x: 'x'.repeat(20_000) }),
      'MESSAGE_INVALID',
      5,
    ],
    [
      'R20: a ping that names 201 devices',
      text({
        action: 'ping',
        t0: 0,
        positions: Object.fromEntries(
          Array.from({ length: 201 }, (_, i) => [`p/${i}`, encodePosition(0, '0')]),
        ),
      }),
      'LIMIT_RANGE',
      5,
    ],
    [
      'R24: a refresh with nonsense',
      text({ action: 'refresh', token: 'a.b.c' }),
      'TOKEN_INVALID',
      5,
    ],
    ['R25: 16 KB of brackets', '['.repeat(16_000), 'MESSAGE_TOO_DEEP', undefined],
    [
      'R25: 17 levels',
      text({ action: 'hello', x: JSON.parse('['.repeat(16) + ']'.repeat(16)) as unknown }),
      'MESSAGE_TOO_DEEP',
      5,
    ],
  ])('%s', async (_name, frame, code, id) => {
    const client = await open()
    const answer = await ask(client, frame)
    expect(answer).toMatchObject({ type: 'error', code })
    expect(answer['retry']).toBe(errorCodes[code as keyof typeof errorCodes])
    expect(answer['id']).toBe(id)
    expect(String(answer['message'])).toMatch(/^[A-Z"].{15,400}\.$/)
    expect(await client.request({ action: 'hello' }, 'welcome')).toBeDefined()
  })

  const look = (device: string): { sid: number; topic: string } => ({ sid: 7, topic: device })
  it.each<[string, unknown, string]>([
    ['R09: plant-1/+', look('plant-1/+'), 'TOPIC_INVALID'],
    ['R09: *', look('*'), 'TOPIC_INVALID'],
    ['R09: plant-1/', look('plant-1/'), 'TOPIC_INVALID'],
    ['R09: nothing', look(''), 'TOPIC_INVALID'],
    ['R09: 257 characters', look(`plant-1/${'x'.repeat(249)}`), 'TOPIC_INVALID'],
    ['R09: NUL', look('plant-1/pump\u00007'), 'TOPIC_INVALID'],
    ['R09: ..', look('plant-1/../pump-7'), 'TOPIC_INVALID'],
    ['R09: a look-alike', look('plant-1/рump-7'), 'TOPIC_INVALID'],
    ['R09: a site in mode complete', look('plant-1/#'), 'TOPIC_INVALID'],
    ['R10: a device of somebody else', look('plant-2/pump-7'), 'FORBIDDEN'],
    ['R10: a device that there is not', look('nowhere/nothing'), 'FORBIDDEN'],
    ['W18: since a word', { ...look('plant-1/a'), since: 'yesterday' }, 'POSITION_INVALID'],
    ['W18: since 1 KB', { ...look('plant-1/a'), since: 'x'.repeat(1_024) }, 'POSITION_INVALID'],
    ['W18: since −1', { ...look('plant-1/a'), since: -1 }, 'POSITION_INVALID'],
    [
      'a filter without an end',
      { ...look('plant-1/a'), where: { op: 'and', nodes: [] } },
      'FILTER_INVALID',
    ],
    ['no subscription at all', null, 'MESSAGE_INVALID'],
  ])('subscribing to %s', async (_name, item, code) => {
    const client = await open()
    const good = { sid: 1, topic: 'plant-1/good' }
    const frame = text({ action: 'subscribe', subscriptions: [item, good] })
    const answer = await ask(client, frame)
    expect(answer).toMatchObject({
      type: 'subscribed',
      results: [
        { ok: false, code },
        { sid: 1, ok: true },
      ],
    })
  })
  it('R10: the answers for a foreign and for an unknown device are the same', async () => {
    const client = await open()
    const answers = []
    for (const topic of ['plant-2/pump-7', 'nowhere/nothing']) {
      answers.push(await ask(client, subscribing({ sid: 7, topic })))
    }
    expect(answers[0]).toEqual(answers[1])
  })
})

describe('what is strange but right', () => {
  it('R11: of a mixed list the allowed ones work', async () => {
    const client = await open()
    const topics = ['plant-1/a', 'plant-2/b', 'plant-1/c']
    const subscriptions = topics.map((topic, sid) => ({ sid, topic }))
    const { results } = await client.request({ action: 'subscribe', subscriptions }, 'subscribed')
    expect(results.map(({ ok }) => ok)).toEqual([true, false, true])
  })
  it('R13: the 201st subscription is refused, the others stay', async () => {
    const client = await open()
    const results = []
    for (let from = 0; from < 250; from += 50) {
      const subscriptions = Array.from({ length: 50 }, (_, i) => ({
        sid: from + i,
        topic: `plant-1/d-${from + i}`,
      }))
      results.push(
        ...(await client.request({ action: 'subscribe', subscriptions }, 'subscribed')).results,
      )
    }
    const kept = limits.subscriptionsPerConnection
    expect(results.slice(0, kept).every(({ ok }) => ok)).toBe(true)
    expect(results.slice(kept)).toMatchObject(
      Array(50).fill({ ok: false, code: 'SUBSCRIPTION_LIMIT' }),
    )
  })
  it('R14: ending what was never begun succeeds', async () => {
    const client = await open()
    const answer = await client.request({ action: 'unsubscribe', sids: [9] }, 'unsubscribed')
    expect(answer).toMatchObject({ sids: [9], reason: 'client' })
  })
  it('R08: the same sid twice in a list: the last one holds', async () => {
    const client = await open()
    const subscriptions = [
      { sid: 1, topic: 'plant-1/a' },
      { sid: 1, topic: 'plant-1/b' },
    ]
    const { results } = await client.request({ action: 'subscribe', subscriptions }, 'subscribed')
    expect(results).toMatchObject([{ ok: false, code: 'SUPERSEDED' }, { ok: true }])
  })
  it('R19: a position of the future is answered with everything and recovered: false', async () => {
    const client = await open()
    const since = encodePosition(Date.now() + 3_600_000, '9'.repeat(56))
    const subscriptions = [{ sid: 1, topic: 'plant-1/a', since }]
    const { results } = await client.request({ action: 'subscribe', subscriptions }, 'subscribed')
    expect(results).toMatchObject([{ sid: 1, ok: true, recovered: false }])
  })
  it('R22: what the body says about who speaks is ignored', async () => {
    const client = await open('honest')
    const forged = {
      connectionId: 'c2=',
      user: 'root',
      roles: ['admin'],
      devices: ['#'],
      endpoint: 'http://169.254.169.254',
    }
    const answer = await ask(client, text({ action: 'hello', ...forged }))
    expect(answer).toMatchObject({ user: 'honest', roles: ['operator'], devices: ['plant-1/#'] })
  })
  it('R23: unknown members are ignored', async () => {
    const client = await open()
    expect(
      await ask(client, '{"action":"hello","id":5,"later":{"a":1},"__proto__":1}'),
    ).toMatchObject({ type: 'welcome' })
  })
  it('R21: a message of a connection whose row is gone says so', async () => {
    const client = await open()
    const { connectionId } = await client.request({ action: 'hello' }, 'welcome')
    const tables = developerTables(system.endpoints)
    const TableName = tableName(system.endpoints, 'Connections')
    await tables.send(
      new DeleteCommand({ TableName, Key: { pk: `conn#${connectionId}`, sk: 'meta' } }),
    )
    expect(await ask(client, text({ action: 'ping', t0: 0 }))).toMatchObject({
      id: 5,
      code: 'CONNECTION_UNKNOWN',
      retry: 'now',
    })
  })
})

describe('a frame that ends the socket', () => {
  const parts = (socket: WebSocket, part: string, count: number): void => {
    for (let i = 0; i < count; i++) socket.send(part, { fin: i === count - 1 })
  }
  it.each<[string, (socket: WebSocket) => void, number]>([
    [
      'R02: bytes: 1003',
      (socket) => {
        socket.send(Buffer.from([1, 2]))
      },
      1003,
    ],
    [
      'R05: a frame of 33 KB: 1009',
      (socket) => {
        socket.send('x'.repeat(33 * 1_024))
      },
      1009,
    ],
    [
      'R05: a message of 150 KB in small frames: 1009',
      (socket) => {
        parts(socket, 'x'.repeat(30_000), 5)
      },
      1009,
    ],
    [
      'R06: 200,000 fragments: 1008',
      (socket) => {
        parts(socket, '', 200_000)
      },
      1008,
    ],
    [
      'R07: text that is not UTF-8: 1007',
      (socket) => {
        socket.send(Buffer.from([0xc3, 0x28]), { binary: false })
      },
      1007,
    ],
  ])('%s', async (_name, send, code) => {
    const client = await open()
    send(client.socket)
    expect((await waitFor(() => client.closed, 'the end')).code).toBe(code)
  })
  it('R05, R25: a message of 100 KB in frames of 25 KB is read, refused for its size, and ends nothing', async () => {
    const client = await open()
    parts(client.socket, '['.repeat(25_000), 4)
    expect(await client.waitFor('error')).toMatchObject({ code: 'MESSAGE_INVALID' })
    expect(await client.request({ action: 'hello' }, 'welcome')).toBeDefined()
  })
})

describe('a message that crosses another', () => {
  it('R15: subscribe, unsubscribe and subscribe in one burst end subscribed', async () => {
    const client = await open()
    const subscriptions = [{ sid: 1, topic: 'plant-1/race' }]
    for (let round = 0; round < 5; round++) {
      const id = 100 + 10 * round
      client.socket.send(JSON.stringify({ action: 'subscribe', id, subscriptions }))
      client.socket.send(JSON.stringify({ action: 'unsubscribe', id: id + 1, sids: [1] }))
      client.socket.send(JSON.stringify({ action: 'subscribe', id: id + 2, subscriptions }))
      const answered = (wanted: number): boolean =>
        client.received.some(({ message }) => 'id' in message && message.id === wanted)
      await waitFor(() => [id, id + 1, id + 2].every(answered), 'three answers')
    }
    const last = client.messages('subscribed').find(({ id }) => id === 142)
    expect(last?.results).toMatchObject([{ sid: 1, ok: true }])
  })
})

describe('fuzzed frames', () => {
  const action = fc.constantFrom('hello', 'ping', 'subscribe', 'history', 'command', 'alarms', 'x')
  const frame = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.json(),
    fc
      .tuple(
        action,
        fc.dictionary(
          fc.constantFrom('id', 'topic', 'subscriptions', 't0', 'op', 'from'),
          fc.jsonValue(),
        ),
      )
      .map(([name, members]) => JSON.stringify({ action: name, ...members })),
  )
  it('are each answered once, by the protocol, and end nothing', async () => {
    const frames = fc.sample(frame, 300)
    for (let from = 0; from < frames.length; from += limits.messagesBurst) {
      const client = await open()
      const burst = frames.slice(from, from + limits.messagesBurst)
      for (const one of burst) client.socket.send(one)
      await waitFor(() => client.received.length >= burst.length || client.closed, 'the answers')
      expect(client.closed).toBeUndefined()
      const answers = client.received.map(({ message }) => message)
      expect(answers).toHaveLength(burst.length)
      expect(answers.filter((answer) => typeof answer.type !== 'string')).toEqual([])
      expect(
        answers.filter((answer) => answer.type === 'error' && answer.code === 'INTERNAL'),
      ).toEqual([])
      client.socket.terminate()
    }
  })
})
