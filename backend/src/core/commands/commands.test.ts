import { beforeEach, describe, expect, it } from 'vitest'
import { limits, type ClientMessage } from '../../protocol/index.ts'
import { connectionOf, fakeClock, fakeSockets, memoryConnections } from '../connections/fakes.ts'
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
  const devices: DeviceMessages & { answer: 'published' | 'failed' } = {
    answer: 'published',
    publish(topic, message) {
      published.push({ topic, message })
      return Promise.resolve(this.answer)
    },
  }
  return {
    commands: memoryCommands(),
    connections: memoryConnections(),
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
  it('fails when the broker does not take it', async () => {
    ports.devices.answer = 'failed'
    expect(await send()).toMatchObject({ state: 'failed' })
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
  it('R10: a foreign and an unknown device get the same answer, and nothing is sent', async () => {
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

it('commands are limited per user and minute, with the time to wait', async () => {
  for (let i = 0; i < limits.commandsPerMinute; i++) await send({ key: String(i) })
  clock.ms += 45_000
  await expect(send({ key: 'one more' })).rejects.toMatchObject({
    code: 'RATE_LIMITED',
    retryAfterMs: 15_000,
  })
  expect(ports.published).toHaveLength(limits.commandsPerMinute)
  clock.ms += 15_000
  expect(await send({ key: 'the next minute' })).toMatchObject({ state: 'sent' })
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
  it('counts once, and what has ended stays ended', async () => {
    await answer({ state: 'done' })
    for (const state of ['done', 'acked', 'failed']) {
      expect(await answer({ state }, { atMs: clock.ms + 21 })).toBeUndefined()
    }
    expect(await ports.commands.find('cmd-1')).toMatchObject({ state: 'done' })
  })
  it('K16: is told again when the stream gives the same answer again', async () => {
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
