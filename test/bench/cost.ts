import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MqttClient } from 'mqtt'
import { limits, telemetryTopic } from '@gaugeline/backend/protocol'
import { buildSteps } from '../../infra/local/start/build-steps.ts'
import { build } from '../../infra/local/start/build.ts'
import { startSystem, type System } from '../../infra/local/system.ts'
import type { Template } from '../../infra/local/template/template.ts'
import { ProtocolClient, requestToken } from '../support/client.ts'
import { connectMqtt } from '../support/devices.ts'
import {
  levers,
  prices,
  pricesAsOf,
  pricesWarning,
  type Billed,
} from '../../simulator/src/plan/prices.ts'
import type { Row } from './table.ts'
import { readUsage, usedBetween, type Usage } from './usage.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const devices = 100
const seconds = Number(process.env['GAUGELINE_COST_SECONDS'] ?? 60)
const watchers = 2
const GOAL_DOLLARS = 1

/**
 * What a million readings cost: 100 devices × 1 Hz by Basic Ingest, two people who watch all of them in complete mode, everything that AWS
 * bills counted in a real local run, and priced by the dated table. Lambda's milliseconds are this machine's, its other work included.
 */
export async function cost(): Promise<Row[]> {
  await build(buildSteps, {
    root,
    validate: false,
    signal: new AbortController().signal,
    progress: () => undefined,
  })
  const stateDir = mkdtempSync(join(tmpdir(), 'gaugeline-cost-'))
  writeFileSync(join(stateDir, 'local.key'), 'bench')
  const startMs = Date.now()
  let shards = 0
  const system = await startSystem({
    cdkOut: join(root, 'cdk.out'),
    localKey: 'bench',
    edit(template) {
      shards = shardsOf(template)
      return pollOnceASecond(template)
    },
  })
  try {
    const clients = await watch(system, stateDir)
    const pings = setInterval(() => {
      for (const client of clients) void client.request({ action: 'ping', t0: Date.now() }, 'pong')
    }, limits.pingIntervalMs)
    // One connection all the time: its presence events are not the fleet's.
    const mqtt = await connectMqtt(system.endpoints.mqtt)
    await publish(mqtt, 3)
    await sleep(3_000)
    const before = await readUsage(system.endpoints, startMs)
    const received = await publish(mqtt, seconds)
    await sleep(3_000)
    const used = usedBetween(before, await readUsage(system.endpoints, startMs))
    clearInterval(pings)
    for (const client of clients) await client.close()
    await mqtt.endAsync()
    return report(withTime(used, { shards, forSeconds: received / devices }), received)
  } finally {
    await system.stop()
    rmSync(stateDir, { recursive: true, force: true })
  }
}

/** AWS reads a shard about once a second (KINESIS-11); the local mapping reads at once, which would make dearer, smaller batches. */
function pollOnceASecond(template: Template): Template {
  const Resources = Object.fromEntries(
    Object.entries(template.Resources).map(([id, resource]) => {
      const isStream = resource.Properties?.['StartingPosition'] !== undefined
      const Properties = { ...resource.Properties, MaximumBatchingWindowInSeconds: 1 }
      return [id, isStream ? { ...resource, Properties } : resource]
    }),
  )
  return { ...template, Resources }
}

function shardsOf({ Resources }: Template): number {
  const streams = Object.values(Resources).filter(({ Type }) => Type === 'AWS::Kinesis::Stream')
  return streams.reduce((sum, { Properties }) => sum + Number(Properties?.['ShardCount'] ?? 1), 0)
}

const topics = Array.from({ length: devices }, (_, index) => `plant-1/bench-${index}`)

async function watch(system: System, stateDir: string): Promise<ProtocolClient[]> {
  return Promise.all(
    Array.from({ length: watchers }, async (_, person) => {
      const token = await requestToken(
        { endpoints: system.endpoints, stateDir },
        { user: `bench-${person}`, devices: ['#'] },
      )
      const client = await ProtocolClient.connect(system.endpoints.websocket, token)
      for (let from = 0; from < devices; from += 50) {
        const subscriptions = topics
          .slice(from, from + 50)
          .map((topic, index) => ({ sid: from + index, topic }))
        await client.request({ action: 'subscribe', subscriptions }, 'subscribed')
      }
      return client
    }),
  )
}

/** Each device once a second, spread over the second; resolves with the number of readings the broker took. */
async function publish(mqtt: MqttClient, forSeconds: number): Promise<number> {
  const startedMs = Date.now()
  const boot = String(startedMs)
  const sent: Promise<unknown>[] = []
  for (let index = 0; index < devices * forSeconds; index++) {
    const [site = '', device = ''] = (topics[index % devices] ?? '').split('/')
    const metrics = { temperature: 20 + (index % 7) / 10, vibration: 0.12, pressure: 3.4 }
    const reading = { ts: Date.now(), boot, n: Math.floor(index / devices), metrics }
    const topic = `$aws/rules/Gaugeline_Telemetry/${telemetryTopic(site, device)}`
    sent.push(mqtt.publishAsync(topic, JSON.stringify(reading), { qos: 1 }))
    await sleep(Math.max(0, startedMs + (index + 1) * (1_000 / devices) - Date.now()))
  }
  await Promise.all(sent)
  return sent.length
}

/** What is billed by time: the shards, the sockets, the devices' connections. `forSeconds`: of the fleet at 1 Hz. */
function withTime(
  used: Usage,
  { shards, forSeconds }: { readonly shards: number; readonly forSeconds: number },
): Usage {
  return {
    ...used,
    kinesisShardHour: (shards * forSeconds) / 3_600,
    webSocketMinute: (watchers * forSeconds) / 60,
    iotMinute: (devices * forSeconds) / 60,
  }
}

function report(used: Usage, readings: number): Row[] {
  const perMillion = (Object.entries(used) as [Billed, number][])
    .map(([billed, count]) => ({ billed, units: (count / readings) * 1e6 }))
    .map((line) => ({ ...line, dollars: line.units * prices[line.billed].dollars }))
    .sort((a, b) => b.dollars - a.dollars)
  const total = perMillion.reduce((sum, { dollars }) => sum + dollars, 0)
  process.stdout.write(`per million readings, prices of ${pricesAsOf} (${readings} counted)\n`)
  const warning = pricesWarning(Date.now())
  if (warning !== undefined) process.stderr.write(`${warning}\n`)
  for (const { billed, units, dollars } of perMillion) {
    const count = Number(units.toPrecision(4)).toLocaleString('en')
    process.stdout.write(`  ${dollars.toFixed(4)} US$  ${count} × ${prices[billed].unit}\n`)
  }
  const [dearest] = perMillion
  if (dearest) process.stdout.write(`  next lever: ${levers[dearest.billed]}\n`)
  return [
    {
      figure: 'a million readings',
      value: total,
      unit: 'US$',
      against: 'goal',
      limit: GOAL_DOLLARS,
    },
  ]
}
