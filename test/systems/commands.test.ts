import type { CommandState } from '@gaugeline/backend/protocol'
import mqtt, { type MqttClient } from 'mqtt'
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ProtocolClient, requestToken } from '../support/client.ts'
import { startSystem, type RunningSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'

let system: RunningSystem
const clients: ProtocolClient[] = []
beforeAll(async () => {
  system = await startSystem({ simulator: true })
})
afterAll(() => system.stop())
afterEach(() => {
  for (const client of clients.splice(0)) client.socket.terminate()
})

/** A client that, as any, tries again when the handshake is refused: on a busy machine the first look at the issuer's keys may be too slow. */
async function open(
  person: { user?: string; devices?: readonly string[] } = {},
): Promise<ProtocolClient> {
  const token = await requestToken(system, { user: `operator-${randomUUID()}`, ...person })
  const client = await waitFor(
    () => ProtocolClient.connect(system.endpoints.websocket, token).catch(() => undefined),
    'a socket',
    60_000,
  )
  clients.push(client)
  return client
}

interface Reading {
  readonly ts: number
  readonly boot: string | null | undefined
  readonly n: number | null | undefined
  readonly value: number | null | undefined
}

/** Watches a device of the demo factory; `readings` is what has come so far, in order, with one of its metrics. */
async function watch(
  topic: string,
  metric: string,
): Promise<{ client: ProtocolClient; readings: () => Reading[] }> {
  const client = await open()
  await client.request({ action: 'subscribe', subscriptions: [{ sid: 1, topic }] }, 'subscribed')
  const readings = (): Reading[] =>
    client
      .messages('data')
      .flatMap(({ blocks }) =>
        blocks.flatMap(({ ts, boot, n, metrics }) =>
          ts.map((ms, i) => ({ ts: ms, boot, n: n?.[i], value: metrics[metric]?.[i] })),
        ),
      )
  await waitFor(() => readings()[0], `a reading of ${topic}`, 60_000)
  return { client, readings }
}

/** Sends a command and waits for its end; returns the states that were told and the device's last words. */
async function command(
  client: ProtocolClient,
  topic: string,
  order: {
    name: 'setInterval' | 'reboot' | 'identify' | 'setPoint'
    args: Record<string, unknown>
  },
): Promise<{ states: CommandState[]; message: string | undefined }> {
  const key = randomUUID()
  await client.request({ action: 'command', key, topic, ...order }, 'command')
  const told = client.messages('command').filter((update) => update.key === key)
  const end = await client.waitFor(
    'command',
    (update) => update.key === key && ['done', 'failed', 'expired'].includes(update.state),
    60_000,
  )
  const states = [...told, ...client.messages('command').filter((update) => update.key === key)]
    .filter(({ id }) => id === undefined)
    .map(({ state }) => state)
  return { states: [...new Set(states)], message: end.message }
}

const whole: readonly CommandState[] = ['accepted', 'acked', 'done']

describe('a device of the demo factory carries out', () => {
  it('setInterval: its readings come at the new rate', async () => {
    const { client, readings } = await watch('plant-1/pump-1', 'temperature')
    const order = { name: 'setInterval', args: { ms: 200 } } as const
    const { states, message } = await command(client, 'plant-1/pump-1', order)
    expect(states).toEqual(whole)
    expect(message).toBe('a reading every 200 ms')
    const isFast = (all: readonly Reading[]): boolean =>
      all.slice(-6).every(({ ts }, i, last) => i === 0 || ts - last[i - 1]!.ts <= 300)
    await waitFor(() => readings().length > 6 && isFast(readings()), 'the new rate', 60_000)
  })

  it('reboot: it comes back under a new boot id, its counter begins again, and it does so once', async () => {
    const { client, readings } = await watch('plant-1/pump-2', 'temperature')
    const before = readings()[0]!.boot
    const { states } = await command(client, 'plant-1/pump-2', { name: 'reboot', args: {} })
    expect(states).toEqual(whole)
    const after = await waitFor(
      () => readings().find(({ boot }) => boot !== before),
      'a reading after the reboot',
      60_000,
    )
    expect(after.n).toBe(1)
    await waitFor(
      () => readings().filter(({ boot }) => boot === after.boot).length >= 3,
      'more readings',
      60_000,
    )
    expect(new Set(readings().map(({ boot }) => boot)).size).toBe(2)
  })

  it('identify: it blinks for as long as it was told', async () => {
    const { client } = await watch('plant-1/pump-3', 'temperature')
    const order = { name: 'identify', args: { seconds: 3 } } as const
    const { states, message } = await command(client, 'plant-1/pump-3', order)
    expect(states).toEqual(whole)
    expect(message).toBe('blinks for 3 s')
  })

  it('setPoint: the value moves to the set point', async () => {
    const { client, readings } = await watch('plant-1/climate-1', 'temperature')
    expect(Math.abs(readings()[0]!.value! - 45)).toBeGreaterThan(5)
    const order = { name: 'setPoint', args: { metric: 'temperature', value: 45 } } as const
    const { states, message } = await command(client, 'plant-1/climate-1', order)
    expect(states).toEqual(whole)
    expect(message).toBe('temperature moves to 45')
    await waitFor(
      () => readings().some(({ value }) => Math.abs((value ?? 0) - 45) < 1),
      'the set point',
      60_000,
    )
  })

  it('what it cannot do fails with its reason', async () => {
    const { client } = await watch('plant-1/climate-2', 'temperature')
    const order = { name: 'setPoint', args: { metric: 'vibration', value: 1 } } as const
    const { states, message } = await command(client, 'plant-1/climate-2', order)
    expect(states).toEqual(['accepted', 'acked', 'failed'])
    expect(message).toBe('a set point is for one of temperature, humidity, co2')
  })
})

const statesOf = (client: ProtocolClient, key: string): CommandState[] =>
  client
    .messages('command')
    .filter((update) => update.key === key && update.id === undefined)
    .map(({ state }) => state)

describe('a device that keeps silent', () => {
  const topic = 'plant-1/silent-1'
  let device: MqttClient
  const heard: { commandId: string }[] = []
  beforeAll(async () => {
    device = await mqtt.connectAsync(system.endpoints.mqtt, {
      clientId: 'silent-1',
      username: 'thing:plant-1/silent-1',
      protocolVersion: 4,
      reconnectPeriod: 0,
    })
    device.on('message', (_, payload) => {
      heard.push(JSON.parse(payload.toString()) as { commandId: string })
    })
    await device.subscribeAsync('cmd/plant-1/silent-1/+', { qos: 1 })
  })
  afterAll(() => device.endAsync())

  // The sweeper comes each minute.
  it('lets a command expire; its last word is true all the same; who may not see the device hears nothing', async () => {
    const user = 'two-tabs'
    const client = await open({ user })
    const narrow = await open({ user, devices: ['plant-1/pump-1'] })
    const order = { key: randomUUID(), topic, name: 'reboot', ttlMs: 1_000 } as const
    const sent = await client.request({ action: 'command', ...order }, 'command')
    await waitFor(() => statesOf(client, order.key).includes('expired'), 'the end', 150_000)
    device.publish(
      `cmd/plant-1/silent-1/${sent.commandId}/result`,
      JSON.stringify({ state: 'done', message: 'at last' }),
      { qos: 1 },
    )
    await waitFor(() => statesOf(client, order.key).includes('done'), 'the last word', 60_000)
    expect(statesOf(client, order.key)).toEqual(['accepted', 'expired', 'done'])
    expect(narrow.messages('command')).toEqual([])
  }, 300_000)

  it('a command that the broker did not answer stays accepted, and its repetition reaches the device', async () => {
    const client = await open()
    const faults = `${system.endpoints.aws}/_gaugeline/faults`
    const rules = [{ seam: 'iotdata.Publish', fault: { kind: 'error' } }]
    const put = await fetch(faults, { method: 'POST', body: JSON.stringify({ rules }) })
    expect(put.status).toBe(200)
    const order = { action: 'command', key: randomUUID(), topic, name: 'identify' } as const
    const first = await client.request(order, 'command')
    expect(first.state).toBe('accepted')
    await fetch(faults, { method: 'DELETE' })
    expect(await client.request(order, 'command')).toMatchObject({
      state: 'sent',
      commandId: first.commandId,
    })
    await waitFor(() => heard.some(({ commandId }) => commandId === first.commandId), 'the command')
  })
})
