import { setTimeout as sleep } from 'node:timers/promises'
import type { MqttClient } from 'mqtt'
import { telemetryTopic } from '@gaugeline/backend/protocol'
import type { FaultRule } from '../../infra/local/platform/faults.ts'
import { ProtocolClient, requestToken } from '../support/client.ts'
import { connectMqtt, publishReading } from '../support/devices.ts'
import { startSystem, type RunningSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'
import { quantile, type Row } from './table.ts'

const sockets = Number(process.env['GAUGELINE_NEIGHBOURS_SOCKETS'] ?? 100)
const seconds = Number(process.env['GAUGELINE_NEIGHBOURS_SECONDS'] ?? 20)
const devices = 10
/** Issue 3, line 8. */
const MOST_RATIO = 1.2
const MOST_POISON_DELAY_MS = 2_000
const SOCKETS_PER_USER = 10

interface House {
  readonly system: RunningSystem
  readonly clients: readonly ProtocolClient[]
  readonly mqtt: MqttClient
}

/**
 * What 99 of 100 people notice of the one beside them: their p99 (reading's time → their client) with a victim in trouble against the same
 * without. Then poison on the stream: how much later the good readings behind it come.
 */
export async function neighbours(): Promise<Row[]> {
  const house = await openHouse()
  try {
    await measure(house, 3)
    const baseline = await measure(house, seconds)
    const victim = house.clients[0]
    if (!victim) throw new Error('no sockets')
    const { connectionId } = await victim.request({ action: 'hello', client: 'bench' }, 'welcome')
    const post = { seam: 'management.post', target: connectionId }
    victim.socket.pause()
    const stalled = await measure(house, seconds)
    victim.socket.resume()
    const slow = await withFault(house, { ...post, fault: { kind: 'delay', ms: 3_000 } })
    const throttled = await withFault(house, { ...post, fault: { kind: 'throttle' } })
    const single = await poisonDelay(house, { poison: 1, good: 999 })
    const only = await poisonDelay(house, { poison: 500, good: 1 })
    const row = (figure: string, value: number): Row => {
      return { figure, value, unit: 'ms', against: '1.2 × baseline', limit: baseline * MOST_RATIO }
    }
    const delay = (figure: string, value: number): Row => {
      return { figure, value, unit: 'ms', against: 'issue', limit: MOST_POISON_DELAY_MS }
    }
    return [
      row('others’ p99, nobody in trouble', baseline),
      row('others’ p99, one socket stalled', stalled),
      row('others’ p99, one answered after 3 s', slow),
      row('others’ p99, one throttled (429)', throttled),
      delay('one poison in a thousand, last good reading', single),
      delay('500 poisons, the good reading behind', only),
    ]
  } finally {
    for (const client of house.clients) client.cut()
    await house.mqtt.endAsync()
    await house.system.stop()
  }
}

const topicOf = (index: number): string => `plant-1/bench-${index % devices}`

async function openHouse(): Promise<House> {
  const system = await startSystem()
  const clients: ProtocolClient[] = []
  for (let index = 0; index < sockets; index++) {
    const user = `bench-${Math.floor(index / SOCKETS_PER_USER)}`
    const token = await requestToken(system, { user })
    const client = await ProtocolClient.connect(system.endpoints.websocket, token)
    const subscriptions = [{ sid: 1, topic: topicOf(index) }]
    await client.request({ action: 'subscribe', subscriptions }, 'subscribed')
    clients.push(client)
  }
  return { system, clients, mqtt: await connectMqtt(system.endpoints.mqtt) }
}

/** Every device once a second; resolves with the p99 over all but the first socket. */
async function measure({ clients, mqtt }: House, forSeconds: number): Promise<number> {
  const boot = String(Date.now())
  const startedMs = Date.now()
  const from = clients.map((client) => client.received.length)
  for (let index = 0; index < devices * forSeconds; index++) {
    const reading = { ts: Date.now(), boot, n: Math.floor(index / devices), metrics: { value: 1 } }
    void publishReading(mqtt, topicOf(index), reading)
    await sleep(Math.max(0, startedMs + (index + 1) * (1_000 / devices) - Date.now()))
  }
  const delaysOf = (index: number): number[] =>
    (clients[index]?.received.slice(from[index]) ?? []).flatMap(({ atMs, message }) =>
      message.type === 'data'
        ? message.blocks.flatMap((block) =>
            block.boot === boot ? block.ts.map((ts) => atMs - ts) : [],
          )
        : [],
    )
  const others = clients.map((_, index) => index).slice(1)
  const expected = others.length * forSeconds
  const all = (): number[] => others.flatMap(delaysOf)
  await waitFor(() => all().length >= expected || undefined, `${expected} readings`, 60_000)
  return quantile(all(), 0.99)
}

async function withFault(house: House, rule: FaultRule): Promise<number> {
  const url = `${house.system.endpoints.aws}/_gaugeline/faults`
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify({ rules: [rule] }) })
  if (!answer.ok) throw new Error(`fault refused: ${await answer.text()}`)
  try {
    return await measure(house, seconds)
  } finally {
    await fetch(url, { method: 'DELETE' })
  }
}

/** Poison first, the good ones behind it at once; milliseconds until the last good one is with a client that watches its device. */
async function poisonDelay(
  { clients, mqtt }: House,
  { poison, good }: { readonly poison: number; readonly good: number },
): Promise<number> {
  // The second device; its second socket is nobody's victim.
  const topic = topicOf(1)
  const client = clients[1]
  if (!client) throw new Error('two sockets at least')
  const boot = `poison-${Date.now()}`
  const [site = '', device = ''] = topic.split('/')
  // The broker takes 100 publishes a second of one connection: throttled ones would measure the broker.
  const pace = async (index: number): Promise<void> => {
    if (index % 90 === 89) await sleep(1_000)
  }
  for (let index = 0; index < poison; index++) {
    await mqtt.publishAsync(telemetryTopic(site, device), `{"poison":`, { qos: 1 })
    await pace(index)
  }
  let lastMs = Date.now()
  for (let n = 0; n < good; n++) {
    lastMs = Date.now()
    await publishReading(mqtt, topic, { ts: lastMs, boot, n, metrics: { value: n } })
    await pace(n)
  }
  const arrived = await waitFor(
    () =>
      client.received.find(
        ({ message }) =>
          message.type === 'data' &&
          message.blocks.some((block) => block.boot === boot && block.n?.includes(good - 1)),
      ),
    'the last good reading',
    60_000,
  )
  return arrived.atMs - lastMs
}
