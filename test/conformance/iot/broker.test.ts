import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { MqttClient } from 'mqtt'
import { waitFor } from '../../support/wait.ts'
import { rawConnect } from './raw-client.ts'
import type { RawClient } from './raw-client.ts'
import { create, startIot, telemetryRule } from './support.ts'
import type { IotBench } from './support.ts'

const TELEMETRY = 'dt/plant-1/pump-7/telemetry'

describe('the MQTT broker', () => {
  let bench: IotBench
  const raws: RawClient[] = []

  beforeEach(async () => {
    bench = await startIot()
    create(bench.iot, 'AWS::IoT::TopicRule', telemetryRule())
  })
  afterEach(async () => {
    for (const raw of raws.splice(0)) raw.destroy()
    await bench.stop()
  })

  const raw = async (
    clientId: string,
    options: { readonly username?: string; readonly clean?: boolean } = {},
  ): Promise<RawClient> => {
    const client = await rawConnect(bench.iot.mqttPort(), { clientId, ...options })
    raws.push(client)
    return client
  }
  const publish = (qos: 0 | 1 | 2, topic: string, payload: string | Buffer, messageId = 1) =>
    ({ cmd: 'publish', topic, payload, qos, messageId, dup: false, retain: false }) as const
  const messagesOf = (client: MqttClient): string[] => {
    const seen: string[] = []
    client.on('message', (topic, payload) => seen.push(`${topic} ${payload.toString()}`))
    return seen
  }
  const presence = async (): Promise<MqttClient> => bench.connect({ clientId: 'watcher' })
  const metricSum = (name: string): number =>
    bench.metrics
      .filter((datum) => datum.name === name)
      .reduce((sum, datum) => sum + datum.value * (datum.count ?? 1), 0)

  it('IOT-1: a QoS 2 publish gets no answer and reaches nobody', async () => {
    const client = await raw('a')
    await client.next('connack')
    client.send(publish(2, TELEMETRY, '{}', 7), publish(1, TELEMETRY, '{}', 8))
    await client.next('puback')
    expect(client.received.map((packet) => packet.cmd)).toEqual(['connack', 'puback'])
    expect(bench.puts).toHaveLength(1)
  })

  it('IOT-1: a QoS 2 subscription gets no SUBACK', async () => {
    const client = await raw('a')
    await client.next('connack')
    client.send(
      { cmd: 'subscribe', messageId: 3, subscriptions: [{ topic: 'dt/#', qos: 2 }] },
      publish(1, TELEMETRY, '{}', 8),
    )
    await client.next('puback')
    expect(client.received.map((packet) => packet.cmd)).toEqual(['connack', 'puback'])
  })

  it('IOT-2: a payload over 128 KB closes the connection', async () => {
    const client = await raw('a')
    await client.next('connack')
    client.send(publish(1, TELEMETRY, Buffer.alloc(128 * 1024 + 1)))
    await client.closed()
    expect(bench.puts).toHaveLength(0)
  })

  it('IOT-2: a payload of exactly 128 KB is accepted', async () => {
    const client = await raw('a')
    await client.next('connack')
    client.send(publish(1, TELEMETRY, Buffer.alloc(128 * 1024)))
    await client.next('puback')
    expect(bench.puts).toHaveLength(1)
  })

  for (const [what, topic] of [
    ['a topic with eight slashes', 'dt/1/2/3/4/5/6/7/8'],
    ['a topic of 257 bytes', `dt/${'x'.repeat(254)}`],
    ['a topic with a wildcard', 'dt/+/a'],
    ['a reserved topic', '$aws/things/a/shadow/update'],
  ] as const) {
    it(`IOT-3, IOT-16, IOT-17: ${what} closes the connection`, async () => {
      const client = await raw('a')
      await client.next('connack')
      client.send(publish(0, 'dt/a/b', '{}'))
      const bytes = Buffer.from(topic)
      // By hand: a library refuses to write a wildcard.
      const length = 2 + bytes.length + 2
      const header =
        length < 128 ? [0x30, length] : [0x30, (length % 128) | 0x80, Math.floor(length / 128)]
      client.write(
        Buffer.concat([
          Buffer.from([...header, bytes.length >> 8, bytes.length & 255]),
          bytes,
          Buffer.from('{}'),
        ]),
      )
      await client.closed()
    })
  }

  it('IOT-4: a client id over 128 bytes is refused', async () => {
    const client = await raw('x'.repeat(129))
    expect(await client.next('connack')).toMatchObject({ returnCode: 2 })
  })

  it('IOT-5: nine filters in one SUBSCRIBE close the connection', async () => {
    const client = await raw('a')
    await client.next('connack')
    const subscriptions = Array.from({ length: 9 }, (_, index) => ({
      topic: `dt/${index}`,
      qos: 0 as const,
    }))
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions })
    await client.closed()
  })

  it('IOT-6: publishes above 100 in a second are thrown away without an acknowledgement', async () => {
    const client = await raw('a')
    await client.next('connack')
    for (let id = 1; id <= 150; id++) client.send(publish(1, TELEMETRY, '{}', id))
    client.send({ cmd: 'pingreq' })
    await client.next('pingresp')
    expect(bench.puts).toHaveLength(100)
    expect(client.received.filter((packet) => packet.cmd === 'puback')).toHaveLength(100)
    await bench.clock.advance(1000)
    expect(metricSum('PublishIn.Throttle')).toBe(50)
    client.send(publish(1, TELEMETRY, '{}', 200))
    await expect.poll(() => bench.puts.length).toBe(101)
  })

  it('IOT-8: a second connection with the same client id replaces the first', async () => {
    const first = await raw('same')
    await first.next('connack')
    await bench.clock.advance(1000)
    const second = await raw('same')
    expect(await second.next('connack')).toMatchObject({ returnCode: 0 })
    await first.closed()
  })

  it('IOT-6: a client id connects once in a second', async () => {
    const first = await raw('same')
    await first.next('connack')
    const second = await raw('same')
    expect(await second.next('connack')).toMatchObject({ returnCode: 3 })
  })

  it('IOT-9: a refused connection gets return code 7', async () => {
    const client = await raw('a', { username: 'somebody' })
    expect(await client.next('connack')).toMatchObject({ returnCode: 7 })
    await client.closed()
  })

  it('IOT-10: a/# does not match a', async () => {
    const watcher = await bench.connect()
    const seen = messagesOf(watcher)
    await watcher.subscribeAsync('dt/a/#')
    const client = await bench.connect()
    await client.publishAsync('dt/a', '1', { qos: 1 })
    await client.publishAsync('dt/a/b', '2', { qos: 1 })
    await expect.poll(() => seen).toEqual(['dt/a/b 2'])
  })

  it('IOT-11, IOT-12: a retained message goes to an exact filter only, and an empty payload deletes it', async () => {
    const client = await bench.connect()
    await client.publishAsync('cmd/p/d/demand', '3', { qos: 1, retain: true })
    const wild = await bench.connect()
    const seenWild = messagesOf(wild)
    await wild.subscribeAsync('cmd/p/+/demand')
    const exact = await bench.connect()
    const seenExact = messagesOf(exact)
    await exact.subscribeAsync('cmd/p/d/demand')
    await expect.poll(() => seenExact).toEqual(['cmd/p/d/demand 3'])
    expect(seenWild).toEqual([])
    await client.publishAsync('cmd/p/d/demand', '', { qos: 1, retain: true })
    await expect.poll(() => seenExact.length).toBe(2)
    const late = await bench.connect()
    const seenLate = messagesOf(late)
    await late.subscribeAsync('cmd/p/d/demand')
    await late.subscribeAsync('cmd/p/d/other')
    expect(seenLate).toEqual([])
  })

  it('IOT-13: a client with a session gets the QoS 1 messages it missed', async () => {
    const first = await bench.connect({ clientId: 'keeper', clean: false })
    await first.subscribeAsync('cmd/p/keeper/+', { qos: 1 })
    await first.endAsync()
    const client = await bench.connect()
    await client.publishAsync('cmd/p/keeper/1', 'go', { qos: 1 })
    await bench.clock.advance(1000)
    const second = await raw('keeper', { clean: false })
    expect(await second.next('connack')).toMatchObject({ sessionPresent: true })
    expect(await second.next('publish')).toMatchObject({ topic: 'cmd/p/keeper/1' })
  })

  it('IOT-13: after an hour the session is gone', async () => {
    const first = await bench.connect({ clientId: 'keeper', clean: false })
    await first.subscribeAsync('cmd/p/keeper/+', { qos: 1 })
    const watcher = await bench.connect({ clientId: 'watcher' })
    await first.endAsync()
    await watcher.publishAsync('cmd/p/keeper/0', 'sync', { qos: 1 })
    await bench.clock.advance(3_600_000)
    const second = await raw('keeper', { clean: false })
    expect(await second.next('connack')).toMatchObject({ sessionPresent: false })
  })

  it('IOT-13: the hour begins anew with each disconnect', async () => {
    const keep = async (): Promise<MqttClient> =>
      bench.connect({ clientId: 'keeper', clean: false })
    const first = await keep()
    await first.subscribeAsync('cmd/p/keeper/+', { qos: 1 })
    const watcher = await bench.connect({ clientId: 'watcher' })
    const leave = async (client: MqttClient): Promise<void> => {
      await client.endAsync()
      await watcher.publishAsync('cmd/p/nobody/0', 'sync', { qos: 1 })
    }
    await leave(first)
    await bench.clock.advance(3_540_000)
    await leave(await keep())
    await bench.clock.advance(120_000)
    const third = await raw('keeper', { clean: false })
    expect(await third.next('connack')).toMatchObject({ sessionPresent: true })
  })

  it('IOT-13: a session that stays connected for hours after a reconnect is kept', async () => {
    const first = await bench.connect({ clientId: 'keeper', clean: false, keepalive: 1200 })
    await first.subscribeAsync('cmd/p/keeper/+', { qos: 1 })
    const watcher = await bench.connect({ clientId: 'watcher', keepalive: 1200 })
    await first.endAsync()
    await watcher.publishAsync('cmd/p/nobody/0', 'sync', { qos: 1 })
    await bench.clock.advance(1000)
    const second = await raw('keeper', { clean: false })
    expect(await second.next('connack')).toMatchObject({ sessionPresent: true })
    await bench.clock.advance(2 * 3_600_000)
    await watcher.publishAsync('cmd/p/keeper/1', 'go', { qos: 1 })
    expect(await second.next('publish')).toMatchObject({ topic: 'cmd/p/keeper/1' })
  })

  it('IOT-13: what was stored for a session that has ended is not sent to the next one of its id', async () => {
    const first = await bench.connect({ clientId: 'keeper', clean: false })
    await first.subscribeAsync('cmd/p/keeper/+', { qos: 1 })
    const watcher = await bench.connect({ clientId: 'watcher' })
    await first.endAsync()
    for (const text of ['1', '2', '3']) {
      await watcher.publishAsync('cmd/p/keeper/0', text, { qos: 1 })
    }
    await bench.clock.advance(3_600_000)
    const second = await bench.connect({ clientId: 'keeper', clean: false })
    const seen = messagesOf(second)
    await second.subscribeAsync('cmd/p/keeper/+', { qos: 1 })
    await watcher.publishAsync('cmd/p/keeper/0', 'new', { qos: 1 })
    await waitFor(() => seen.length > 0 || undefined, 'a message')
    expect(seen).toEqual(['cmd/p/keeper/0 new'])
  })

  it('IOT-16: an unauthorised subscription closes the connection', async () => {
    const client = await raw('a')
    await client.next('connack')
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '#', qos: 0 }] })
    await client.closed()
  })

  it('IOT-20: the last will is published when the connection is lost', async () => {
    const watcher = await presence()
    const seen = messagesOf(watcher)
    await watcher.subscribeAsync('dt/#')
    const client = await bench.connect({
      will: { topic: 'dt/p/d/will', payload: Buffer.from('gone'), qos: 0, retain: false },
    })
    client.stream.destroy()
    await expect.poll(() => seen).toEqual(['dt/p/d/will gone'])
  })

  it.each([0, 1] as const)(
    'thousands of packets of QoS %i in one chunk are handled one by one, and the connection goes on',
    async (qos) => {
      const watcher = await raw('watcher')
      await watcher.next('connack')
      watcher.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'cmd/#', qos: 1 }] })
      await watcher.next('suback')
      const flood = await raw('flood')
      await flood.next('connack')
      const packets = Array.from({ length: 10_000 }, (_, index) =>
        publish(qos, index % 2 === 0 ? TELEMETRY : 'cmd/a/b', 'x', index + 1),
      )
      flood.send(...packets, { cmd: 'pingreq' })
      await flood.next('pingresp')
      // IOT-6: the first hundred of a second.
      await expect.poll(() => bench.puts.length).toBe(50)
    },
  )

  it('many small packets in one chunk, with a slow subscriber attached, do not overflow the stack', async () => {
    const slow = await raw('slow')
    await slow.next('connack')
    slow.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'dt/#', qos: 1 }] })
    await slow.next('suback')
    const sent = 20
    const floods = await Promise.all(
      Array.from({ length: sent }, (_, index) => raw(`flood-${index}`)),
    )
    await Promise.all(floods.map((flood) => flood.next('connack')))
    for (const flood of floods) {
      const packets = Array.from({ length: 100 }, (_, index) =>
        publish(index % 2 === 0 ? 0 : 1, index % 3 === 0 ? TELEMETRY : 'cmd/a/b', 'x', index + 1),
      )
      flood.send(...packets)
    }
    await expect.poll(() => bench.puts.length).toBe(sent * 34)
  })

  describe('tells the person at the terminal in one line, with the way out,', () => {
    const lines = async (): Promise<readonly string[]> => {
      await waitFor(() => bench.told.length > 0 || undefined, 'a line at the terminal')
      return bench.told
    }

    it.each([
      ['a filter that it may not have', '#', 'may not subscribe to #', 'dt/#'],
      ['a filter that is none', 'dt/#/x', 'dt/#/x: # is the whole last level', ''],
    ])('of %s', async (_, topic, reason, wayOut) => {
      const client = await raw('a')
      await client.next('connack')
      client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 0 }] })
      await client.closed()
      const [line] = await lines()
      expect(line).toContain(`MQTT client a was disconnected, as IoT Core does: `)
      expect(line).toContain(reason)
      expect(line).toContain(wayOut)
    })

    it.each(['/dt/plant-1/a/telemetry', 'test/topic'])('of a publish to %s', async (topic) => {
      const client = await raw('a')
      client.send(publish(0, topic, '{}'))
      await client.closed()
      expect((await lines())[0]).toContain(`may not publish to ${topic}; without a user name`)
    })

    it('of a publish that no rule takes, of QoS 2, and of each once in a minute', async () => {
      const client = await raw('a')
      await client.next('connack')
      for (let again = 0; again < 3; again++) {
        client.send(publish(0, 'dt/plant-1/a/telemetri', '{}'))
        client.send(publish(2, TELEMETRY, '{}', 7))
      }
      client.send({ cmd: 'subscribe', messageId: 9, subscriptions: [{ topic: 'dt/#', qos: 2 }] })
      await waitFor(() => bench.told.length === 3 || undefined, 'three lines')
      expect(bench.told).toEqual([
        expect.stringContaining('reaches no topic rule'),
        expect.stringContaining('asks for QoS 2. Use QoS 0 or 1.'),
        expect.stringContaining('A SUBSCRIBE of MQTT client a gets no answer'),
      ])
      await bench.clock.advance(60_000)
      client.send(publish(2, TELEMETRY, '{}', 8))
      await waitFor(() => bench.told.length === 4 || undefined, 'a fourth line')
    })

    it('of publishes beyond the quota', async () => {
      const client = await raw('a')
      for (let n = 1; n <= 101; n++) client.send(publish(1, TELEMETRY, '{}', n))
      expect((await lines())[0]).toContain('more than 100 a second')
    })

    it('of a user name that names no thing, and of two connects in a second', async () => {
      const first = await raw('a', { username: 'me' })
      expect(await first.next('connack')).toMatchObject({ returnCode: 7 })
      const second = await raw('a')
      expect(await second.next('connack')).toMatchObject({ returnCode: 3 })
      expect(bench.told).toEqual([
        expect.stringContaining('Leave user name and password out'),
        expect.stringContaining('Wait a second'),
      ])
    })
  })

  it('IOT-1: a will with QoS 2 is refused', async () => {
    const will = { topic: TELEMETRY, payload: Buffer.from('{}'), qos: 2 as const, retain: false }
    await expect(
      bench.connect({ clientId: 'a', will, reconnectPeriod: 0, connectTimeout: 5000 }),
    ).rejects.toThrow()
    expect(bench.told).toEqual([expect.stringContaining('its will asks for it')])
  })

  it('IOT-1: MQTT 3.1 is refused with CONNACK 1', async () => {
    await expect(
      bench.connect({
        clientId: 'a',
        protocolId: 'MQIsdp',
        protocolVersion: 3,
        reconnectPeriod: 0,
      }),
    ).rejects.toMatchObject({ code: 1 })
    expect(bench.told[0]).toContain('MQTT 3.1')
  })

  it('a topic that is not valid UTF-8 is not acknowledged and ends the connection', async () => {
    const client = await raw('a')
    const topic = Buffer.concat([
      Buffer.from('dt/plant-1/'),
      Buffer.from([0xc3, 0x28]),
      Buffer.from('/telemetry'),
    ])
    client.send({ ...publish(1, '', '{}'), topic: topic as unknown as string })
    await client.closed()
    expect(bench.puts).toEqual([])
    expect(bench.told).toEqual([expect.stringContaining('not valid UTF-8')])
  })
})
