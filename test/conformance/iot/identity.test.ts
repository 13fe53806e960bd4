import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { MqttClient } from 'mqtt'
import { create, startIot, telemetryRule } from './support.ts'
import type { IotBench } from './support.ts'

const arn = (resource: string): string => `arn:aws:iot:eu-west-1:000000000000:${resource}`
const THING = '${iot:Connection.Thing.ThingName}'
const SITE = '${iot:Connection.Thing.Attributes[site]}'

/** The policy of the product: a device is itself and nobody else. */
const DEVICE_POLICY = {
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Action: 'iot:Connect',
      Resource: arn(`client/${THING}`),
      Condition: { Bool: { 'iot:Connection.Thing.IsAttached': 'true' } },
    },
    {
      Effect: 'Allow',
      Action: 'iot:Publish',
      Resource: [
        arn(`topic/dt/${SITE}/${THING}/telemetry`),
        arn(`topic/cmd/${SITE}/${THING}/*/result`),
      ],
    },
    {
      Effect: 'Allow',
      Action: 'iot:Subscribe',
      Resource: arn(`topicfilter/cmd/${SITE}/${THING}/*`),
    },
    { Effect: 'Allow', Action: 'iot:Receive', Resource: arn(`topic/cmd/${SITE}/${THING}/*`) },
  ],
}

interface PresenceEvent {
  readonly clientId: string
  readonly eventType: string
  readonly versionNumber: number
  readonly sessionIdentifier: string
  readonly principalIdentifier: string
  readonly ipAddress?: string
  readonly disconnectReason?: string
  readonly clientInitiatedDisconnect?: boolean
}

describe('things and their policy', () => {
  let bench: IotBench

  beforeEach(async () => {
    bench = await startIot()
    create(bench.iot, 'AWS::IoT::TopicRule', telemetryRule())
    create(bench.iot, 'AWS::IoT::TopicRule', {
      ...telemetryRule({
        Sql: "SELECT 'presence' AS kind, topic() AS topic, encode(*, 'base64') AS data FROM '$aws/events/presence/+/+'",
      }),
      RuleName: 'Presence',
    })
    create(bench.iot, 'AWS::IoT::Policy', { PolicyName: 'device', PolicyDocument: DEVICE_POLICY })
  })
  afterEach(() => bench.stop())

  const thing = (name: string, clientId = name): Promise<MqttClient> =>
    bench.connect({ clientId, username: `thing:plant-1/${name}` })
  const records = (kind: string): Record<string, string>[] =>
    bench.puts
      .map((put) => JSON.parse(put.data.toString()) as Record<string, string>)
      .filter((record) => record.kind === kind)
  const presenceOf = (clientId: string): PresenceEvent[] =>
    records('presence')
      .map((record) => JSON.parse(Buffer.from(record.data!, 'base64').toString()) as PresenceEvent)
      .filter((event) => event.clientId === clientId)

  it('IOT-22, IOT-25: a thing publishes its own telemetry', async () => {
    const client = await thing('pump-7')
    await client.publishAsync('dt/plant-1/pump-7/telemetry', '{}', { qos: 1 })
    expect(records('telemetry')).toHaveLength(1)
  })

  for (const topic of [
    'dt/plant-1/pump-8/telemetry',
    'dt/plant-2/pump-7/telemetry',
    'cmd/plant-1/pump-7/1',
  ]) {
    it(`IOT-16: a thing that publishes to ${topic} is disconnected and nothing is stored`, async () => {
      const client = await thing('pump-7')
      client.publish(topic, '{}', { qos: 1 })
      await expect.poll(() => client.connected).toBe(false)
      expect(records('telemetry')).toHaveLength(0)
      await expect.poll(() => presenceOf('pump-7').at(-1)?.disconnectReason).toBe('AUTH_ERROR')
    })
  }

  it('IOT-25: with a client id that is not the thing name nothing is allowed', async () => {
    await expect(thing('pump-7', 'pump-8')).rejects.toThrow(/refused/i)
  })

  it('IOT-23: the policy allows the filter below its own commands and refuses the one of everybody', async () => {
    const client = await thing('pump-7')
    await client.subscribeAsync('cmd/plant-1/pump-7/+')
    client.subscribe('cmd/plant-1/+/+')
    await expect.poll(() => client.connected).toBe(false)
  })

  it('IOT-18: presence tells of connect and disconnect with one version number and session', async () => {
    const client = await thing('pump-7')
    await expect.poll(() => presenceOf('pump-7')).toHaveLength(1)
    await client.endAsync()
    await expect.poll(() => presenceOf('pump-7')).toHaveLength(2)
    const [connected, disconnected] = presenceOf('pump-7')
    expect(connected).toMatchObject({ eventType: 'connected', versionNumber: 0 })
    expect(connected?.ipAddress).toContain('127.0.0.1')
    expect(disconnected).toMatchObject({
      eventType: 'disconnected',
      versionNumber: 0,
      sessionIdentifier: connected?.sessionIdentifier,
      clientInitiatedDisconnect: true,
      disconnectReason: 'CLIENT_INITIATED_DISCONNECT',
    })
    expect(disconnected).not.toHaveProperty('ipAddress')
    expect(records('presence')[0]!.topic).toBe('$aws/events/presence/connected/pump-7')
  })

  it('IOT-18: the version number rises and is back at 0 after an hour offline', async () => {
    const versions: number[] = []
    for (const waitMs of [1000, 3_600_001, 0]) {
      const client = await thing('pump-7')
      const seen = presenceOf('pump-7').length
      await client.endAsync()
      await expect.poll(() => presenceOf('pump-7').length).toBeGreaterThan(seen)
      await expect.poll(() => presenceOf('pump-7').at(-1)?.eventType).toBe('disconnected')
      versions.push(presenceOf('pump-7').at(-1)!.versionNumber)
      await bench.clock.advance(waitMs)
    }
    expect(versions).toEqual([0, 1, 0])
  })

  it('IOT-19: a lost connection and a replaced one have their own reasons', async () => {
    const lost = await thing('pump-7')
    lost.stream.destroy()
    await expect.poll(() => presenceOf('pump-7').at(-1)?.disconnectReason).toBe('CONNECTION_LOST')
    await bench.clock.advance(1000)
    await thing('pump-7')
    await bench.clock.advance(1000)
    await thing('pump-7')
    await expect
      .poll(() => presenceOf('pump-7').map((event) => event.disconnectReason))
      .toContain('DUPLICATE_CLIENTID')
  })

  it('a client without a user name stays within dt/, cmd/ and Basic Ingest', async () => {
    const client = await bench.connect()
    client.publish('other/topic', '{}')
    await expect.poll(() => client.connected).toBe(false)
  })
})
