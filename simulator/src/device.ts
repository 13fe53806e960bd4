import {
  commandResultTopic,
  demandTopic,
  telemetryTopic,
  type CommandRequest,
  type CommandResult,
  type TelemetryPayload,
} from '@gaugeline/backend/protocol'
import type { Random } from './random.ts'
import type { Report } from './report.ts'
import type { SensorFault } from './scenario/schema.ts'
import type { DeviceSignal } from './signal/device-signal.ts'
import { applySensorFaults } from './signal/sensor-faults.ts'
import { MqttLink } from './transport/mqtt-link.ts'
import { Outbox, type Queued } from './transport/outbox.ts'

const maxInFlight = 20
const maxReadingsPerMessage = 50

export interface DeviceOptions {
  readonly site: string
  readonly id: string
  readonly url: string
  /** False: without the user name that stands for a certificate, for brokers that do not know it. */
  readonly identify: boolean
  readonly signal: DeviceSignal
  readonly random: Random
  readonly intervalMs: number
  readonly jitterMs: number
  readonly faults: readonly SensorFault[]
  readonly startedMs: number
  readonly report: Report
  readonly log: (event: string, facts: Record<string, unknown>) => void
}

/** A simulated device: samples its signal, publishes at least once with its own clock and counter, and answers commands. */
export class Device {
  readonly id: string
  readonly #options: DeviceOptions
  readonly #link: MqttLink
  readonly #outbox = new Outbox()
  readonly #telemetryTopic: string
  #boot: string
  #bootCount = 0
  #n = 0
  #inFlight = 0
  #intervalMs: number
  /** How far commands moved a channel from where it would be. */
  readonly #setPoints = new Map<string, number>()

  constructor(options: DeviceOptions) {
    this.id = options.id
    this.#options = options
    this.#intervalMs = options.intervalMs
    this.#boot = this.#newBoot()
    this.#telemetryTopic = telemetryTopic(options.site, options.id)
    this.#link = new MqttLink({
      url: options.url,
      clientId: options.id,
      ...(options.identify ? { username: `thing:${options.site}/${options.id}` } : {}),
      subscribe: [`cmd/${options.site}/${options.id}/+`],
      random: options.random,
      events: {
        connected: () => {
          options.report.connects++
          options.log('device.connected', { device: options.id })
          this.#flush()
        },
        disconnected: (reason) => {
          options.report.disconnects++
          options.log('device.disconnected', { device: options.id, reason })
        },
        message: (topic, payload) => {
          this.#onMessage(topic, payload)
        },
      },
    })
  }

  get buffered(): number {
    return this.#outbox.size + this.#inFlight
  }

  connect(): void {
    this.#link.connect()
  }

  /** Samples at `nowMs`; returns when the next sample is due. */
  sample(dueMs: number, nowMs: number): number {
    const { report, faults, startedMs, random, jitterMs, signal } = this.#options
    const values = applySensorFaults(signal(dueMs), {
      faults,
      elapsedMs: dueMs - startedMs,
      random,
    })
    for (const [channel, offset] of this.#setPoints) {
      const value = values[channel]
      if (value != null) values[channel] = Number((value + offset).toFixed(3))
    }
    const reading: TelemetryPayload = {
      ts: Math.round(dueMs),
      boot: this.#boot,
      n: ++this.#n,
      metrics: values,
    }
    report.scheduled++
    report.lagged(nowMs - dueMs)
    const before = this.#outbox.dropped
    this.#outbox.push({ reading, intendedMs: dueMs })
    report.dropped += this.#outbox.dropped - before
    this.#flush()
    return dueMs + Math.max(1, this.#intervalMs + (random.next() - 0.5) * 2 * jitterMs)
  }

  blackout(durationMs: number): void {
    this.#link.blackout(durationMs)
  }

  async stop(): Promise<void> {
    await this.#link.stop()
  }

  #flush(): void {
    while (this.#link.isConnected && this.#outbox.size > 0 && this.#inFlight < maxInFlight) {
      void this.#send(this.#outbox.take(maxReadingsPerMessage))
    }
  }

  async #send(items: readonly Queued[]): Promise<void> {
    this.#inFlight += items.length
    const [first] = items
    const body = items.length === 1 && first ? first.reading : items.map((item) => item.reading)
    const isAcknowledged = await this.#link.publish(this.#telemetryTopic, JSON.stringify(body))
    this.#inFlight -= items.length
    if (!isAcknowledged) {
      this.#outbox.putBack(items)
      return
    }
    const nowMs = Date.now()
    for (const item of items) this.#options.report.acked(item.intendedMs, nowMs)
    this.#flush()
  }

  #newBoot(): string {
    return `b${(this.#options.startedMs + ++this.#bootCount).toString(36)}`
  }

  #onMessage(topic: string, payload: Buffer): void {
    const { site, id } = this.#options
    if (topic === demandTopic(site, id) || topic.endsWith('/result')) return
    const request = parseCommand(payload)
    if (!request) {
      this.#options.log('command.unreadable', { device: id, topic })
      return
    }
    void this.#answer(request)
  }

  async #answer(request: CommandRequest): Promise<void> {
    const { site, id, report, log } = this.#options
    const topic = commandResultTopic(site, id, request.commandId)
    const reply = (result: CommandResult): Promise<boolean> =>
      this.#link.publish(topic, JSON.stringify(result))
    report.commands++
    log('command.received', { device: id, command: request.name })
    if (request.expiresAt <= Date.now()) return
    await reply({ state: 'acked' })
    await reply(this.#carryOut(request))
  }

  #carryOut({ name, args }: CommandRequest): CommandResult {
    switch (name) {
      case 'setInterval': {
        const ms = args['ms']
        if (typeof ms !== 'number' || !(ms >= 10 && ms <= 3_600_000)) {
          return { state: 'failed', message: 'ms must be a number from 10 to 3600000' }
        }
        this.#intervalMs = ms
        return { state: 'done', value: ms }
      }
      case 'reboot':
        this.#boot = this.#newBoot()
        this.#n = 0
        this.#setPoints.clear()
        return { state: 'done', value: this.#boot }
      case 'identify':
        this.#options.log('device.identify', { device: this.id })
        return { state: 'done', message: `${this.id} blinks` }
      case 'setPoint': {
        const { metric, offset } = args
        if (typeof metric !== 'string' || typeof offset !== 'number' || !Number.isFinite(offset)) {
          return { state: 'failed', message: 'setPoint takes metric (text) and offset (number)' }
        }
        this.#setPoints.set(metric, offset)
        return { state: 'done', value: offset }
      }
      default:
        return { state: 'failed', message: 'this device does not know the command' }
    }
  }
}

function parseCommand(payload: Buffer): CommandRequest | undefined {
  try {
    const value = JSON.parse(payload.toString('utf8')) as Partial<CommandRequest> | null
    return value && typeof value.commandId === 'string' && typeof value.name === 'string'
      ? {
          commandId: value.commandId,
          name: value.name,
          args: value.args ?? {},
          expiresAt: value.expiresAt ?? Infinity,
        }
      : undefined
  } catch {
    return undefined
  }
}
