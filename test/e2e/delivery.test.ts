import type { Block } from '@gaugeline/backend/protocol'
import type { MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ProtocolClient, requestToken } from '../support/client.ts'
import { connectMqtt, publishReading, publishReadings } from '../support/devices.ts'
import { sharedSystem, type SharedSystem } from '../support/shared-system.ts'
import { tableReader } from '../support/tables.ts'
import { waitFor } from '../support/wait.ts'

let system: SharedSystem
let device: MqttClient
const open: ProtocolClient[] = []

async function connect(user: string, role: string, devices: string): Promise<ProtocolClient> {
  const token = await requestToken(system, { user, roles: [role], devices: [devices] })
  const client = await ProtocolClient.connect(system.endpoints.websocket, token)
  open.push(client)
  return client
}

const valuesOf = (blocks: readonly Block[], metric: string): unknown[] =>
  blocks.flatMap((block) => block.metrics[metric] ?? [])

beforeAll(async () => {
  system = await sharedSystem()
  device = await connectMqtt(system.endpoints.mqtt)
})

afterAll(async () => {
  for (const client of open) client.socket.terminate()
  await device.endAsync(true)
})

describe('the path of one reading', () => {
  it('brings what any MQTT client publishes to somebody entitled to it, in order, and to nobody else', async () => {
    const ana = await connect('ana', 'operator', 'plant-1/#')
    const vic = await connect('vic', 'viewer', 'plant-2/#')
    for (const client of [ana, vic]) await client.request({ action: 'hello' }, 'welcome')
    const subscriptions = [{ sid: 1, topic: 'plant-1/my-device', mode: 'complete' as const }]
    const mine = await ana.request({ action: 'subscribe', subscriptions }, 'subscribed')
    expect(mine.results).toMatchObject([{ sid: 1, ok: true, recovered: true }])
    const theirs = await vic.request({ action: 'subscribe', subscriptions }, 'subscribed')
    expect(theirs.results).toMatchObject([{ sid: 1, ok: false, code: 'FORBIDDEN' }])
    await vic.request(
      { action: 'subscribe', subscriptions: [{ sid: 2, topic: 'plant-2/#', mode: 'latest' }] },
      'subscribed',
    )

    const sent = Array.from({ length: 100 }, (_, n) => n / 10)
    await publishReadings(
      device,
      'plant-1/my-device',
      sent.map((temperature) => ({ temperature })),
    )
    await waitFor(
      () =>
        valuesOf(
          ana.messages('data').flatMap((data) => data.blocks),
          'temperature',
        ).length >= sent.length || undefined,
      'all readings',
    )
    const blocks = ana.messages('data').flatMap((data) => data.blocks)
    expect(valuesOf(blocks, 'temperature')).toEqual(sent)
    expect(blocks.slice(1).map((block) => block.prev)).toEqual(
      blocks.slice(0, -1).map((block) => block.position),
    )
    expect(vic.messages('data')).toEqual([])
  })

  it('resumes from a position with everything in between', async () => {
    const first = await connect('ana', 'operator', 'plant-1/#')
    await first.request(
      { action: 'subscribe', subscriptions: [{ sid: 1, topic: 'plant-1/resumer' }] },
      'subscribed',
    )
    await publishReading(device, 'plant-1/resumer', { level: 1 })
    const { blocks } = await first.waitFor('data')
    first.cut()
    for (const level of [2, 3, 4]) await publishReading(device, 'plant-1/resumer', { level })
    const second = await connect('ana', 'operator', 'plant-1/#')
    const answer = await second.request(
      {
        action: 'subscribe',
        subscriptions: [{ sid: 1, topic: 'plant-1/resumer', since: blocks[0]!.position }],
      },
      'subscribed',
    )
    expect(answer.results).toMatchObject([{ ok: true, recovered: true, more: false }])
    const pushed = await waitFor(() => {
      const all = [...answer.blocks, ...second.messages('data').flatMap((data) => data.blocks)]
      return valuesOf(all, 'level').length >= 3 ? all : undefined
    }, 'the missed readings')
    expect([...new Set(valuesOf(pushed, 'level'))]).toEqual([2, 3, 4])
    expect(pushed[0]!.prev).toBe(blocks[0]!.position)
  })

  it('removes the rows of a socket that was cut without a close frame, on the next push', async () => {
    const rows = tableReader(system.endpoints)
    const client = await connect('cut-user', 'viewer', 'plant-1/#')
    const { connectionId } = await client.request({ action: 'hello' }, 'welcome')
    const subscriptions = Array.from({ length: 30 }, (_, sid) => ({
      sid,
      topic: 'plant-1/cut-device',
    }))
    await client.request({ action: 'subscribe', subscriptions }, 'subscribed')
    // Tombstones stay for a while: they keep a `$connect` that comes late from leaving a zombie.
    const isTombstone = (row: Record<string, unknown>): boolean =>
      'closedAt' in row || row['closed'] === true
    const mine = async (): Promise<number> => {
      const all = [...(await rows('Connections')), ...(await rows('Subscriptions'))]
      return all.filter(
        (row) => JSON.stringify([row['pk'], row['sk']]).includes(connectionId) && !isTombstone(row),
      ).length
    }
    expect(await mine()).toBeGreaterThanOrEqual(30)
    // `$disconnect` is best effort (APIGW-92): here it never comes, and only the 410 of a push tells.
    const faults = `${system.endpoints.aws}/_gaugeline/faults`
    const rule = { seam: 'gateway.disconnect', fault: { kind: 'drop' } }
    await fetch(faults, { method: 'POST', body: JSON.stringify({ rules: [rule] }) })
    client.cut()
    await waitFor(
      async () => {
        await publishReading(device, 'plant-1/cut-device', { level: 1 })
        return (await mine()) === 0 || undefined
      },
      'the rows to go',
      30_000,
    )
    await fetch(faults, { method: 'DELETE' })
  })
})

describe('the handshake', () => {
  it('is refused with 401 without a token that verifies', async () => {
    await expect(ProtocolClient.connect(system.endpoints.websocket, 'a.b.c')).rejects.toThrow('401')
  })

  it('is refused from an origin that is not on the allow-list', async () => {
    const token = await requestToken(system, { user: 'ana', devices: ['#'] })
    await expect(
      ProtocolClient.connect(system.endpoints.websocket, token, { Origin: 'https://evil.example' }),
    ).rejects.toThrow('403')
  })
})
