import { demandTopic, type DemandMessage } from '@gaugeline/backend/protocol'
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { MqttClient } from 'mqtt'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startSystem, type System } from '../../infra/local/system.ts'
import { ProtocolClient } from '../support/client.ts'
import { connectMqtt, publishReading } from '../support/devices.ts'
import { synthesizeInto } from '../support/synthesize.ts'
import { waitFor } from '../support/wait.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'gaugeline-demand-'))
const localKey = 'key-of-the-test'
let system: System
const clients: ProtocolClient[] = []
const devices: MqttClient[] = []
const fleets: ChildProcess[] = []

beforeAll(async () => {
  system = await startSystem({
    cdkOut: synthesizeInto(join(directory, 'cdk.out'), { demandMessages: 'true' }),
    localKey,
  })
}, 240_000)
afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.terminate()
  for (const device of devices.splice(0)) await device.endAsync()
  for (const child of fleets.splice(0)) child.kill('SIGTERM')
})
afterAll(async () => {
  await system.stop()
  rmSync(directory, { recursive: true, force: true })
})

async function open(user: string): Promise<ProtocolClient> {
  const { issuer, websocket } = system.endpoints
  const answer = await fetch(`${issuer}/local/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-gaugeline-key': localKey },
    body: JSON.stringify({ user, roles: ['viewer'], devices: ['plant-1/#'], expiresIn: 600 }),
  })
  const { token } = (await answer.json()) as { token: string }
  const client = await waitFor(
    () => ProtocolClient.connect(websocket, token).catch(() => undefined),
    'a socket',
    60_000,
  )
  clients.push(client)
  return client
}

const watch = (client: ProtocolClient, topic: string) =>
  client.request({ action: 'subscribe', subscriptions: [{ sid: 1, topic }] }, 'subscribed')

/** A device that listens to how many watch it; `told` is the newest count. */
async function listen(
  device: string,
): Promise<{ mqtt: MqttClient; told: () => DemandMessage | undefined }> {
  const mqtt = await connectMqtt(system.endpoints.mqtt)
  devices.push(mqtt)
  const messages: DemandMessage[] = []
  mqtt.on('message', (_, payload) => messages.push(JSON.parse(payload.toString()) as DemandMessage))
  await mqtt.subscribeAsync(demandTopic('plant-1', device), { qos: 1 })
  return { mqtt, told: () => messages.toSorted((a, b) => a.at - b.at).at(-1) }
}

describe('a device is told how many watch it', () => {
  it('by its first reading, and then at once as they subscribe and leave: 0, 1, 2, 1, 0', async () => {
    const { mqtt, told } = await listen('gauge-1')
    const untilTold = (watchers: number) =>
      waitFor(() => told()?.watchers === watchers, `${watchers} watchers`, 60_000)
    await publishReading(mqtt, 'plant-1/gauge-1', { level: 1 })
    await untilTold(0)
    const [ana, bea] = [await open('ana'), await open('bea')]
    await watch(ana, 'plant-1/gauge-1')
    await untilTold(1)
    await watch(bea, 'plant-1/gauge-1')
    await untilTold(2)
    await ana.request({ action: 'unsubscribe', sids: [1] }, 'unsubscribed')
    await untilTold(1)
    bea.cut()
    await untilTold(0)
  }, 180_000)

  it('also when it connects later: the last count waits for it', async () => {
    const client = await open('cleo')
    await watch(client, 'plant-1/gauge-2')
    const { told } = await listen('gauge-2')
    expect(await waitFor(told, 'what was retained', 60_000)).toMatchObject({ watchers: 1 })
  }, 120_000)
})

/** Starts a scenario's devices in a process of their own. */
function simulate(scenario: string): void {
  const file = join(directory, 'scenario.yaml')
  writeFileSync(file, scenario)
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', 'simulator/src/main.ts', 'run', file, '--mqtt', system.endpoints.mqtt],
    { cwd: root, stdio: 'ignore' },
  )
  fleets.push(child)
}

const fleet = (name: string, demand: string): string => `
  ${name}:
    profile: pump
    site: plant-1
    count: 1
    id: "${name}-{index}"
    interval: 100ms
    jitter: 0ms
${demand}`

/** Counts the messages that devices publish. */
async function countMessages(): Promise<(device: string) => number> {
  const mqtt = await connectMqtt(system.endpoints.mqtt)
  devices.push(mqtt)
  const counts = new Map<string, number>()
  mqtt.on('message', (topic) => counts.set(topic, (counts.get(topic) ?? 0) + 1))
  await mqtt.subscribeAsync('dt/plant-1/+/telemetry', { qos: 1 })
  return (device) => counts.get(`dt/plant-1/${device}/telemetry`) ?? 0
}

describe('a device of the simulator with `demand`', () => {
  it('slows down while nobody watches, and is as fast as another one as soon as somebody does', async () => {
    const messages = await countMessages()
    /** A time in which the other device, which does not care, sent 20 readings and this one so many. */
    const rateBecomes = (fits: (count: number) => boolean, what: string) => {
      let start: { idle: number; steady: number } | undefined
      return waitFor(
        () => {
          start ??= { idle: messages('idle-1'), steady: messages('steady-1') }
          if (messages('steady-1') < start.steady + 20) return undefined
          const count = messages('idle-1') - start.idle
          start = undefined
          return fits(count) || undefined
        },
        what,
        60_000,
      )
    }
    simulate(
      `version: 1\nname: demand\nfleets:${fleet('steady', '')}${fleet('idle', '    demand: { idleInterval: 1h }')}`,
    )
    await rateBecomes(
      (count) => messages('idle-1') > 0 && count === 0,
      'silence while nobody watches',
    )
    const client = await open('dora')
    await watch(client, 'plant-1/idle-1')
    await rateBecomes((count) => count >= 10, 'readings while somebody watches')
    await client.waitFor('data')
    await client.request({ action: 'unsubscribe', sids: [1] }, 'unsubscribed')
    await rateBecomes((count) => count === 0, 'silence after the last one left')
  }, 240_000)
})
