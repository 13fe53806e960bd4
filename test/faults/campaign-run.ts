import { setTimeout as sleep } from 'node:timers/promises'
import { mintToken } from '../support/client.ts'
import { startSystem, type RunningSystem } from '../support/system.ts'
import { CampaignDashboard } from './campaign-dashboard.ts'
import { CampaignDevice } from './campaign-device.ts'
import { check, problems, type Verdict } from './checker.ts'
import { overlooked } from './mutations.ts'
import { planFaults, type Act, type PlannedFault } from './nemesis.ts'
import { seeded } from './random.ts'

export interface CampaignOptions {
  readonly seed: number
  /** Readings to be acknowledged, over all devices. */
  readonly readings: number
  readonly faults: number
  /** How long publishing takes at least, so that the faults have room; milliseconds. */
  readonly lengthMs: number
  readonly devicesPerSite?: number
  readonly log?: (line: string) => void
}

export interface CampaignResult {
  readonly verdict: Verdict
  /** Everything that is wrong, in words, with the mutations of this campaign's own history that the checker overlooks. */
  readonly problems: readonly string[]
  /** Mutations that the checker was tried with. */
  readonly mutations: number
  readonly acknowledged: number
  readonly faults: number
  /** Faults that the seams really injected, summed over the rules. */
  readonly injected: number
  readonly seconds: number
}

/** Who looks at what: two sites, four entitlements. */
const viewers = [
  { name: 'ana', devices: 'plant-1/#', sites: ['plant-1'] },
  { name: 'vic', devices: 'plant-2/#', sites: ['plant-2'] },
  { name: 'olli', devices: '#', sites: ['plant-1', 'plant-2'] },
  { name: 'ben', devices: 'plant-1/#', sites: ['plant-1'] },
] as const

/**
 * Runs devices and dashboards against a fresh local system while faults strike, waits until it has calmed down, and judges what the
 * dashboards hold. The plan follows from the seed; when exactly a fault meets which message is the machine's own chance.
 */
export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const startedMs = Date.now()
  const system = await startSystem()
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
  const random = seeded(options.seed)
  const log = options.log ?? (() => undefined)
  const perSite = options.devicesPerSite ?? 12
  const devices = ['plant-1', 'plant-2'].flatMap((site) =>
    Array.from(
      { length: perSite },
      (_, index) => new CampaignDevice(system.endpoints.mqtt, site, `${site}-d${index}`),
    ),
  )
  const dashboards = await openDashboards(system, devices, {
    random: random.next,
    fromTs: startedMs - 60_000,
  })
  await until(() => dashboards.every((dashboard) => dashboard.isLive), 60_000)
  const nemesis = new Nemesis(system, { devices, dashboards, random, log })
  const plan = planFaults(random, options.faults)
  const faults = nemesis.run(plan, options.lengthMs)
  await publishAll(devices, options)
  await faults
  const injected = await nemesis.stop()
  await settle(devices, dashboards)
  for (const device of devices) device.stop()
  const sent = devices.flatMap((device) => device.sent)
  const history = {
    sent,
    charts: dashboards.map((dashboard) => dashboard.chart()),
    deliveries: dashboards.flatMap((dashboard) => dashboard.deliveries),
    grants: viewers.flatMap(({ name, sites }) =>
      devices
        .filter((device) => sites.some((site) => device.topic.startsWith(`${site}/`)))
        .map(({ topic }) => ({ client: name, topic, fromMs: 0, toMs: Infinity })),
    ),
  }
  const verdict = check(history)
  // Two devices of one dashboard are enough of the real thing, and few enough for a dozen checks.
  const sample = devices.slice(0, 2).map(({ topic }) => topic)
  const ofSample = ({ topic }: { readonly topic: string }): boolean => sample.includes(topic)
  const mutated = overlooked(
    {
      ...history,
      sent: sent.filter(ofSample),
      deliveries: history.deliveries.filter(ofSample),
      charts: history.charts.slice(0, 1).map((chart) => ({
        ...chart,
        points: chart.points.filter(ofSample),
        promised: chart.promised.filter(ofSample),
      })),
    },
    seeded(options.seed),
  )
  for (const dashboard of dashboards) dashboard.stop()
  return {
    verdict,
    problems: [
      ...problems(verdict),
      ...mutated.names.map((name) => `the checker overlooks that ${name}`),
    ],
    mutations: mutated.tried,
    acknowledged: sent.filter((reading) => reading.outcome === 'acknowledged').length,
    faults: plan.length,
    injected,
    seconds: Math.round((Date.now() - startedMs) / 1_000),
  }
}

async function openDashboards(
  system: RunningSystem,
  devices: readonly CampaignDevice[],
  options: { random: () => number; fromTs: number },
): Promise<CampaignDashboard[]> {
  return Promise.all(
    viewers.map(async ({ name, devices: grant, sites }) => {
      const token = await mintToken(system.stateDir, {
        user: name,
        role: 'viewer',
        devices: grant,
        expires: '12h',
      })
      const topics = devices
        .map(({ topic }) => topic)
        .filter((topic) => sites.some((site) => topic.startsWith(`${site}/`)))
      const dashboard = new CampaignDashboard({
        name,
        token,
        topics,
        url: system.endpoints.websocket,
        ...options,
      })
      dashboard.start()
      return dashboard
    }),
  )
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

/** Waits until every dashboard holds as many points as were sent to it, or nothing has moved for half a minute. */
async function settle(
  devices: readonly CampaignDevice[],
  dashboards: readonly CampaignDashboard[],
): Promise<void> {
  const expected = (dashboard: CampaignDashboard): number =>
    dashboard
      .chart()
      .promised.reduce(
        (sum, { topic }) =>
          sum + (devices.find((device) => device.topic === topic)?.sent.length ?? 0),
        0,
      )
  const wanted = dashboards.map(expected)
  let counts = ''
  let movedMs = Date.now()
  while (Date.now() - movedMs < 30_000) {
    if (dashboards.every((dashboard, index) => dashboard.count() >= (wanted[index] ?? 0))) return
    for (const dashboard of dashboards) dashboard.wake()
    const now = dashboards.map((dashboard) => dashboard.count()).join()
    if (now !== counts) movedMs = Date.now()
    counts = now
    await sleep(1_000)
  }
}

async function until(isTrue: () => boolean, limitMs: number): Promise<void> {
  const startedMs = Date.now()
  while (!isTrue()) {
    if (Date.now() - startedMs > limitMs) throw new Error('the dashboards did not become live')
    await sleep(50)
  }
}

interface Field {
  readonly devices: readonly CampaignDevice[]
  readonly dashboards: readonly CampaignDashboard[]
  readonly random: ReturnType<typeof seeded>
  readonly log: (line: string) => void
}

/** Starts and ends faults as planned. The endpoint only knows "add" and "clear", so the active rules are put in anew at each change. */
class Nemesis {
  readonly #system: RunningSystem
  readonly #field: Field
  readonly #active = new Set<PlannedFault>()
  #injected = 0

  constructor(system: RunningSystem, field: Field) {
    this.#system = system
    this.#field = field
  }

  async run(plan: readonly PlannedFault[], lengthMs: number): Promise<void> {
    const startedMs = Date.now()
    await Promise.all(
      plan.map(async (fault) => {
        await sleep(Math.max(0, startedMs + fault.at * lengthMs - Date.now()))
        this.#field.log(`${fault.id} ${fault.name}, ${Math.round(fault.durationMs)} ms`)
        await this.#begin(fault)
        await sleep(fault.durationMs)
        await this.#end(fault)
      }),
    )
  }

  /** Removes every fault; returns how many were injected at the seams. */
  async stop(): Promise<number> {
    this.#active.clear()
    await this.#apply()
    return this.#injected
  }

  async #begin(fault: PlannedFault): Promise<void> {
    const { act } = fault
    if (act.kind === 'seam') {
      this.#active.add(fault)
      await this.#apply()
      return
    }
    this.#injected += this.#strike(act)
  }

  async #end(fault: PlannedFault): Promise<void> {
    const { act } = fault
    if (act.kind === 'clock-back') for (const device of this.#field.devices) device.setClockBack(0)
    if (this.#active.delete(fault)) await this.#apply()
  }

  #strike(act: Exclude<Act, { kind: 'seam' }>): number {
    const { devices, dashboards, random } = this.#field
    const chosen = <T>(items: readonly T[]): T[] => items.filter(() => random.next() < act.share)
    const hitDevices =
      act.kind === 'reset-devices' || act.kind === 'clock-back' ? chosen(devices) : []
    const hitDashboards =
      act.kind === 'cut-sockets' || act.kind === 'close-sockets' ? chosen(dashboards) : []
    for (const device of hitDevices) {
      if (act.kind === 'clock-back') device.setClockBack(act.ms)
      else device.reset()
    }
    for (const dashboard of hitDashboards) {
      if (act.kind === 'cut-sockets') dashboard.cut()
      else dashboard.close()
    }
    return hitDevices.length + hitDashboards.length
  }

  async #apply(): Promise<void> {
    const rules = [...this.#active].flatMap(({ act }) => (act.kind === 'seam' ? act.rules : []))
    const deliver = Object.entries(this.#system.endpoints.functions).find(([name]) =>
      /^deliver/i.test(name),
    )?.[1]
    const url = `${this.#system.endpoints.aws}/_gaugeline/faults`
    const before = (await (await fetch(url)).json()) as { rules: { injected: number }[] }
    this.#injected += before.rules.reduce((sum, rule) => sum + rule.injected, 0)
    const body = {
      seed: Math.floor(this.#field.random.next() * 2 ** 31),
      rules: rules.map((rule) =>
        rule.target === '$deliver' ? { ...rule, target: deliver } : rule,
      ),
    }
    const answer = await fetch(url, { method: 'POST', body: JSON.stringify(body) })
    if (!answer.ok) throw new Error(`the fault endpoint refused: ${await answer.text()}`)
  }
}
