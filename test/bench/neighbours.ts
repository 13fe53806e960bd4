import {
  ApiGatewayManagementApiClient,
  LimitExceededException,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MqttClient } from 'mqtt'
import type { FaultRule } from '../../infra/local/platform/faults.ts'
import { ProtocolClient, requestToken } from '../support/client.ts'
import { connectMqtt, publishReading } from '../support/devices.ts'
import { startSystem, type RunningSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'
import { developer, poisonRows } from './poison.ts'
import { quantile, type Row } from './table.ts'

const sockets = Number(process.env['GAUGELINE_NEIGHBOURS_SOCKETS'] ?? 100)
const seconds = Number(process.env['GAUGELINE_NEIGHBOURS_SECONDS'] ?? 20)
const devices = 10
/** Issue 3, line 8. */
const MOST_RATIO = 1.2
const SOCKETS_PER_USER = 10
/** The gateway keeps 1 MiB; the rest is in the kernel's buffers of a loopback socket's two ends, 4 and 6 MiB at most. */
const MOST_QUEUED_MIB = 12

interface House {
  readonly system: RunningSystem
  readonly clients: readonly ProtocolClient[]
  readonly mqtt: MqttClient
}

/**
 * What 99 of 100 people notice of the one beside them: their p99 (reading's time → their client) with a victim in trouble against the same
 * without, both taken twice in turns, so that the machine's moods fall on both. How much a victim's queue takes. Then poison on the stream.
 */
export async function neighbours(): Promise<Row[]> {
  const house = await openHouse()
  try {
    await measure(house, 3)
    const [victim, witness] = house.clients
    if (!victim || !witness) throw new Error('two sockets at least')
    const { connectionId } = await victim.request({ action: 'hello', client: 'bench' }, 'welcome')
    const post = { seam: 'management.post', target: connectionId }
    const stalled = await inTurns(house, () => {
      victim.socket.pause()
      return () => victim.socket.resume()
    })
    const slow = await inTurns(house, () =>
      startFault(house, { ...post, fault: { kind: 'delay', ms: 3_000 } }),
    )
    const throttled = await inTurns(house, () =>
      startFault(house, { ...post, fault: { kind: 'throttle' } }),
    )
    victim.socket.pause()
    const queued = await fillQueue(house, connectionId)
    const full = await inTurns(house, () => undefined, stalled.baselineMs)
    victim.cut()
    return [
      ratioRow('others’ p99, one socket stalled', stalled),
      ratioRow('others’ p99, one answered after 3 s', slow),
      ratioRow('others’ p99, one throttled (429)', throttled),
      {
        figure: 'victim’s queue, accepted until 429',
        value: queued / 2 ** 20,
        unit: 'MiB',
        against: 'gateway’s buffer, and the kernel’s',
        limit: MOST_QUEUED_MIB,
      },
      ratioRow('others’ p99, that socket refusing', full),
      ...(await poisonRows(house.system.endpoints, witness, topicOf(1))),
    ]
  } finally {
    for (const client of house.clients) client.cut()
    await house.mqtt.endAsync()
    await house.system.stop()
  }
}

interface Turns {
  readonly baselineMs: number
  readonly troubledMs: number
}

/** Half of the time each, in the order without, with, without, with. `knownMs`: a baseline for trouble that cannot be ended. */
async function inTurns(
  house: House,
  begin: () => undefined | (() => unknown) | Promise<() => unknown>,
  knownMs?: number,
): Promise<Turns> {
  const baseline: number[] = []
  const troubled: number[] = []
  for (let turn = 0; turn < 2; turn++) {
    if (knownMs === undefined) baseline.push(...(await measure(house, seconds / 2)))
    const end = await begin()
    troubled.push(...(await measure(house, seconds / 2)))
    await end?.()
  }
  const p99 = (values: readonly number[]): number => quantile(values, 0.99)
  return { baselineMs: knownMs ?? p99(baseline), troubledMs: p99(troubled) }
}

function ratioRow(figure: string, { baselineMs, troubledMs }: Turns): Row {
  const limit = baselineMs * MOST_RATIO
  return { figure, value: troubledMs, unit: 'ms', against: '1.2 × baseline', limit }
}

/** Bytes that the gateway takes for a socket that is not read, until it refuses. */
async function fillQueue({ system }: House, connectionId: string): Promise<number> {
  const { management, region } = system.endpoints
  const client = new ApiGatewayManagementApiClient({
    endpoint: management,
    region,
    credentials: developer,
    maxAttempts: 1,
  })
  const Data = Buffer.from(JSON.stringify({ type: 'filler', text: 'x'.repeat(120_000) }))
  try {
    for (let bytes = 0; bytes < 2 * MOST_QUEUED_MIB * 2 ** 20; bytes += Data.length) {
      const command = new PostToConnectionCommand({ ConnectionId: connectionId, Data })
      const isTaken = await client.send(command).then(
        () => true,
        (error: unknown) => {
          if (error instanceof LimitExceededException) return false
          throw error
        },
      )
      if (!isTaken) return bytes
    }
    return Infinity
  } finally {
    client.destroy()
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

/** Every device once a second; resolves with the delay of each reading at all but the first socket. */
async function measure({ clients, mqtt }: House, forSeconds: number): Promise<number[]> {
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
  return all()
}

async function startFault(house: House, rule: FaultRule): Promise<() => Promise<unknown>> {
  const url = `${house.system.endpoints.aws}/_gaugeline/faults`
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify({ rules: [rule] }) })
  if (!answer.ok) throw new Error(`fault refused: ${await answer.text()}`)
  return () => fetch(url, { method: 'DELETE' })
}
