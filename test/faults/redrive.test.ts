import { fileURLToPath } from 'node:url'
import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch'
import type { MqttClient } from 'mqtt'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startSystem, type System } from '../../infra/local/system.ts'
import { ProtocolClient } from '../support/client.ts'
import { connectMqtt, publishReading } from '../support/devices.ts'
import { tableName, tableReader } from '../support/tables.ts'
import type { Template } from '../support/template-edit.ts'
import { waitFor } from '../support/wait.ts'

const cdkOut = fileURLToPath(new URL('../../cdk.out', import.meta.url))
const localKey = 'key-of-the-test'
let system: System
let device: MqttClient
let client: ProtocolClient

beforeAll(async () => {
  system = await startSystem({ cdkOut, localKey, edit: withoutRetries })
  device = await connectMqtt(system.endpoints.mqtt)
  client = await ProtocolClient.connect(system.endpoints.websocket, await token())
  await client.request({ action: 'hello' }, 'welcome')
})
afterEach(() => {
  system.faults.clear()
})
afterAll(async () => {
  client.socket.terminate()
  await device.endAsync(true)
  await system.stop()
})

/** `deliver` gives up at once, for the test not to take hours. */
function withoutRetries(template: Template): Template {
  const Resources = Object.fromEntries(
    Object.entries(template.Resources).map(([name, resource]) => {
      const Properties = resource.Properties ?? {}
      if (!('MaximumRetryAttempts' in Properties)) return [name, resource]
      return [name, { ...resource, Properties: { ...Properties, MaximumRetryAttempts: 0 } }]
    }),
  )
  return { ...template, Resources }
}

async function token(): Promise<string> {
  const answer = await fetch(`${system.endpoints.issuer}/local/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-gaugeline-key': localKey },
    body: JSON.stringify({ user: 'ana', roles: ['viewer'], devices: ['#'], expiresIn: 600 }),
  })
  return ((await answer.json()) as { token: string }).token
}

/** The values of `a` that the history has of a device, by the readings' own time. */
async function history(topic: string): Promise<unknown[]> {
  const to = Date.now() + 1_000
  const page = await client.request({ action: 'history', topic, from: to - 60_000, to }, 'history')
  return (page.blocks ?? []).flatMap((block) => [...(block.metrics['a'] ?? [])])
}

/** The sum, so far, of the metric that an alarm looks at. */
async function alarmMetric(alarmName: string): Promise<number> {
  const alarms = system.services.cloudwatch.alarms()
  const definition = alarms.find((alarm) => alarm.definition.name.endsWith(alarmName))?.definition
  const element = definition?.kind === 'metric' ? definition.elements[0] : undefined
  if (element?.kind !== 'metric') throw new Error(`no alarm ${alarmName} of one metric`)
  const { namespace, name, dimensions } = element.metric
  const client = new CloudWatchClient({
    endpoint: system.endpoints.aws,
    region: system.endpoints.region,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  })
  const { Datapoints = [] } = await client.send(
    new GetMetricStatisticsCommand({
      Namespace: namespace,
      MetricName: name,
      Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
      StartTime: new Date(Date.now() - 3_600_000),
      EndTime: new Date(Date.now() + 60_000),
      Period: 60,
      Statistics: ['Sum'],
    }),
  )
  return Datapoints.reduce((total, { Sum = 0 }) => total + Sum, 0)
}

/** `deliver` fails so many times, on its first read. */
function failDeliver(count: number): void {
  const target = tableName(system.endpoints, 'History')
  const fault = { kind: 'error', code: 'ValidationException', status: 400 } as const
  system.faults.add({ seam: 'dynamodb.BatchGetItem', target, count, fault })
}

describe('what was acknowledged and failed on its way', () => {
  it('comes back by itself when the stream took nothing, each reading once and at its own time', async () => {
    system.faults.add({ seam: 'kinesis.put', fault: { kind: 'throttle' } })
    const values = Array.from({ length: 20 }, (_, a) => a)
    for (const a of values) {
      await publishReading(device, 'plant-1/ruled', { ts: Date.now(), boot: 'b', n: a, a })
    }
    expect(await history('plant-1/ruled')).toEqual([])
    system.faults.clear()
    const found = await waitFor(async () => {
      const kept = await history('plant-1/ruled')
      return kept.length >= values.length ? kept : undefined
    }, 'the readings to come back')
    expect(found).toEqual(values)
  })

  it('comes back by itself when deliver gave it up', async () => {
    failDeliver(1)
    await publishReading(device, 'plant-1/given-up', { a: 1 })
    const found = await waitFor(async () => {
      const kept = await history('plant-1/given-up')
      return kept.length > 0 ? kept : undefined
    }, 'the reading to come back')
    expect(found).toEqual([1])
    expect(system.faults.report()).toMatchObject([{ injected: 1 }])
  })

  it.each([
    ['deliver-errors', 'error'],
    ['deliver-throttled', 'throttle'],
  ] as const)(
    'moves the metric of the alarm %s when deliver meets an injected %s',
    async (alarm, kind) => {
      const before = await alarmMetric(alarm)
      const target = Object.entries(system.endpoints.functions).find(([name]) =>
        name.toLowerCase().startsWith('deliver'),
      )?.[1]
      system.faults.add({ seam: 'lambda.invoke', target: target ?? '', count: 1, fault: { kind } })
      await publishReading(device, `plant-1/${kind}`, { a: 1 })
      await waitFor(
        async () => ((await history(`plant-1/${kind}`)).length > 0 ? true : undefined),
        'the reading to come all the same',
      )
      expect(await alarmMetric(alarm)).toBe(before + 1)
    },
  )

  it('is kept with its bytes when deliver gave it up twice, and holds up nothing', async () => {
    failDeliver(2)
    await publishReading(device, 'plant-1/poison', { a: 1 })
    const rows = tableReader(system.endpoints)
    const row = await waitFor(
      async () => (await rows('Rejects')).find(({ reason }) => reason === 'UNDELIVERABLE'),
      'the row of the reject',
    )
    expect(row).toMatchObject({ topic: 'dt/plant-1/poison/telemetry' })
    expect(Buffer.from(row['original'] as Uint8Array).toString()).toBe('{"a":1}')
    await publishReading(device, 'plant-1/poison', { a: 2 })
    await waitFor(async () => (await history('plant-1/poison')).includes(2), 'the next reading')
    expect(await history('plant-1/poison')).toEqual([2])
  })
})
