import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  DeleteConnectionCommand,
  GetRetainedMessageCommand,
  GetThingShadowCommand,
  IoTDataPlaneClient,
  ListRetainedMessagesCommand,
  PublishCommand,
} from '@aws-sdk/client-iot-data-plane'
import { createEndpoint } from '../../../infra/local/services/endpoint/index.ts'
import type { Endpoint } from '../../../infra/local/services/endpoint/index.ts'
import { account, create, startIot, telemetryRule } from './support.ts'
import type { IotBench } from './support.ts'

describe('the IoT data plane, called by the real SDK', () => {
  let bench: IotBench
  let endpoint: Endpoint
  let client: IoTDataPlaneClient

  beforeEach(async () => {
    bench = await startIot()
    endpoint = createEndpoint({
      clock: bench.clock,
      account,
      port: 0,
      principals: (accessKeyId) =>
        accessKeyId === 'ROLE'
          ? {
              principal: { arn: 'arn:role/session', roleArn: 'arn:role' },
              secretAccessKey: 'secret',
            }
          : undefined,
    })
    endpoint.mount(bench.iot.api)
    await endpoint.start()
    client = clientAs('local')
  })
  afterEach(async () => {
    client.destroy()
    await endpoint.stop()
    await bench.stop()
  })

  const clientAs = (accessKeyId: string): IoTDataPlaneClient =>
    new IoTDataPlaneClient({
      endpoint: endpoint.url,
      region: 'eu-west-1',
      maxAttempts: 1,
      credentials: { accessKeyId, secretAccessKey: 'secret' },
    })

  it('IOT-65: a publish reaches the subscribers and the rules', async () => {
    create(bench.iot, 'AWS::IoT::TopicRule', telemetryRule())
    const device = await bench.connect({ clientId: 'pump-7' })
    const seen: string[] = []
    device.on('message', (topic, payload) => seen.push(`${topic} ${payload.toString()}`))
    await device.subscribeAsync('cmd/plant-1/pump-7/+', { qos: 1 })
    await client.send(
      new PublishCommand({ topic: 'cmd/plant-1/pump-7/c1', qos: 1, payload: Buffer.from('go') }),
    )
    await expect.poll(() => seen).toEqual(['cmd/plant-1/pump-7/c1 go'])
    await client.send(
      new PublishCommand({ topic: 'dt/plant-1/pump-7/telemetry', payload: Buffer.from('{}') }),
    )
    expect(JSON.parse(bench.puts[0]!.data.toString())).toMatchObject({ clientId: 'n/a' })
  })

  it('IOT-67: topics and payloads beyond the limits are refused', async () => {
    const publish = (topic: string, bytes: number) =>
      client.send(new PublishCommand({ topic, payload: Buffer.alloc(bytes) }))
    await expect(publish('1/2/3/4/5/6/7/8/9', 1)).rejects.toMatchObject({
      name: 'InvalidRequestException',
    })
    await expect(publish('a/+', 1)).rejects.toMatchObject({ name: 'InvalidRequestException' })
    await expect(publish('a', 128 * 1024 + 1)).rejects.toMatchObject({
      $metadata: { httpStatusCode: 413 },
    })
  })

  it('IOT-67: a role that may not publish is unauthorized', async () => {
    bench.deniedActions.add('iot:Publish')
    const role = clientAs('ROLE')
    const call = role.send(new PublishCommand({ topic: 'cmd/a', payload: Buffer.from('x') }))
    await expect(call).rejects.toMatchObject({
      name: 'UnauthorizedException',
      $metadata: { httpStatusCode: 401 },
    })
    role.destroy()
  })

  it('IOT-69: retained messages are listed and read', async () => {
    await client.send(
      new PublishCommand({
        topic: 'cmd/a/b/demand',
        qos: 1,
        retain: true,
        payload: Buffer.from('3'),
      }),
    )
    const { retainedTopics } = await client.send(new ListRetainedMessagesCommand({}))
    expect(retainedTopics).toMatchObject([{ topic: 'cmd/a/b/demand', payloadSize: 1, qos: 1 }])
    const message = await client.send(new GetRetainedMessageCommand({ topic: 'cmd/a/b/demand' }))
    expect(Buffer.from(message.payload!).toString()).toBe('3')
    await expect(client.send(new GetRetainedMessageCommand({ topic: 'no' }))).rejects.toMatchObject(
      {
        name: 'ResourceNotFoundException',
      },
    )
  })

  it('IOT-12, IOT-65: what is published with retain waits for a later subscriber of exactly its topic', async () => {
    const publish = (payload: string) =>
      client.send(
        new PublishCommand({
          topic: 'cmd/a/b/demand',
          qos: 1,
          retain: true,
          payload: Buffer.from(payload),
        }),
      )
    await publish('3')
    await publish('4')
    const device = await bench.connect({ clientId: 'b' })
    const seen: string[] = []
    device.on('message', (_, payload, { retain, qos }) =>
      seen.push(`${payload.toString()} ${retain} ${qos}`),
    )
    await device.subscribeAsync('cmd/a/b/+', { qos: 1 })
    await device.subscribeAsync('cmd/a/b/demand', { qos: 1 })
    await expect.poll(() => seen).toEqual(['4 true 1'])
  })

  it('IOT-67: a role may retain only if that is allowed to it too', async () => {
    bench.deniedActions.add('iot:RetainPublish')
    const role = clientAs('ROLE')
    const publish = (retain: boolean) =>
      role.send(new PublishCommand({ topic: 'cmd/a/b/demand', retain, payload: Buffer.from('1') }))
    await publish(false)
    await expect(publish(true)).rejects.toMatchObject({ name: 'UnauthorizedException' })
    role.destroy()
  })

  it('IOT-70: DeleteConnection ends a connection', async () => {
    const device = await bench.connect({ clientId: 'pump-7' })
    await client.send(new DeleteConnectionCommand({ clientId: 'pump-7' }))
    await expect.poll(() => device.connected).toBe(false)
  })

  it('shadows are refused by name', async () => {
    const call = client.send(new GetThingShadowCommand({ thingName: 'pump-7' }))
    await expect(call).rejects.toThrow(/shadows are not emulated/)
  })
})
