import type { ServerMessage } from '@gaugeline/backend/protocol'
import mqtt, { type MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ProtocolClient, requestToken } from '../support/client.ts'
import { publishReading } from '../support/devices.ts'
import { readMessageTypes } from '../support/message-types.ts'
import { clientExamples, serverExamples, type ClientExample } from '../support/protocol-examples.ts'
import { sharedSystem, type SharedSystem } from '../support/shared-system.ts'
import { waitFor } from '../support/wait.ts'

/** docs/protocol.md against a running system: what the page lets a client say is said, and what it shows of the server has been sent. */
const PUMP = 'plant-1/pump-7'
let system: SharedSystem
const clients: ProtocolClient[] = []
beforeAll(async () => {
  system = await sharedSystem()
})
afterAll(async () => {
  for (const client of clients) client.socket.terminate()
})

const tokenOf = (user: string): Promise<string> =>
  requestToken(system, { user, roles: ['admin'], devices: ['plant-1/#'] })
async function open(user: string): Promise<ProtocolClient> {
  const client = await ProtocolClient.connect(system.endpoints.websocket, await tokenOf(user))
  clients.push(client)
  return client
}
const recorded = (): ServerMessage[] =>
  clients.flatMap(({ received }) => received.map(({ message }) => message))

let counter = 0
const publish = (device: MqttClient): Promise<void> =>
  publishReading(device, PUMP, {
    ts: Date.now(),
    boot: 'b17',
    n: ++counter,
    metrics: { temperature: 21.5, vibration: 0.12 },
  })
const connectPump = (): Promise<MqttClient> =>
  mqtt.connectAsync(system.endpoints.mqtt, {
    clientId: 'pump-7',
    protocolVersion: 4,
    reconnectPeriod: 0,
  })

/** Readings, a presence and a note, so that an answer has something to show. */
async function live(observer: ProtocolClient): Promise<void> {
  const device = await connectPump()
  await publish(device)
  await publish(device)
  await observer.request({ action: 'sendMessage', topic: PUMP, text: 'bearing replaced' }, 'note')
  const subscriptions = [
    { sid: 7, topic: PUMP, window: { lastMs: 300_000 } },
    { sid: 8, topic: 'plant-1/#', mode: 'latest' as const },
  ]
  const look = () => observer.request({ action: 'subscribe', subscriptions }, 'subscribed')
  await waitFor(async () => {
    const { blocks, states, notes } = await look()
    return blocks.length > 0 && states.some(({ topic }) => topic === PUMP) && notes.length > 0
  }, 'readings, their state and the note')
  await device.endAsync()
  const pump = async () => (await look()).states.find(({ topic }) => topic === PUMP)
  await waitFor(async () => (await pump())?.online === false, 'the device to be offline')
}

/** A page cannot know the token, the time and what an alarm has been through: those members are of the run. */
async function ofThisRun(
  example: ClientExample,
  client: ProtocolClient,
  token: string,
): Promise<ClientExample> {
  if (example.token !== undefined) return { ...example, token }
  if (example.revision === undefined) return example
  const { alarms } = await client.request({ action: 'alarms', op: 'list' }, 'alarms')
  const revision = alarms.find(({ alarm }) => alarm === example.alarm)?.revision ?? -1
  const until = example.until === undefined ? {} : { until: Date.now() + 3_600_000 }
  return { ...example, revision, ...until }
}

/** Sends every client example; what each was answered with, by action. */
async function sendExamples(client: ProtocolClient): Promise<Record<string, string>> {
  const renewal = await tokenOf('ana')
  const answers: Record<string, string> = {}
  for (const example of clientExamples()) {
    // Own requests of the client count from 1: the examples' ids are moved out of their way.
    const id = example.id + 1_000
    const message = { ...(await ofThisRun(example, client, renewal)), id }
    client.socket.send(JSON.stringify(message))
    const { message: answer } = await waitFor(
      () => client.received.find(({ message: got }) => 'id' in got && got.id === id),
      `the answer to ${example.action}`,
    )
    const name = example.op === undefined ? example.action : `${example.action} ${example.op}`
    answers[name] = answer.type === 'error' ? `${answer.code}: ${answer.message}` : answer.type
  }
  return answers
}

/** Pushes that nobody asks for: a device that comes, its readings, and a link that is throttled for a moment. */
async function disturb(observer: ProtocolClient): Promise<void> {
  const device = await connectPump()
  await observer.waitFor('presence', ({ online }) => online, 60_000)
  await waitFor(() => publish(device).then(() => observer.messages('data').length > 0), 'data')
  await device.publishAsync(`dt/${PUMP}/telemetry`, '{"temperature":"21.5"}', { qos: 1 })
  await observer.waitFor('refused', () => true, 60_000)
  const { connectionId } = await observer.request({ action: 'hello' }, 'welcome')
  const rule = {
    seam: 'management.post',
    target: connectionId,
    count: 1,
    fault: { kind: 'throttle' },
  }
  const faults = `${system.endpoints.aws}/_gaugeline/faults`
  await fetch(faults, { method: 'POST', body: JSON.stringify({ rules: [rule] }) })
  await waitFor(
    () =>
      publish(device).then(() =>
        ['gap', 'slow'].every((type) =>
          observer.received.some(({ message }) => message.type === type),
        ),
      ),
    'a gap and what became of the link',
    60_000,
  )
  await device.endAsync()
}

describe('docs/protocol.md and a running system', () => {
  beforeAll(async () => {
    const observer = await open('observer')
    await live(observer)
  })

  it('every client example is answered over a real socket', async () => {
    await open('former-colleague')
    expect(await sendExamples(await open('ana'))).toEqual({
      hello: 'welcome',
      subscribe: 'subscribed',
      unsubscribe: 'unsubscribed',
      history: 'history',
      ping: 'pong',
      command: 'command',
      sendMessage: 'note',
      'alarms list': 'alarms',
      'alarms history': 'alarmHistory',
      'alarms ack': 'alarm',
      'alarms note': 'alarm',
      'alarms shelve': 'alarm',
      'alarms unshelve': 'alarm',
      refresh: 'refreshed',
      revoke: 'revoked',
    })
  })

  it('every member of every server example has been sent, in messages that are as their types say', async () => {
    const [observer, colleague] = clients
    if (!observer || !colleague) throw new Error('the clients were not opened')
    await disturb(observer)
    await colleague.waitFor('goaway', () => true, 60_000)
    const nowMs = Date.now()
    const history = { action: 'history', topic: PUMP, bucketMs: 10_000 } as const
    await observer.request({ ...history, from: nowMs - 600_000, to: nowMs }, 'history')
    await observer.request({ ...history, from: 2_000, to: 1_000 }, 'error')
    const alarm = 'Gaugeline-deliver-errors'
    await observer.request({ action: 'alarms', op: 'history', alarm }, 'alarmHistory')

    const types = readMessageTypes()
    const sent = new Map<string, Set<string>>(types.names.map((name) => [name, new Set()]))
    for (const message of recorded()) {
      const { problems, members } = types.compare(message)
      expect([message.type, problems]).toEqual([message.type, []])
      for (const member of members) sent.get(message.type)?.add(member)
    }
    for (const example of serverExamples()) {
      const { members } = types.compare(example)
      const never = members.filter((member) => !sent.get(example.type)?.has(member))
      expect([example.type, never]).toEqual([example.type, []])
    }
  })

  it('the sentences that it shows are those of the system', () => {
    const shown = serverExamples().flatMap(sentencesIn)
    const said = new Set(recorded().flatMap(sentencesIn))
    expect(shown.length).toBeGreaterThan(1)
    expect(shown.filter((sentence) => !said.has(sentence))).toEqual([])
  })
})

/** What a person reads of an error, a refused subscription or a farewell. */
function sentencesIn(message: object): string[] {
  const { message: sentence, results = [] } = message as {
    readonly message?: string
    readonly results?: readonly { readonly message?: string }[]
  }
  return [sentence, ...results.map((result) => result.message)].filter((one) => one !== undefined)
}
