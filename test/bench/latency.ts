import { setTimeout as sleep } from 'node:timers/promises'
import { mintToken, ProtocolClient } from '../support/client.ts'
import { connectMqtt, publishReading } from '../support/devices.ts'
import { startSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'
import { quantile, type Row } from './table.ts'

const devices = 100
const seconds = 20

/**
 * From a device's publish call to the block in a dashboard's client, 100 devices × 1 Hz with random phase, one viewer in complete
 * mode on every device. The first two seconds (cold starts) are reported apart.
 */
export async function latency(): Promise<Row[]> {
  const system = await startSystem()
  const token = await mintToken(system.stateDir, { user: 'bench', role: 'viewer', devices: '#' })
  const client = await ProtocolClient.connect(system.endpoints.websocket, token)
  const topics = Array.from({ length: devices }, (_, index) => `plant-1/bench-${index}`)
  for (let from = 0; from < devices; from += 50) {
    const subscriptions = topics
      .slice(from, from + 50)
      .map((topic, index) => ({ sid: from + index, topic }))
    await client.request({ action: 'subscribe', subscriptions }, 'subscribed')
  }
  const mqtt = await connectMqtt(system.endpoints.mqtt)
  const startedMs = Date.now()
  await Promise.all(
    topics.map(async (topic, index) => {
      await sleep((index * 1_000) / devices)
      for (let n = 0; n < seconds; n++) {
        const dueMs = startedMs + (index * 1_000) / devices + n * 1_000
        await sleep(Math.max(0, dueMs - Date.now()))
        void publishReading(mqtt, topic, {
          ts: Date.now(),
          boot: 'bench',
          n,
          metrics: { value: n },
        })
      }
    }),
  )
  const expected = devices * seconds
  const delays = (): number[] =>
    client.received.flatMap(({ atMs, message }) =>
      message.type === 'data'
        ? message.blocks.flatMap((block) => block.ts.map((ts) => atMs - ts))
        : [],
    )
  await waitFor(() => delays().length >= expected || undefined, `${expected} readings`)
  const all = delays()
  const warm = all.slice(devices * 2)
  await client.close()
  await mqtt.endAsync()
  await system.stop()
  return [
    {
      figure: 'publish → chart data, p50',
      value: quantile(warm, 0.5),
      unit: 'ms',
      against: 'issue p95',
      limit: 250,
    },
    {
      figure: 'publish → chart data, p95',
      value: quantile(warm, 0.95),
      unit: 'ms',
      against: 'issue p95',
      limit: 250,
    },
    {
      figure: 'publish → chart data, p99',
      value: quantile(warm, 0.99),
      unit: 'ms',
      against: 'twice that',
      limit: 500,
    },
    {
      figure: 'first 2 s, p99',
      value: quantile(all.slice(0, devices * 2), 0.99),
      unit: 'ms',
      against: 'a cold start',
      limit: 3_000,
    },
    {
      figure: 'readings received',
      value: all.length,
      unit: '',
      against: 'published',
      limit: expected,
      lessIsBetter: false,
    },
  ]
}
