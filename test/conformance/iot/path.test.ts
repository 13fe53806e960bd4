import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AwsError } from '../../../infra/local/platform/errors.ts'
import { rawConnect } from './raw-client.ts'
import { create, startIot, telemetryRule } from './support.ts'
import type { IotBench } from './support.ts'

interface Record {
  readonly kind: string
  readonly topic: string
  readonly clientId: string
  readonly ts: number
  readonly data: string
}

describe('the path of a reading through the broker', () => {
  let bench: IotBench

  beforeEach(async () => {
    bench = await startIot()
    create(bench.iot, 'AWS::IoT::TopicRule', telemetryRule())
  })
  afterEach(() => bench.stop())

  it('IOT-58, IOT-59: a QoS 1 publish is acknowledged after its bytes, topic and client id are in the stream', async () => {
    const client = await bench.connect({ clientId: 'pump-7' })
    await client.publishAsync('dt/plant-1/pump-7/telemetry', '{"temperature":21.4}', { qos: 1 })
    expect(bench.puts).toHaveLength(1)
    const record = JSON.parse(bench.puts[0]!.data.toString()) as Record
    expect(bench.puts[0]).toMatchObject({ streamName: 'readings', partitionKey: 'plant-1/pump-7' })
    expect(record).toMatchObject({
      kind: 'telemetry',
      topic: 'dt/plant-1/pump-7/telemetry',
      clientId: 'pump-7',
    })
    expect(Buffer.from(record.data, 'base64').toString()).toBe('{"temperature":21.4}')
    expect(record.ts).toBeTypeOf('number')
  })

  it('IOT-51: bytes that are not JSON reach the stream unchanged', async () => {
    const client = await bench.connect()
    const bytes = Buffer.from([0xff, 0x00, 0x7b])
    await client.publishAsync('dt/plant-1/pump-7/telemetry', bytes, { qos: 1 })
    const record = JSON.parse(bench.puts[0]!.data.toString()) as Record
    expect(Buffer.from(record.data, 'base64')).toEqual(bytes)
  })

  it('IOT-61: a failed action sends the documented record with the original bytes to the error action', async () => {
    bench.failPut = new AwsError('ProvisionedThroughputExceededException', 'Rate exceeded')
    const client = await bench.connect({ clientId: 'pump-7' })
    await client.publishAsync('dt/plant-1/pump-7/telemetry', '{}', { qos: 1 })
    expect(bench.queued).toHaveLength(1)
    expect(bench.queued[0]!.queueArn).toBe('arn:aws:sqs:eu-west-1:000000000000:rule-errors')
    expect(JSON.parse(bench.queued[0]!.body)).toEqual({
      ruleName: 'Telemetry',
      topic: 'dt/plant-1/pump-7/telemetry',
      cloudwatchTraceId: expect.any(String) as string,
      clientId: 'pump-7',
      base64OriginalPayload: Buffer.from('{}').toString('base64'),
      failures: [
        {
          failedAction: 'KinesisAction',
          failedResource: 'readings',
          errorMessage: 'Rate exceeded (Error Code: ProvisionedThroughputExceededException)',
        },
      ],
    })
  })

  it('a role that may not write to the stream fails the action', async () => {
    bench.deniedActions.add('kinesis:PutRecord')
    const client = await bench.connect()
    await client.publishAsync('dt/plant-1/pump-7/telemetry', '{}', { qos: 1 })
    expect(bench.puts).toHaveLength(0)
    expect(bench.queued[0]!.body).toContain('AccessDeniedException')
  })

  it('a message that neither the stream nor the error action takes is not acknowledged, and the device sends it again', async () => {
    bench.failPut = new AwsError('InternalFailure', 'the disk is full', { status: 500 })
    bench.failSend = bench.failPut
    const raw = await rawConnect(bench.iot.mqttPort(), { clientId: 'pump-7' })
    await raw.next('connack')
    const topic = 'dt/plant-1/pump-7/telemetry'
    raw.send({
      cmd: 'publish',
      qos: 1,
      topic,
      payload: '{}',
      messageId: 1,
      dup: false,
      retain: false,
    })
    await raw.closed()
    expect(raw.received.filter(({ cmd }) => cmd === 'puback')).toEqual([])
    expect(bench.queued).toEqual([])
    bench.failSend = undefined
    await bench.clock.advance(1000)
    const client = await bench.connect({ clientId: 'pump-7' })
    await client.publishAsync(topic, '{}', { qos: 1 })
    expect(bench.queued).toHaveLength(1)
  })

  it('IOT-46, IOT-64: Basic Ingest runs the named rule, without the prefix in topic(), and no subscriber sees it', async () => {
    const watcher = await bench.connect()
    const seen: string[] = []
    watcher.on('message', (topic) => seen.push(topic))
    await watcher.subscribeAsync('dt/#')
    const client = await bench.connect()
    await client.publishAsync('$aws/rules/Telemetry/dt/plant-1/pump-7/telemetry', '{}', { qos: 1 })
    await client.publishAsync('dt/plant-1/pump-8/telemetry', '{}', { qos: 1 })
    await expect.poll(() => seen).toEqual(['dt/plant-1/pump-8/telemetry'])
    expect(bench.puts.map((put) => put.partitionKey)).toEqual(['plant-1/pump-7', 'plant-1/pump-8'])
  })
})
