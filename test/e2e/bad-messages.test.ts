import { DeleteCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { encodePosition, errorCodes, limits } from '@gaugeline/backend/protocol'
import fc from 'fast-check'
import { anyFrame } from '../../backend/src/testing/client-frames.ts'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type WebSocket from 'ws'
import { ProtocolClient, requestToken } from '../support/client.ts'
import { connectMqtt, publishReading } from '../support/devices.ts'
import { sharedSystem, type SharedSystem } from '../support/shared-system.ts'
import { developerTables, tableName } from '../support/tables.ts'
import { waitFor } from '../support/wait.ts'

/** Every MESSAGE-… row of the bad-input catalogue (docs/facts), and HANDSHAKE-18, through the real local gateway. MESSAGE-13 and MESSAGE-16 are in bad-rates.test.ts. */
let system: SharedSystem
const clients: ProtocolClient[] = []
let people = 0
beforeAll(async () => {
  system = await sharedSystem()
})
afterEach(() => {
  for (const client of clients.splice(0)) client.socket.terminate()
})

async function open(user = `writer-${++people}`): Promise<ProtocolClient> {
  const token = await requestToken(system, { user })
  const client = await ProtocolClient.connect(system.endpoints.websocket, token)
  clients.push(client)
  return client
}

let sociable: { readonly client: ProtocolClient; rows: number } | undefined
/** One socket for several rows, as none of them ends it, and no more than its rate allows. */
async function openForRows(): Promise<ProtocolClient> {
  if (sociable === undefined || sociable.rows >= limits.messagesBurst / 4) {
    sociable?.client.socket.terminate()
    sociable = { client: await open(), rows: 0 }
    clients.pop()
  }
  sociable.rows++
  expect(sociable.client.closed).toBeUndefined()
  return sociable.client
}
afterAll(() => sociable?.client.socket.terminate())

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

/** What the sentence of a code names: the value, where there is one to name, and the rule. */
const rules: Readonly<Record<string, RegExp>> = {
  MESSAGE_NOT_JSON: /not JSON; send one JSON object/,
  MESSAGE_NOT_OBJECT: /is a JSON object with an "action"/,
  MESSAGE_TOO_DEEP: /deeper than 16 levels; flatten/,
  MESSAGE_INVALID:
    /more than 16384 bytes|^"(id|subscriptions)" (is missing; add it|is .+; it must be .+|has a length of \d+; it must be .+)\.$/,
  UNKNOWN_ACTION: /^The action is (missing or not a text|"[^"]{1,70}"); it must be one of .*hello/,
  RANGE_INVALID: /("?(from|to)"?|\d).*(before|must|at most|span|whole|not accepted|missing)/,
  LIMIT_RANGE: /("limit" is -?\d+; it must be|at most 200 devices, this one 201)/,
  CURSOR_INVALID: /cursor/,
  TOKEN_INVALID: /token is not accepted/,
}

describe('a message that is refused', () => {
  it.each<[string, string, string, number | string | undefined]>([
    ['MESSAGE-1: a word', 'hello', 'MESSAGE_NOT_JSON', undefined],
    ['MESSAGE-1: an open brace', '{', 'MESSAGE_NOT_JSON', undefined],
    ['MESSAGE-1: an empty frame', '', 'MESSAGE_NOT_JSON', undefined],
    ['MESSAGE-3: a list', '[{"action":"hello","id":5}]', 'MESSAGE_NOT_OBJECT', undefined],
    ['MESSAGE-3: a number', '7', 'MESSAGE_NOT_OBJECT', undefined],
    ['MESSAGE-3: null', 'null', 'MESSAGE_NOT_OBJECT', undefined],
    ['MESSAGE-4: no action', '{"id":5}', 'UNKNOWN_ACTION', 5],
    ['MESSAGE-4: a number as action', '{"id":5,"action":1}', 'UNKNOWN_ACTION', 5],
    ['MESSAGE-4: an action that there is not', '{"id":5,"action":"dance"}', 'UNKNOWN_ACTION', 5],
    ['MESSAGE-4: __proto__', '{"id":5,"action":"__proto__"}', 'UNKNOWN_ACTION', 5],
    ['MESSAGE-4: $connect', '{"id":5,"action":"$connect"}', 'UNKNOWN_ACTION', 5],
    ['MESSAGE-4: $disconnect', '{"id":5,"action":"$disconnect"}', 'UNKNOWN_ACTION', 5],
    ['MESSAGE-4: $default', '{"id":5,"action":"$default"}', 'UNKNOWN_ACTION', 5],
    ['MESSAGE-4: 1 KB of action', text({ action: 'x'.repeat(1_024) }), 'UNKNOWN_ACTION', 5],
    ['MESSAGE-4: a list of actions', '{"id":5,"action":["hello"]}', 'UNKNOWN_ACTION', 5],
    ['MESSAGE-8: no subscriptions', text({ action: 'subscribe' }), 'MESSAGE_INVALID', 5],
    [
      'MESSAGE-8: a text for a list',
      text({ action: 'subscribe', subscriptions: 'a/b' }),
      'MESSAGE_INVALID',
      5,
    ],
    [
      'MESSAGE-8: no subscription',
      text({ action: 'subscribe', subscriptions: [] }),
      'MESSAGE_INVALID',
      5,
    ],
    [
      'MESSAGE-8: 1,001 subscriptions',
      text({ action: 'subscribe', subscriptions: Array(1_001).fill(1) }),
      'MESSAGE_INVALID',
      5,
    ],
    ['MESSAGE-17: no id', '{"action":"hello"}', 'MESSAGE_INVALID', undefined],
    [
      'MESSAGE-17: 10 KB of id',
      `{"action":"hello","id":"${'a'.repeat(10_240)}"}`,
      'MESSAGE_INVALID',
      undefined,
    ],
    ['MESSAGE-17: an object as id', '{"action":"hello","id":{}}', 'MESSAGE_INVALID', undefined],
    ['MESSAGE-17: a short text as id', '{"action":"hello","id":"a"}', 'MESSAGE_INVALID', 'a'],
    [
      'MESSAGE-17: a text of 65 characters as id',
      `{"action":"hello","id":"${'a'.repeat(65)}"}`,
      'MESSAGE_INVALID',
      undefined,
    ],
    ['MESSAGE-18: a history from after to', history({ from: 2_000 }), 'RANGE_INVALID', 5],
    ['MESSAGE-18: a history from −1', history({ from: -1 }), 'RANGE_INVALID', 5],
    ['MESSAGE-18: a history from NaN', history({ from: null }), 'RANGE_INVALID', 5],
    ['MESSAGE-18: a history of ten years', history({ to: 3.2e11 }), 'RANGE_INVALID', 5],
    ['MESSAGE-18: a history of 0 readings', history({ limit: 0 }), 'LIMIT_RANGE', 5],
    ['MESSAGE-18: a history of −1 readings', history({ limit: -1 }), 'LIMIT_RANGE', 5],
    ['MESSAGE-18: a history of 1e9 readings', history({ limit: 1e9 }), 'LIMIT_RANGE', 5],
    ['MESSAGE-18: a cursor that nobody gave', history({ cursor: 'AAAA' }), 'CURSOR_INVALID', 5],
    [
      'MESSAGE-20: a ping of 20 KB',
      text({ action: 'ping', t0: 0, x: 'x'.repeat(20_000) }),
      'MESSAGE_INVALID',
      5,
    ],
    [
      'MESSAGE-20: a ping that names 201 devices',
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
      'MESSAGE-24: a refresh with nonsense',
      text({ action: 'refresh', token: 'a.b.c' }),
      'TOKEN_INVALID',
      5,
    ],
    ['MESSAGE-25: 16 KB of brackets', '['.repeat(16_000), 'MESSAGE_TOO_DEEP', undefined],
    [
      'MESSAGE-25: 17 levels',
      text({ action: 'hello', x: JSON.parse('['.repeat(16) + ']'.repeat(16)) as unknown }),
      'MESSAGE_TOO_DEEP',
      5,
    ],
  ])('%s', async (_name, frame, code, id) => {
    const client = await openForRows()
    const answer = await ask(client, frame)
    expect(answer).toMatchObject({ type: 'error', code })
    expect(answer['retry']).toBe(errorCodes[code as keyof typeof errorCodes])
    expect(answer['id']).toBe(id)
    expect(String(answer['message'])).toMatch(/^[A-Z"].{15,400}\.$/)
    expect(String(answer['message'])).toMatch(rules[code] ?? /^$/)
    const alive = await ask(client, JSON.stringify({ action: 'hello', id: 99 }))
    expect(alive).toMatchObject({ type: 'welcome', id: 99 })
  })

  const look = (device: string): { sid: number; topic: string } => ({ sid: 7, topic: device })
  it.each<[string, unknown, string]>([
    ['MESSAGE-9: plant-1/+', look('plant-1/+'), 'TOPIC_INVALID'],
    ['MESSAGE-9: *', look('*'), 'TOPIC_INVALID'],
    ['MESSAGE-9: plant-1/', look('plant-1/'), 'TOPIC_INVALID'],
    ['MESSAGE-9: nothing', look(''), 'TOPIC_INVALID'],
    ['MESSAGE-9: 257 characters', look(`plant-1/${'x'.repeat(249)}`), 'TOPIC_INVALID'],
    ['MESSAGE-9: NUL', look('plant-1/pump\u00007'), 'TOPIC_INVALID'],
    ['MESSAGE-9: ..', look('plant-1/../pump-7'), 'TOPIC_INVALID'],
    ['MESSAGE-9: a look-alike', look('plant-1/рump-7'), 'TOPIC_INVALID'],
    ['MESSAGE-9: a site in mode complete', look('plant-1/#'), 'TOPIC_INVALID'],
    ['MESSAGE-10: a device of somebody else', look('plant-2/pump-7'), 'FORBIDDEN'],
    ['MESSAGE-10: a device that there is not', look('nowhere/nothing'), 'FORBIDDEN'],
    [
      'HANDSHAKE-18: since a word',
      { ...look('plant-1/a'), since: 'yesterday' },
      'POSITION_INVALID',
    ],
    [
      'HANDSHAKE-18: since 1 KB',
      { ...look('plant-1/a'), since: 'x'.repeat(1_024) },
      'POSITION_INVALID',
    ],
    ['HANDSHAKE-18: since 1.5', { ...look('plant-1/a'), since: 1.5 }, 'POSITION_INVALID'],
    [
      'HANDSHAKE-18: since 2^64',
      { ...look('plant-1/a'), since: String(2n ** 64n) },
      'POSITION_INVALID',
    ],
    [
      'HANDSHAKE-18: since a position with 1 KB before it',
      { ...look('plant-1/a'), since: '9'.repeat(1_024) + encodePosition(0, '0') },
      'POSITION_INVALID',
    ],
    ['HANDSHAKE-18: since −1', { ...look('plant-1/a'), since: -1 }, 'POSITION_INVALID'],
    [
      'a filter without an end',
      { ...look('plant-1/a'), where: { op: 'and', nodes: [] } },
      'FILTER_INVALID',
    ],
    ['no subscription at all', null, 'MESSAGE_INVALID'],
  ])('subscribing to %s', async (_name, item, code) => {
    const client = await openForRows()
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
  it('MESSAGE-10: the answers for a foreign and for an unknown device are the same', async () => {
    const client = await open()
    const answers = []
    for (const topic of ['plant-2/pump-7', 'nowhere/nothing']) {
      answers.push(await ask(client, subscribing({ sid: 7, topic })))
    }
    expect(answers[0]).toEqual(answers[1])
  })
})

describe('what is strange but right', () => {
  it('MESSAGE-11: of a mixed list the allowed ones work', async () => {
    const client = await open()
    const topics = ['plant-1/a', 'plant-2/b', 'plant-1/c']
    const subscriptions = topics.map((topic, sid) => ({ sid, topic }))
    const { results } = await client.request({ action: 'subscribe', subscriptions }, 'subscribed')
    expect(results.map(({ ok }) => ok)).toEqual([true, false, true])
  })
  it('MESSAGE-14: ending what was never begun succeeds', async () => {
    const client = await open()
    const answer = await client.request({ action: 'unsubscribe', sids: [9] }, 'unsubscribed')
    expect(answer).toMatchObject({ sids: [9], reason: 'client' })
  })
  it('MESSAGE-8: the same sid twice in a list: the last one holds', async () => {
    const client = await open()
    const subscriptions = [
      { sid: 1, topic: 'plant-1/a' },
      { sid: 1, topic: 'plant-1/b' },
    ]
    const { results } = await client.request({ action: 'subscribe', subscriptions }, 'subscribed')
    expect(results).toMatchObject([{ ok: false, code: 'SUPERSEDED' }, { ok: true }])
  })
  it('MESSAGE-19: a position that this device never had is answered with everything and recovered: false', async () => {
    const device = await connectMqtt(system.endpoints.mqtt)
    for (const level of [1, 2, 3]) await publishReading(device, 'plant-1/r19', { level })
    await publishReading(device, 'plant-1/r19-other', { level: 4 })
    await device.endAsync()
    const client = await open()
    const headOf = async (topic: string): Promise<string | null | undefined> => {
      const subscriptions = [{ sid: 9, topic }]
      const answer = await client.request({ action: 'subscribe', subscriptions }, 'subscribed')
      const [result] = answer.results
      return result?.ok ? result.head : undefined
    }
    const head = await waitFor(() => headOf('plant-1/r19-other'), 'the last reading')
    const nowMs = Date.now()
    const positions = {
      'another stream, before ours': encodePosition(nowMs - 60_000, '7'.repeat(20)),
      'another stream, beyond ours': encodePosition(nowMs, '9'.repeat(56)),
      'the future': encodePosition(nowMs + 3_600_000, '9'.repeat(56)),
      'another device': head,
    }
    for (const [of, since] of Object.entries(positions)) {
      const subscriptions = [{ sid: 1, topic: 'plant-1/r19', since, window: { lastMs: 600_000 } }]
      const answer = await client.request({ action: 'subscribe', subscriptions }, 'subscribed')
      const levels = answer.blocks.flatMap(({ metrics }) => metrics['level'] ?? [])
      expect([of, answer.results, levels]).toMatchObject([
        of,
        [{ sid: 1, ok: true, recovered: false, lost: { reason: 'unknown-position' } }],
        [1, 2, 3],
      ])
    }
  })
  it('MESSAGE-22: what the body says about who speaks is ignored', async () => {
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
  it('MESSAGE-23: unknown members are ignored', async () => {
    const client = await open()
    expect(
      await ask(client, '{"action":"hello","id":5,"later":{"a":1},"__proto__":1}'),
    ).toMatchObject({ type: 'welcome' })
  })
  it('MESSAGE-21: a message of a connection whose row is gone says so', async () => {
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
    expect(await client.waitFor('goaway')).toMatchObject({ code: 4410 })
    await waitFor(() => client.closed, 'the end of the socket', 60_000)
  })
  it('MESSAGE-12: a message after the end of the token is told so, and the socket ends with 4401', async () => {
    const token = await requestToken(system, { user: `writer-${++people}`, expiresIn: 12 })
    const client = await ProtocolClient.connect(system.endpoints.websocket, token)
    clients.push(client)
    const { connectionId } = await client.request({ action: 'hello' }, 'welcome')
    // The end a few seconds early in the row, so that the message comes surely before the socket's end.
    await developerTables(system.endpoints).send(
      new UpdateCommand({
        TableName: tableName(system.endpoints, 'Connections'),
        Key: { pk: `conn#${connectionId}`, sk: 'meta' },
        UpdateExpression: 'SET expiresAt = :past',
        ExpressionAttributeValues: { ':past': Math.floor(Date.now() / 1_000) - 1 },
      }),
    )
    expect(await ask(client, subscribing({ sid: 1, topic: 'plant-1/a' }))).toMatchObject({
      id: 5,
      code: 'TOKEN_EXPIRED',
      retry: 'auth',
    })
    expect(await client.waitFor('goaway', () => true, 60_000)).toMatchObject({ code: 4401 })
    await waitFor(() => client.closed, 'the end of the socket', 60_000)
  })
  it('MESSAGE-12: a message after a revocation is told so, and the socket ends with 4403', async () => {
    const client = await open()
    const { connectionId } = await client.request({ action: 'hello' }, 'welcome')
    // As a revocation leaves it whose close has not reached the socket yet.
    await developerTables(system.endpoints).send(
      new PutCommand({
        TableName: tableName(system.endpoints, 'Connections'),
        Item: {
          pk: `conn#${connectionId}`,
          sk: 'meta',
          closedAt: Date.now(),
          closedFor: 'revoked',
        },
      }),
    )
    expect(await ask(client, subscribing({ sid: 1, topic: 'plant-1/a' }))).toMatchObject({
      id: 5,
      code: 'REVOKED',
      retry: 'auth',
    })
    expect(await client.waitFor('goaway', () => true, 60_000)).toMatchObject({ code: 4403 })
    await waitFor(() => client.closed, 'the end of the socket', 60_000)
  })
  it('MESSAGE-17: two messages of one id are both answered with it', async () => {
    const client = await open()
    for (let i = 0; i < 2; i++) client.socket.send(text({ action: 'ping', t0: i }))
    await waitFor(() => client.messages('pong').length === 2, 'two answers')
    expect(client.messages('pong').map(({ id }) => id)).toEqual([5, 5])
  })
  it('MESSAGE-18: a cursor is of its user and its query', async () => {
    const device = await connectMqtt(system.endpoints.mqtt)
    for (let i = 0; i < 3; i++) await publishReading(device, 'plant-1/cursor', { level: i })
    await device.endAsync()
    const [one, two] = [await open(), await open()]
    const query = { action: 'history', topic: 'plant-1/cursor', limit: 1 } as const
    const range = { from: Date.now() - 600_000, to: Date.now() + 600_000 }
    const page = await waitFor(async () => {
      const found = await one.request({ ...query, ...range }, 'history')
      return found.cursor === null ? undefined : found
    }, 'a page with more after it')
    const { cursor } = page
    expect(await one.request({ ...query, ...range, cursor }, 'history')).toBeDefined()
    const misuses = [
      await two.request({ ...query, ...range, cursor }, 'error'),
      await one.request({ ...query, ...range, topic: 'plant-1/other', cursor }, 'error'),
      await one.request({ ...query, ...range, bucketMs: 1_000, cursor }, 'error'),
      await one.request({ ...query, since: encodePosition(0, '0'), cursor }, 'error'),
    ]
    expect(misuses.map(({ code }) => code)).toEqual(Array(4).fill('CURSOR_INVALID'))
  })
  // A slip of a client with two accounts must not cost the honest owner his socket; the thief gains nothing by the message.
  it("MESSAGE-24: somebody else's token changes nothing; the socket stays its owner's (the catalogue suggests to close it)", async () => {
    const client = await open('owner')
    const token = await requestToken(system, { user: 'thief', devices: ['#'] })
    expect(await ask(client, text({ action: 'refresh', token }))).toMatchObject({
      code: 'TOKEN_SUBJECT_MISMATCH',
      retry: 'never',
    })
    expect(await client.request({ action: 'hello' }, 'welcome')).toMatchObject({
      user: 'owner',
      devices: ['plant-1/#'],
    })
  })
  it('MESSAGE-20: control pings and 1,000 pongs are no messages, and end nothing', async () => {
    const client = await open()
    let pongs = 0
    client.socket.on('pong', () => pongs++)
    for (let i = 0; i < 50; i++) client.socket.ping()
    for (let i = 0; i < 1_000; i++) client.socket.pong()
    expect(await client.request({ action: 'hello' }, 'welcome')).toBeDefined()
    await waitFor(() => pongs === 50, 'a pong for each ping')
    expect(client.closed).toBeUndefined()
  })
  it('MESSAGE-20: a flood of control pings ends its own socket and nobody else’s', async () => {
    const [client, other] = [await open(), await open()]
    // `ws` gives up a client that leaves more than 60 pongs unread.
    for (let i = 0; i < 5_000; i++) client.socket.ping()
    await waitFor(() => client.closed, 'the socket of the flood to end')
    expect(await other.request({ action: 'hello' }, 'welcome')).toBeDefined()
  })
})

describe('a frame that ends the socket', () => {
  const parts = (socket: WebSocket, part: string, count: number): void => {
    for (let i = 0; i < count; i++) socket.send(part, { fin: i === count - 1 })
  }
  it.each<[string, (socket: WebSocket) => void, number]>([
    // At the first, not only when it is repeated: API Gateway has no binary frames (APIGW-82).
    [
      'MESSAGE-2: bytes: 1003',
      (socket) => {
        socket.send(Buffer.from([1, 2]))
      },
      1003,
    ],
    [
      'MESSAGE-5: a frame of 33 KB: 1009',
      (socket) => {
        socket.send('x'.repeat(33 * 1_024))
      },
      1009,
    ],
    [
      'MESSAGE-17, MESSAGE-20: a ping of 1 MB: 1009',
      (socket) => {
        socket.send(text({ action: 'ping', t0: 0, id: 'x'.repeat(1_048_576) }))
      },
      1009,
    ],
    [
      'MESSAGE-5: a message of 150 KB in small frames: 1009',
      (socket) => {
        parts(socket, 'x'.repeat(30_000), 5)
      },
      1009,
    ],
    [
      'MESSAGE-6: 20,000 fragments: 1008',
      (socket) => {
        parts(socket, '', 20_000)
      },
      1008,
    ],
    [
      'MESSAGE-7: text that is not UTF-8: 1007',
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
  it('MESSAGE-5, MESSAGE-25: a message of 100 KB in frames of 25 KB is read, refused for its size, and ends nothing', async () => {
    const client = await open()
    parts(client.socket, '['.repeat(25_000), 4)
    expect(await client.waitFor('error')).toMatchObject({ code: 'MESSAGE_INVALID' })
    expect(await client.request({ action: 'hello' }, 'welcome')).toBeDefined()
  })
})

describe('a message that crosses another', () => {
  it('MESSAGE-15: subscribe, unsubscribe and subscribe in one burst end subscribed', async () => {
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
    const device = await connectMqtt(system.endpoints.mqtt)
    await publishReading(device, 'plant-1/race', { temperature: 15 })
    await client.waitFor('data', ({ blocks }) => blocks.some(({ sid }) => sid === 1))
    await device.endAsync()
  })
})

describe('fuzzed frames', () => {
  // What the socket is told without having asked: its own commands and notes.
  const isAnswer = (message: object): boolean =>
    'id' in message || ('type' in message && message.type === 'error')

  it('are each answered once, by the protocol, and end nothing', { timeout: 300_000 }, async () => {
    const burst = fc.array(anyFrame('Gaugeline-deliver-errors'), {
      minLength: 20,
      maxLength: limits.messagesBurst,
    })
    // A failure prints its seed and the shortest burst that still fails.
    await fc.assert(
      fc.asyncProperty(burst, async (frames) => {
        const client = await open()
        const answers = () => client.received.map(({ message }) => message).filter(isAnswer)
        for (const one of frames) client.socket.send(one)
        await waitFor(() => answers().length >= frames.length || client.closed, 'the answers')
        expect(client.closed).toBeUndefined()
        expect(answers()).toHaveLength(frames.length)
        expect(answers().filter((answer) => typeof answer.type !== 'string')).toEqual([])
        expect(client.messages('error').filter(({ code }) => code === 'INTERNAL')).toEqual([])
        client.socket.terminate()
      }),
      // Beside the thousands at the route itself (backend/src/adapters/route.test.ts).
      { numRuns: 4 },
    )
  })
})
