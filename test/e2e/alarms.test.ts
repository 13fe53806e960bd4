import { CloudWatchClient, SetAlarmStateCommand } from '@aws-sdk/client-cloudwatch'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ProtocolClient, requestToken } from '../support/client.ts'
import { connectMqtt, publishReading } from '../support/devices.ts'
import { sharedSystem, type SharedSystem } from '../support/shared-system.ts'
import { waitFor } from '../support/wait.ts'

let system: SharedSystem
const clients: ProtocolClient[] = []
beforeAll(async () => {
  system = await sharedSystem()
})
afterEach(() => {
  for (const client of clients.splice(0)) client.socket.terminate()
})

/** A client that, as any, tries again when the handshake is refused: on a busy machine the first look at the issuer's keys may be too slow. */
async function open(person: {
  user: string
  roles?: readonly string[]
  devices?: readonly string[]
}): Promise<ProtocolClient> {
  const token = await requestToken(system, person)
  const client = await waitFor(
    () => ProtocolClient.connect(system.endpoints.websocket, token).catch(() => undefined),
    'a socket',
    60_000,
  )
  clients.push(client)
  return client
}

describe('an alarm', () => {
  it('changes state, is pushed to who watches, acknowledged by one, shelved and unshelved', async () => {
    const one = await open({ user: 'anna' })
    const two = await open({ user: 'ben' })
    const { alarms } = await one.request({ action: 'alarms', op: 'list' }, 'alarms')
    await two.request({ action: 'alarms', op: 'list' }, 'alarms')
    const { alarm } = alarms.find((view) => view.title === 'zombie-rows')!
    await setState(alarm, 'ALARM', 'set by a test')
    const pushed = await Promise.all(
      [one, two].map((client) =>
        client.waitFor('alarm', ({ alarm: view }) => view.reason === 'set by a test', 60_000),
      ),
    )
    expect(pushed[0]).toMatchObject({ alarm: { alarm, state: 'ALARM' } })
    const seen = { action: 'alarms', alarm, revision: pushed[0]!.alarm.revision } as const

    const acked = await one.request({ ...seen, op: 'ack', text: 'on it' }, 'alarm')
    expect(acked.alarm).toMatchObject({ acknowledgedBy: 'anna', revision: seen.revision + 1 })
    const again = await one.request({ ...seen, op: 'ack', text: 'on it' }, 'alarm')
    expect(again.alarm.revision).toBe(acked.alarm.revision)
    const refused = await two.request({ ...seen, op: 'ack' }, 'error')
    expect(refused.code).toBe('REVISION_CONFLICT')
    const current = two.messages('alarm').filter((push) => push.id === undefined)
    expect(current.at(-1)!.alarm).toMatchObject({ acknowledgedBy: 'anna' })

    const until = Date.now() + 3_600_000
    const shelve = { ...seen, op: 'shelve', revision: acked.alarm.revision, until } as const
    const shelved = await two.request(shelve, 'alarm')
    expect(shelved.alarm).toMatchObject({ shelvedUntil: until, shelvedBy: 'ben' })
    const unshelve = { ...seen, op: 'unshelve', revision: shelved.alarm.revision } as const
    const { alarm: free } = await two.request(unshelve, 'alarm')
    expect(free).not.toHaveProperty('shelvedUntil')
    const { entries } = await one.request(
      { action: 'alarms', op: 'history', alarm },
      'alarmHistory',
    )
    expect(entries.map(({ kind }) => kind).slice(0, 4)).toEqual([
      'unshelve',
      'shelve',
      'ack',
      'state',
    ])
  })
})

async function setState(
  AlarmName: string,
  StateValue: 'ALARM',
  StateReason: string,
): Promise<void> {
  const { aws: endpoint, region } = system.endpoints
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const client = new CloudWatchClient({ endpoint, region, credentials })
  await client.send(new SetAlarmStateCommand({ AlarmName, StateValue, StateReason }))
  client.destroy()
}

describe('a note', () => {
  it('comes back with the history and the snapshot to who may see its device, to nobody else', async () => {
    const device = await connectMqtt(system.endpoints.mqtt)
    for (const topic of ['noted-a/noted-1', 'noted-b/noted-2']) {
      await publishReading(device, topic, { temperature: 20 })
    }
    await device.endAsync()
    const from = Date.now() - 60_000
    const writer = await open({ user: 'writer', devices: ['noted-a/#'] })
    const foreign = await open({ user: 'foreign', devices: ['noted-b/#'] })
    const subscription = (topic: string) => ({ sid: 1, topic, window: { lastMs: 600_000 } })
    const site = [{ sid: 2, topic: 'noted-b/#', mode: 'latest' as const }]
    await foreign.request({ action: 'subscribe', subscriptions: site }, 'subscribed')
    const text = 'bearing replaced'
    await writer.request({ action: 'sendMessage', topic: 'noted-a/#', text }, 'note')
    // Of the same sender, later: once the second note is there, the first would have been.
    const both = await open({ user: 'both', devices: ['noted-a/#', 'noted-b/#'] })
    await both.request({ action: 'sendMessage', topic: 'noted-b/noted-2', text: 'yours' }, 'note')
    await foreign.waitFor('note', ({ note }) => note.text === 'yours', 60_000)
    expect(foreign.messages('note').map(({ note }) => note.text)).toEqual(['yours'])

    const history = { action: 'history', from, to: Date.now() + 60_000 } as const
    const reader = await open({ user: 'reader', roles: ['viewer'], devices: ['noted-a/#'] })
    const mine = await reader.request({ ...history, topic: 'noted-a/noted-1' }, 'history')
    expect(mine.notes).toMatchObject([{ text, by: 'writer' }])
    const snapshot = await reader.request(
      { action: 'subscribe', subscriptions: [subscription('noted-a/noted-1')] },
      'subscribed',
    )
    expect(snapshot.notes).toMatchObject([{ text }])

    const theirs = await foreign.request({ ...history, topic: 'noted-b/noted-2' }, 'history')
    expect(theirs.notes).toMatchObject([{ text: 'yours' }])
    const refused = await foreign.request({ ...history, topic: 'noted-a/noted-1' }, 'error')
    expect(refused.code).toBe('FORBIDDEN')
  })

  it('to the whole fleet is kept, and reaches who watches any part of it', async () => {
    const device = await connectMqtt(system.endpoints.mqtt)
    await publishReading(device, 'plant-2/noted-3', { temperature: 20 })
    await device.endAsync()
    const watcher = await open({ user: 'watcher', devices: ['plant-2/#'] })
    const subscriptions = [{ sid: 3, topic: 'plant-2/#', mode: 'latest' as const }]
    await watcher.request({ action: 'subscribe', subscriptions }, 'subscribed')
    const writer = await open({ user: 'fleet-writer', devices: ['#'] })
    const text = 'maintenance at noon'
    await writer.request({ action: 'sendMessage', topic: '#', text }, 'note')
    await watcher.waitFor('note', ({ note }) => note.text === text, 60_000)
  })
})
