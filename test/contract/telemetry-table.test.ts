import { connect } from 'node:net'
import mqttPacket from 'mqtt-packet'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { earliestPosition } from '../../backend/src/protocol/index.ts'
import { connection, START_MS, streamItem } from '../../backend/src/testing/records.ts'
import { createWorld } from '../../backend/src/testing/world.ts'
import { rawConnect } from '../conformance/iot/raw-client.ts'
import { create, startIot, telemetryRule, type IotBench } from '../conformance/iot/support.ts'
import { telemetryTable, type Outcome, type TableRow } from './telemetry-table.ts'

const arn = (resource: string): string => `arn:aws:iot:eu-west-1:000000000000:${resource}`
const THING = '${iot:Connection.Thing.ThingName}'
const SITE = '${iot:Connection.Thing.Attributes[site]}'
/** As the product's: a device is itself and nobody else. */
const DEVICE_POLICY = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Action: 'iot:Connect', Resource: arn(`client/${THING}`) },
    {
      Effect: 'Allow',
      Action: 'iot:Publish',
      Resource: arn(`topic/dt/${SITE}/${THING}/telemetry`),
    },
    {
      Effect: 'Allow',
      Action: 'iot:Subscribe',
      Resource: arn(`topicfilter/cmd/${SITE}/${THING}/*`),
    },
  ],
}

let bench: IotBench
beforeAll(async () => {
  bench = await startIot()
  create(bench.iot, 'AWS::IoT::TopicRule', telemetryRule())
  create(bench.iot, 'AWS::IoT::Policy', { PolicyName: 'device', PolicyDocument: DEVICE_POLICY })
})
afterAll(() => bench.stop())

let serial = 0
const clientOf = async ({ as, connect: how }: TableRow) => {
  // A client id connects once in a second (aws-behaviour I6).
  await bench.clock.advance(1_100)
  return rawConnect(bench.iot.mqttPort(), {
    clientId: how?.clientId ?? (as === 'thing' ? 'd1' : `client-${++serial}`),
    ...(as === 'thing' ? { username: 'thing:plant-1/d1' } : {}),
  })
}

/** Sends what a row says to a real broker, and what reaches the stream to `deliver`. */
async function fateOf(row: TableRow): Promise<Outcome | 'connected'> {
  if (row.bytes) return greet(row.bytes)
  if (row.connect?.version === 5) return greet(connectPacket(5))
  const client = await clientOf(row)
  try {
    const connack = await client.next('connack').catch(() => undefined)
    if (connack?.cmd !== 'connack' || connack.returnCode !== 0) return 'refused'
    if (row.connect) return 'connected'
    const before = bench.puts.length
    if (row.subscribe === undefined) client.write(publishPacket(row))
    else {
      const subscriptions = [{ topic: row.subscribe, qos: 0 as const }]
      client.send({ cmd: 'subscribe', messageId: 1, subscriptions })
    }
    if (row.qos === 2) {
      client.send({ cmd: 'pingreq' })
      await client.next('pingresp')
      const answers = client.received.map((packet) => packet.cmd)
      expect([answers, bench.puts.length]).toEqual([['connack', 'pingresp'], before])
      return 'unanswered'
    }
    const isAnswered = await client.next(row.subscribe === undefined ? 'puback' : 'suback').then(
      () => true,
      () => false,
    )
    const put = bench.puts[before]
    if (!isAnswered) return put ? 'connected' : 'disconnected'
    return put ? await deliver(put.data) : 'unmatched'
  } finally {
    client.destroy()
  }
}

/** What `deliver` makes of a record of the stream: what it puts aside, or what the history holds of it. */
async function deliver(data: Uint8Array): Promise<Outcome> {
  const world = createWorld()
  await world.deliver({ ...streamItem(1, {}), data })
  const record = JSON.parse(Buffer.from(data).toString()) as { topic: string; data: string }
  const [reject] = world.rejects
  if (reject) {
    expect(Buffer.from(reject.original).toString('base64')).toBe(record.data)
    return { rejected: reject.reason }
  }
  const topic = record.topic.split('/').slice(1, 3).join('/')
  const who = connection({ devices: ['#'] })
  const page = await world.ask({ topic, since: earliestPosition(START_MS) }, who)
  const readings = (page.blocks ?? []).flatMap((block) =>
    block.ts.map((_, i) =>
      Object.fromEntries(
        Object.entries(block.metrics).map(([name, column]) => [name, column[i] ?? null]),
      ),
    ),
  )
  return { readings }
}

/** Says something to the broker's port that may be no MQTT: `refused` when it hangs up, or answers with a return code. */
function greet(bytes: Buffer): Promise<'refused' | 'connected'> {
  return new Promise((resolve) => {
    const socket = connect(bench.iot.mqttPort(), '127.0.0.1', () => socket.write(bytes))
    socket.on('data', (answer) => {
      resolve(answer[0] === 0x20 && answer[3] === 0 ? 'connected' : 'refused')
      socket.destroy()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      resolve('refused')
    })
  })
}

function connectPacket(protocolVersion: 4 | 5): Buffer {
  const clientId = `client-${++serial}`
  return mqttPacket.generate({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion,
    clean: true,
    clientId,
    keepalive: 60,
  })
}

/** By hand: a library refuses to write a wildcard. */
function publishPacket({ topic = 'dt/plant-1/d1/telemetry', payload, qos = 1 }: TableRow): Buffer {
  const name = Buffer.from(topic)
  const body = Buffer.concat([
    Buffer.from([name.length >> 8, name.length & 255]),
    name,
    Buffer.from([0, 1]),
    bytesOf(payload ?? { a: 1 }),
  ])
  const length: number[] = []
  for (let rest = body.length; ; rest >>= 7) {
    length.push((rest & 127) | (rest > 127 ? 128 : 0))
    if (rest <= 127) break
  }
  return Buffer.concat([Buffer.from([0x30 | (qos << 1), ...length]), body])
}

function bytesOf(payload: unknown): Uint8Array {
  if (payload instanceof Uint8Array) return payload
  return Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload))
}

describe('what a device or a stranger may send (reliability (c), M)', () => {
  it.each(telemetryTable.map((row) => [`${row.id}: ${row.what} (${row.by})`, row] as const))(
    '%s',
    async (_name, row) => {
      expect(await fateOf(row)).toEqual(row.outcome)
      expect(({} as Record<string, unknown>)['x']).toBeUndefined()
    },
  )

  it('the table has every row of the reference', () => {
    const ids = new Set(telemetryTable.map((row) => row.id))
    const all = Array.from({ length: 39 }, (_, i) => `M${String(i + 1).padStart(2, '0')}`)
    expect([...ids].sort()).toEqual(all)
  })

  it('M37: the same CONNECT in MQTT 3.1.1 is accepted', async () => {
    expect(await greet(connectPacket(4))).toBe('connected')
  })

  it('M38: of 10,000 publishes for new device ids in one second, 100 are taken', async () => {
    const client = await clientOf({ id: 'M38', what: '', by: 'broker', outcome: 'unmatched' })
    await client.next('connack')
    const before = bench.puts.length
    for (let n = 0; n < 10_000; n++) {
      client.write(
        publishPacket({
          id: 'M38',
          what: '',
          by: 'broker',
          outcome: 'unmatched',
          topic: `dt/plant-1/new-${n}/telemetry`,
        }),
      )
    }
    client.send({ cmd: 'pingreq' })
    await client.next('pingresp')
    expect(bench.puts.length - before).toBe(100)
    client.destroy()
  })
})
