import { setTimeout as sleep } from 'node:timers/promises'
import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import { ProtocolClient } from '../support/client.ts'
import type { RunningSystem } from '../support/system.ts'
import type { CampaignClient } from './campaign-dashboard.ts'
import type { CampaignDevice } from './campaign-device.ts'
import type { Act, PlannedFault, SeamRule } from './nemesis.ts'
import { seeded } from './random.ts'

export interface Field {
  readonly system: RunningSystem
  readonly devices: readonly CampaignDevice[]
  readonly clients: readonly CampaignClient[]
  /** Of somebody whose connection may be spoiled. */
  readonly floodToken: string
  readonly log: (line: string) => void
}

type Strike<K extends Act['kind']> = Exclude<Extract<Act, { kind: K }>, { kind: 'seam' }>

/** Starts and ends faults as planned. A rule at a seam ends by itself, at its `untilMs`. */
export class Nemesis {
  readonly #field: Field
  readonly #injected = new Map<string, number>()

  constructor(field: Field) {
    this.#field = field
  }

  /** `seed` begins the draws of the seams anew. */
  async run(
    plan: readonly PlannedFault[],
    options: { readonly seed: number; readonly lengthMs: number },
  ): Promise<void> {
    await this.#post({ seed: options.seed, rules: [] })
    const startedMs = Date.now()
    await Promise.all(
      plan.map(async (fault) => {
        await sleep(Math.max(0, startedMs + fault.at * options.lengthMs - Date.now()))
        this.#field.log(`${fault.id} ${fault.name}, ${fault.durationMs} ms`)
        const undo = await this.#begin(fault)
        await sleep(fault.durationMs)
        for (const one of undo) one()
      }),
    )
  }

  /** Removes every fault; how many were injected, by seam and kind or by act. */
  async stop(): Promise<ReadonlyMap<string, number>> {
    const response = await fetch(this.#url)
    const { rules } = (await response.json()) as {
      rules: { rule: SeamRule; injected: number }[]
    }
    for (const { rule, injected } of rules) {
      this.#count(`${rule.seam} ${String(rule.fault['kind'])}`, injected)
    }
    await fetch(this.#url, { method: 'DELETE' })
    return this.#injected
  }

  get #url(): string {
    return `${this.#field.system.endpoints.aws}/_gaugeline/faults`
  }

  #count(what: string, times: number): void {
    this.#injected.set(what, (this.#injected.get(what) ?? 0) + times)
  }

  async #begin(fault: PlannedFault): Promise<(() => void)[]> {
    const random = seeded(fault.seed)
    const undo: (() => void)[] = []
    const rules: object[] = []
    for (const act of fault.acts) {
      if (act.kind === 'seam') {
        const rule = this.#aimed(act.rule, random)
        rules.push({ ...rule, untilMs: Date.now() + fault.durationMs })
      } else undo.push(...this.#strike(act, random))
    }
    if (rules.length > 0) await this.#post({ rules })
    return undo
  }

  #strike(act: Exclude<Act, { kind: 'seam' }>, random: ReturnType<typeof seeded>): (() => void)[] {
    const { devices, clients } = this.#field
    if (act.kind === 'flood') {
      this.#count('flood', 1)
      void this.#flood()
      return []
    }
    const chosen = <T>(items: readonly T[]): T[] => items.filter(() => random.next() < act.share)
    switch (act.kind) {
      case 'cut-sockets':
      case 'close-sockets':
      case 'delete-sockets':
      case 'stall-sockets': {
        const hit = chosen(clients)
        this.#count(act.kind, hit.length)
        return hit.flatMap((client) => this.#strikeClient(act, client))
      }
      case 'reset-devices':
      case 'reboot-devices':
      case 'rob-devices':
      case 'trespass':
      case 'clock-back':
      case 'poison': {
        const hit = chosen(devices)
        this.#count(act.kind, hit.length)
        return hit.flatMap((device) => strikeDevice(act, device))
      }
    }
  }

  #strikeClient(
    act: Strike<'cut-sockets' | 'close-sockets' | 'delete-sockets' | 'stall-sockets'>,
    client: CampaignClient,
  ): (() => void)[] {
    if (act.kind === 'cut-sockets') client.cut()
    else if (act.kind === 'close-sockets') client.close()
    else if (act.kind === 'stall-sockets') return [client.stall()]
    else void this.#deleteConnection(client.connectionId)
    return []
  }

  /** As the server does to a socket of a token that has ended. */
  async #deleteConnection(connectionId: string | undefined): Promise<void> {
    const { management: endpoint, region } = this.#field.system.endpoints
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
    const api = new ApiGatewayManagementApiClient({ endpoint, region, credentials, maxAttempts: 1 })
    const command = new DeleteConnectionCommand({ ConnectionId: connectionId })
    // It may have gone before.
    await api.send(command).catch((): undefined => undefined)
  }

  /** Five hundred messages at once: the socket is closed for it, nobody else notices. */
  async #flood(): Promise<void> {
    const { system, floodToken } = this.#field
    const url = system.endpoints.websocket
    const client = await ProtocolClient.connect(url, floodToken).catch((): undefined => undefined)
    for (let id = 1; id <= 500; id++) {
      const subscriptions = [{ sid: 1, topic: 'plant-1/#', mode: 'latest' }]
      client?.socket.send(JSON.stringify({ action: 'subscribe', id, subscriptions }))
    }
    await sleep(3_000)
    client?.cut()
  }

  #aimed(rule: SeamRule, random: ReturnType<typeof seeded>): SeamRule {
    const { clients, system } = this.#field
    if (rule.target === undefined || !rule.target.startsWith('$')) return rule
    const aim = rule.target.slice(1)
    if (aim === 'dashboard') {
      return { ...rule, target: random.pick(clients).connectionId ?? 'none' }
    }
    const named = Object.entries(system.endpoints.functions).find(([name]) =>
      name.toLowerCase().startsWith(aim),
    )
    if (!named) throw new Error(`the system has no function ${aim}`)
    return { ...rule, target: named[1] }
  }

  async #post(body: object): Promise<void> {
    const answer = await fetch(this.#url, { method: 'POST', body: JSON.stringify(body) })
    if (!answer.ok) throw new Error(`the fault endpoint refused: ${await answer.text()}`)
  }
}

function strikeDevice(
  act: Strike<
    'reset-devices' | 'reboot-devices' | 'rob-devices' | 'trespass' | 'clock-back' | 'poison'
  >,
  device: CampaignDevice,
): (() => void)[] {
  switch (act.kind) {
    case 'reset-devices':
      device.reset()
      return []
    case 'reboot-devices':
      device.reboot()
      return []
    case 'rob-devices':
      void device.rob()
      return []
    case 'trespass':
      device.trespass()
      return []
    case 'poison':
      void Promise.all(Array.from({ length: act.count }, () => device.publishPoison()))
      return []
    case 'clock-back':
      device.setClockBack(act.ms)
      return [
        () => {
          device.setClockBack(0)
        },
      ]
  }
}
