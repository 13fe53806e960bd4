import { setTimeout as sleep } from 'node:timers/promises'
import { startSystem, type RunningSystem } from '../support/system.ts'
import { tableReader } from '../support/tables.ts'
import { waitFor } from '../support/wait.ts'
import type { CampaignClient } from './campaign-dashboard.ts'
import { CampaignDevice } from './campaign-device.ts'
import { act, grantsOf, invite, type People } from './campaign-people.ts'
import { newestOf, settle } from './campaign-settle.ts'
import { check, problems, type Chart, type Verdict } from './checker.ts'
import { overlooked } from './mutations.ts'
import { planFaults } from './nemesis.ts'
import { Nemesis } from './nemesis-run.ts'
import { seeded } from './random.ts'

export interface CampaignOptions {
  readonly seed: number
  /** Readings to be acknowledged, over all devices. */
  readonly readings: number
  readonly faults: number
  /** How long publishing takes at least, so that the faults have room; milliseconds. */
  readonly lengthMs: number
  readonly log?: (line: string) => void
}

export interface CampaignResult {
  readonly verdict: Verdict
  /** Everything that is wrong, in words: of the verdict, of the filters, of the poison, and what the checker overlooks. */
  readonly problems: readonly string[]
  readonly acknowledged: number
  readonly faults: number
  /** How many faults were injected, by seam and kind or by act. */
  readonly injected: ReadonlyMap<string, number>
  /** Mutations of this campaign's own history that the checker was tried with. */
  readonly mutations: number
  readonly poison: number
  /** Rows that came through filters. */
  readonly filtered: number
  readonly seconds: number
}

/** A chart holds 60,000 readings of a device. */
const readingsPerDevice = 50_000
/** A view of newest values shows a device once a second; a reading that comes sooner is shown with the next one. */
const latestPeriodMs = 1_100
/** Late readings go back two hours. */
const promisedBackMs = 3 * 3_600_000

/**
 * Runs devices and dashboards against a fresh local system while faults strike, waits until it has calmed down, and judges what the
 * dashboards hold. The plan follows from the seed alone; when exactly a fault meets which message is the machine's own chance.
 */
export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const startedMs = Date.now()
  // More environments than that make each other late on a small machine.
  const system = await startSystem({ args: ['--max-environments', '4'] })
  try {
    return await campaign(system, options, startedMs)
  } finally {
    await system.stop()
  }
}

async function campaign(
  system: RunningSystem,
  options: CampaignOptions,
  startedMs: number,
): Promise<CampaignResult> {
  const { seed, lengthMs } = options
  const log = options.log ?? (() => undefined)
  const devices = makeDevices(system, options.readings)
  const topics = devices.map(({ topic }) => topic)
  const people = await invite(system, {
    topics,
    seed,
    fromTs: startedMs - promisedBackMs,
    lengthMs,
  })
  const clients = [
    ...people.persons.map(({ dashboard }) => dashboard.client),
    people.filtered.client,
  ]
  for (const client of clients.filter(({ name }) => name !== 'tom')) await live(client)
  const plan = planFaults(seed, options.faults)
  const nemesis = new Nemesis({ system, devices, clients, floodToken: people.floodToken, log })
  await Promise.all([
    nemesis.run(plan, { seed, lengthMs }),
    act(system, people, lengthMs),
    publishAll(devices, options),
  ])
  const injected = await nemesis.stop()
  log(`published after ${Math.round((Date.now() - startedMs) / 1_000)} s`)
  await settle(devices, people, { log })
  // The last word of each device, when all is well again and a `latest` view is due: the newest value of every view.
  await sleep(latestPeriodMs)
  await Promise.all(devices.map((device) => device.publish(1)))
  await settle(devices, people, { log, untilNewest: true })
  log(`calm after ${Math.round((Date.now() - startedMs) / 1_000)} s`)
  for (const device of devices) device.stop()
  const lostPoison = await missingPoison(system, devices)
  for (const client of clients) client.stream.stop()
  const judged = judge(devices, people, seed)
  return {
    ...judged,
    problems: [...judged.problems, ...lostPoison],
    faults: plan.length,
    injected,
    poison: devices.reduce((sum, { poison }) => sum + poison.length, 0),
    seconds: Math.round((Date.now() - startedMs) / 1_000),
  }
}

function makeDevices(system: RunningSystem, readings: number): CampaignDevice[] {
  const perSite = Math.max(12, Math.ceil(readings / readingsPerDevice / 2))
  return ['plant-1', 'plant-2'].flatMap((site) =>
    Array.from(
      { length: perSite },
      (_, index) => new CampaignDevice(system.endpoints.mqtt, site, `${site}-d${index}`),
    ),
  )
}

function judge(
  devices: readonly CampaignDevice[],
  people: People,
  seed: number,
): Pick<CampaignResult, 'verdict' | 'problems' | 'acknowledged' | 'mutations' | 'filtered'> {
  const sent = devices.flatMap((device) => device.sent)
  const topics = devices.map(({ topic }) => topic)
  const grants = grantsOf(people, topics)
  const deliveries = [
    ...people.persons.flatMap(({ dashboard }) => dashboard.client.deliveries),
    ...people.filtered.client.deliveries,
  ]
  const verdict = check({ sent, charts: chartsOf(people), deliveries, grants })
  const sample = topics.slice(0, 2)
  const [first] = people.persons
  const charts = first ? [first.dashboard.chart({ topics: sample, isPromised: true })] : []
  const { names, tried } = overlooked(
    {
      sent: sent.filter(({ topic }) => sample.includes(topic)),
      charts: charts.map((chart) => ({ ...chart, points: [...chart.points] })),
      deliveries: deliveries.filter(({ topic }) => sample.includes(topic)),
      grants,
    },
    seeded(seed),
  )
  const newest = newestOf(devices)
  return {
    verdict,
    acknowledged: sent.filter(({ outcome }) => outcome === 'acknowledged').length,
    mutations: tried,
    filtered: Object.values(people.filtered.counts()).reduce((sum, count) => sum + count, 0),
    problems: [
      ...problems(verdict),
      ...names.map((name) => `the checker overlooks that ${name}`),
      ...firstOf('filter', people.filtered.judge(sent)),
      ...(people.filtered.showsNewest(newest)
        ? []
        : ['a fleet view does not show the newest values']),
    ],
  }
}

function* chartsOf(people: People): Generator<Chart> {
  for (const { dashboard, isPromised } of people.persons) yield dashboard.chart({ isPromised })
}

const firstOf = (name: string, found: readonly string[]): string[] =>
  found.length === 0 ? [] : [`${name}: ${found.length}, first ${found[0] ?? ''}`]

/** Every acknowledged payload that nobody can read is kept with its bytes. */
async function missingPoison(
  system: RunningSystem,
  devices: readonly CampaignDevice[],
): Promise<string[]> {
  const rows = await tableReader(system.endpoints)('Rejects')
  const kept = new Set(
    rows.map(
      ({ topic, original }) =>
        `${String(topic)} ${Buffer.from((original ?? []) as Uint8Array).toString('base64')}`,
    ),
  )
  const missing = devices
    .flatMap(({ poison }) => poison)
    .map(({ telemetryTopic, payload }) => `${telemetryTopic} ${payload.toString('base64')}`)
    .filter((id) => !kept.has(id))
  return firstOf('lost poison', missing)
}

/** Every device publishes its share, spread over the length of the campaign; a slow answer makes it later, never fewer. */
async function publishAll(
  devices: readonly CampaignDevice[],
  options: CampaignOptions,
): Promise<void> {
  const perDevice = Math.ceil(options.readings / devices.length)
  const perMessage = Math.max(1, Math.ceil(perDevice / (options.lengthMs / 100)))
  const messages = Math.ceil(perDevice / perMessage)
  const startedMs = Date.now()
  await Promise.all(
    devices.map(async (device, index) => {
      for (let message = 0; message < messages; message++) {
        const dueMs = startedMs + (options.lengthMs * (message + index / devices.length)) / messages
        await sleep(Math.max(0, dueMs - Date.now()))
        await device.publish(perMessage)
      }
    }),
  )
}

/** One after the other: cold starts at the same time would wait for each other. */
async function live({ name, stream }: CampaignClient): Promise<void> {
  stream.start()
  const isLive = (): boolean => stream.connection().phase === 'live'
  await waitFor(isLive, `${name} to be live`, 120_000)
}
