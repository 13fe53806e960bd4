import { beforeEach, describe, expect, it } from 'vitest'
import { limits, type ClientMessage } from '../../protocol/index.ts'
import {
  connectionOf,
  fakeClock,
  fakeSockets,
  fakeExpiryQueue,
  memoryConnections,
  memoryRevocations,
} from '../connections/fakes.ts'
import type { LogFacts } from '../telemetry-sink.ts'
import { commandResults } from './command-results.ts'
import { expireCommands } from './expire-commands.ts'
import { memoryCommands } from './fakes.ts'
import type { DeviceMessages } from './ports.ts'
import { sendCommand } from './send-command.ts'

const connection = connectionOf()
let clock: ReturnType<typeof fakeClock>
let ports: ReturnType<typeof makePorts>
function makePorts() {
  let serial = 0
  const published: { topic: string; message: unknown }[] = []
  const refused: LogFacts[] = []
  const devices: DeviceMessages & { answer: Awaited<ReturnType<DeviceMessages['publish']>> } = {
    answer: 'published',
    publish(topic, message) {
      published.push({ topic, message })
      return Promise.resolve(this.answer)
    },
  }
  return {
    commands: memoryCommands(),
    connections: memoryConnections(),
    revocations: memoryRevocations(),
    expiryQueue: fakeExpiryQueue(),
    refused,
    log: {
      info: () => undefined,
      warn: (_: string, facts: LogFacts = {}) => void refused.push(facts),
      error: () => undefined,
    },
    devices,
    published,
    sockets: fakeSockets(),
    clock,
    newId: () => `cmd-${++serial}`,
    digest: (text: string) => text,
  }
}
beforeEach(() => {
  clock = fakeClock()
  ports = makePorts()
})

const message = (change: Partial<ClientMessage<'command'>> = {}): ClientMessage<'command'> => ({
  action: 'command',
  id: 6,
  key: '11111111-1111-4111-8111-111111111111',
  topic: 'plant-1/pump-7',
  name: 'setInterval',
  args: { ms: 500 },
  ttlMs: 30_000,
  ...change,
})
const send = (change: Partial<ClientMessage<'command'>> = {}, from = connection) =>
  sendCommand(message(change), from, ports)

describe('sending', () => {
  it('is accepted, published to the device with its end, and answered as sent', async () => {
    expect(await send()).toEqual({
      type: 'command',
      id: 6,
      key: message().key,
      commandId: 'cmd-1',
      topic: 'plant-1/pump-7',
      name: 'setInterval',
      state: 'sent',
      at: clock.ms,
      by: 'ana',
    })
    expect(ports.sockets.posted).toMatchObject([{ to: 'c1=', message: { state: 'accepted' } }])
    expect(ports.published).toEqual([
      {
        topic: 'cmd/plant-1/pump-7/cmd-1',
        message: {
          commandId: 'cmd-1',
          name: 'setInterval',
          args: { ms: 500 },
          expiresAt: clock.ms + 30_000,
        },
      },
    ])
  })
  it('the same key and body is the same command and is not published twice', async () => {
    await send()
    expect(await send({ id: 9 })).toMatchObject({ id: 9, commandId: 'cmd-1', state: 'sent' })
    expect(ports.published).toHaveLength(1)
  })
  it.each([
    { args: { ms: 600 } },
    { topic: 'plant-1/pump-8' },
    { name: 'reboot', args: {} },
    { ttlMs: 1_000 },
  ] as const)('the same key with another body is refused: %j', async (change) => {
    await send()
    await expect(send(change)).rejects.toMatchObject({ code: 'COMMAND_KEY_REUSED' })
    expect(ports.published).toHaveLength(1)
  })
  it('the order of the arguments makes no difference', async () => {
    const order = { name: 'setPoint', args: { metric: 'temperature', value: 1 } } as const
    const turned = { name: 'setPoint', args: { value: 1, metric: 'temperature' } } as const
    await send(order)
    expect(await send(turned)).toMatchObject({ commandId: 'cmd-1' })
    await expect(send({ ...order, args: { metric: 'temperature', value: 2 } })).rejects.toThrow()
  })
  it('fails when the broker refuses it', async () => {
    ports.devices.answer = 'refused'
    expect(await send()).toMatchObject({ state: 'failed' })
    expect(await send()).toMatchObject({ state: 'failed' })
    expect(ports.published).toHaveLength(1)
  })
  it('stays accepted without an answer of the broker; the device decides', async () => {
    ports.devices.answer = 'unknown'
    expect(await send()).toMatchObject({ state: 'accepted' })
    const done = { state: 'done', at: clock.ms } as const
    await ports.commands.move('cmd-1', ['accepted'], done)
    expect(await send()).toMatchObject({ state: 'done' })
    expect(ports.published).toHaveLength(1)
  })
  it('that is still only accepted is published by the repetition, as the same command, until its end', async () => {
    ports.devices.publish = () => Promise.reject(new Error('the function died here'))
    await expect(send()).rejects.toThrow('died')
    const published: string[] = []
    ports.devices.publish = (topic) => {
      published.push(topic)
      return Promise.resolve('unknown')
    }
    expect(await send()).toMatchObject({ state: 'accepted' })
    clock.ms += 29_999
    await send()
    clock.ms += 1
    await send()
    expect(published).toEqual(['cmd/plant-1/pump-7/cmd-1', 'cmd/plant-1/pump-7/cmd-1'])
  })
  it('a device that was faster than our own write is not called back', async () => {
    ports.devices.publish = async () => {
      await ports.commands.move('cmd-1', ['accepted'], { state: 'acked', at: clock.ms })
      return 'published'
    }
    expect(await send()).toMatchObject({ state: 'acked' })
  })
})

describe('who may', () => {
  it('a viewer may not', async () => {
    const viewer = connectionOf({ roles: ['viewer'] })
    await expect(send({}, viewer)).rejects.toMatchObject({ code: 'FORBIDDEN' })
  })
  it('MESSAGE-10: a foreign and an unknown device get the same answer, and nothing is sent', async () => {
    const answers = await Promise.allSettled([
      send({ topic: 'plant-2/pump-1' }),
      send({ topic: 'nowhere/nothing' }),
    ])
    const [one, two] = answers.map((answer) =>
      answer.status === 'rejected' ? String(answer.reason) : 'sent',
    )
    expect(one).toBe(two)
    expect(one).toContain('unknown or not among yours')
    expect(ports.published).toEqual([])
  })
})

describe('arguments', () => {
  it.each([
    ['setInterval', { ms: 99 }],
    ['setInterval', { ms: '500' }],
    ['setInterval', {}],
    ['setInterval', { ms: 500, more: 1 }],
    ['reboot', { now: true }],
    ['identify', { seconds: 0 }],
    ['setPoint', { value: 'hot' }],
    ['setPoint', { value: Number.POSITIVE_INFINITY }],
    ['setPoint', { value: 1, metric: 'x'.repeat(65) }],
    ['reboot', { pad: 'x'.repeat(2_000) }],
  ] as const)('%s does not take %j', async (name, args) => {
    await expect(send({ name, args })).rejects.toMatchObject({ code: 'COMMAND_INVALID' })
  })
  it.each([
    ['reboot', {}],
    ['identify', {}],
    ['identify', { seconds: 5 }],
    ['setPoint', { value: 21.5 }],
    ['setPoint', { metric: 'temperature', value: -3 }],
  ] as const)('%s takes %j', async (name, args) => {
    expect(await send({ name, args })).toMatchObject({ state: 'sent' })
  })
})

describe('the rate', () => {
  const several = async (count: number, name: string): Promise<void> => {
    for (let i = 0; i < count; i++) await send({ key: `${name} ${i}` })
  }
  it('no minute, wherever it begins, has more than the limit; the time to wait is told', async () => {
    await several(limits.commandsPerMinute - 1, 'early')
    clock.ms += 59_000
    await several(1, 'late')
    const refused = { code: 'RATE_LIMITED', retryAfterMs: 1_000 }
    await expect(send({ key: 'one more' })).rejects.toMatchObject(refused)
    clock.ms += 1_000
    await several(limits.commandsPerMinute - 1, 'a minute after the early ones')
    await expect(send({ key: 'one more' })).rejects.toMatchObject({ code: 'RATE_LIMITED' })
  })
  it('a refused command leaves no record: its key is free', async () => {
    await several(limits.commandsPerMinute, 'some')
    await expect(send({ key: 'waits' })).rejects.toMatchObject({ code: 'RATE_LIMITED' })
    expect(await ports.commands.findByKey('ana', 'waits')).toBeUndefined()
    clock.ms += 60_000
    expect(await send({ key: 'waits' })).toMatchObject({ state: 'sent' })
  })
  it('a repetition costs nothing', async () => {
    for (let i = 0; i <= limits.commandsPerMinute; i++) await send()
    expect(ports.published).toHaveLength(1)
  })
  it('who goes on is closed', async () => {
    await several(limits.commandsPerMinute, 'some')
    for (let i = 0; i < 49; i++) await expect(send({ key: `more ${i}` })).rejects.toThrow()
    expect(ports.expiryQueue.sent).toEqual([])
    await expect(send({ key: 'the fiftieth' })).rejects.toThrow()
    expect(ports.expiryQueue.sent).toEqual([
      { connectionId: 'c1=', reason: 'abuse', delaySeconds: 0 },
    ])
  })
})

it.each([
  ['FORBIDDEN', {}, connectionOf({ roles: ['viewer'] })],
  ['FORBIDDEN', { topic: 'plant-2/pump-1' }, connection],
  ['COMMAND_INVALID', { args: { ms: 1 } }, connection],
] as const)('%s: who asked for what is a line in the log', async (code, change, from) => {
  await expect(send(change, from)).rejects.toMatchObject({ code })
  const { key, name, topic } = message(change)
  expect(ports.refused).toEqual([{ connectionId: 'c1=', user: 'ana', key, name, topic, code }])
})

describe('what the device answers', () => {
  const answer = (
    payload: unknown,
    change: { topic?: string; clientId?: string; atMs?: number } = {},
  ) =>
    commandResults(ports).apply({
      topic: 'plant-1/pump-7',
      commandId: 'cmd-1',
      clientId: 'pump-7',
      atMs: clock.ms + 20,
      payload: new TextEncoder().encode(
        typeof payload === 'string' ? payload : JSON.stringify(payload),
      ),
      ...(change as { topic?: 'plant-1/pump-7' }),
    })
  beforeEach(async () => {
    await send()
    await ports.connections.open(connection)
    await ports.connections.open(connectionOf({ connectionId: 'c2=' }))
    await ports.connections.open(connectionOf({ connectionId: 'v=', user: 'vic' }))
  })
  it('moves the command on and goes to every socket of the user who asked', async () => {
    expect(await answer({ state: 'acked' })).toMatchObject({
      update: { state: 'acked', commandId: 'cmd-1', at: clock.ms + 20, by: 'ana' },
      connections: [{ connectionId: 'c1=' }, { connectionId: 'c2=' }],
    })
    expect(await answer({ state: 'done', message: 'every 500 ms' })).toMatchObject({
      update: { state: 'done', message: 'every 500 ms' },
    })
  })
  it('is not told to a socket of the user whose own token may not see the device, has ended or was revoked', async () => {
    const narrow = { connectionId: 'narrow=', devices: ['plant-1/pump-8'] }
    const ended = { connectionId: 'ended=', expiresAt: clock.ms / 1_000 }
    const revoked = { connectionId: 'revoked=', tokenId: 'token-2' }
    for (const change of [narrow, ended, revoked]) {
      await ports.connections.open(connectionOf(change))
    }
    await ports.revocations.revokeToken(connection.issuer, 'token-2', clock.ms)
    expect(await answer({ state: 'acked' })).toMatchObject({
      connections: [{ connectionId: 'c1=' }, { connectionId: 'c2=' }],
    })
    ports.sockets.posted.length = 0
    clock.ms += 30_001
    await expireCommands(ports)
    expect(ports.sockets.posted.map(({ to }) => to)).toEqual(['c1=', 'c2='])
  })
  it('after the end of its time still is what happened, once it is the last word', async () => {
    clock.ms += 30_001
    expect(await expireCommands(ports)).toBe(1)
    expect(await answer({ state: 'acked' })).toBeUndefined()
    expect(await ports.commands.find('cmd-1')).toMatchObject({ state: 'expired' })
    expect(await answer({ state: 'done' })).toMatchObject({ update: { state: 'done' } })
    expect(await answer({ state: 'failed' })).toBeUndefined()
    expect(await expireCommands(ports)).toBe(0)
  })
  it('counts once, and its last word holds', async () => {
    await answer({ state: 'done' })
    for (const state of ['done', 'acked', 'failed']) {
      expect(await answer({ state }, { atMs: clock.ms + 21 })).toBeUndefined()
    }
    expect(await ports.commands.find('cmd-1')).toMatchObject({ state: 'done' })
  })
  it('KINESIS-16: is told again when the stream gives the same answer again', async () => {
    const first = await answer({ state: 'done' })
    expect(await answer({ state: 'done' })).toEqual(first)
    expect(await answer({ state: 'acked' })).toBeUndefined()
  })
  it('is only believed from the device itself', async () => {
    expect(await answer({ state: 'acked' }, { topic: 'plant-1/pump-8' })).toBeUndefined()
    expect(await answer({ state: 'acked' }, { clientId: 'pump-8' })).toBeUndefined()
    expect(await ports.commands.find('cmd-1')).toMatchObject({ state: 'sent' })
  })
  it.each([
    '',
    'x',
    'null',
    '[]',
    '{}',
    '{"state":"sent"}',
    '{"state":7}',
    '{"state":"done","message":7}',
  ])('%s is no answer and no failure', async (payload) => {
    expect(await answer(payload)).toBeUndefined()
  })
  it('its message is cut', async () => {
    const result = await answer({ state: 'failed', message: 'x'.repeat(10_000) })
    expect(result?.update.message).toHaveLength(280)
  })
})

it('a command that nobody answered expires, and its user is told on every socket', async () => {
  await ports.connections.open(connection)
  await send()
  await send({ key: 'answered' })
  await ports.commands.move('cmd-2', ['sent'], { state: 'done', at: clock.ms })
  ports.sockets.posted.length = 0
  clock.ms += 30_000
  expect(await expireCommands(ports)).toBe(0)
  clock.ms += 1
  expect(await expireCommands(ports)).toBe(1)
  expect(ports.sockets.posted).toMatchObject([
    { to: 'c1=', message: { commandId: 'cmd-1', state: 'expired' } },
  ])
  expect(await expireCommands(ports)).toBe(0)
})
