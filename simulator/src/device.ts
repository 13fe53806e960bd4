import {
  commandResultTopic,
  commandTopic,
  demandTopic,
  telemetryTopic,
  type TelemetryPayload,
} from '@gaugeline/backend/protocol'
import { carryOut, type Controls } from './commands/carry-out.ts'
import { commandDesk, parseCommand } from './commands/command-desk.ts'
import { Pace } from './pace.ts'
import type { Random } from './random.ts'
import type { Report } from './report.ts'
import type { SensorFault } from './scenario/schema.ts'
import type { DeviceSignal } from './signal/device-signal.ts'
import type { Profile } from './signal/profile.ts'
import { applySensorFaults } from './signal/sensor-faults.ts'
import { setPoints } from './signal/set-points.ts'
import { Answers } from './transport/answers.ts'
import { MqttLink, type LinkEvents } from './transport/mqtt-link.ts'
import { Outbox, type Queued } from './transport/outbox.ts'

const maxInFlight = 20
const maxReadingsPerMessage = 50
/** A reboot takes so long; meanwhile the device is offline and samples nothing. */
const rebootMs = 1_500

export interface DeviceOptions {
  readonly site: string
  readonly id: string
  readonly url: string
  /** False: without the user name that stands for a certificate, for brokers that do not know it. */
  readonly identify: boolean
  readonly channels: Profile['channels']
  readonly signal: DeviceSignal
  readonly random: Random
  readonly intervalMs: number
  /** The time between readings while nobody watches; without it, watchers make no difference. */
  readonly idleIntervalMs?: number | undefined
  readonly jitterMs: number
  readonly faults: readonly SensorFault[]
  readonly startedMs: number
  readonly report: Report
  /** Puts the device's next sample onto the schedule; {@link Device.sample} is called when it is due. */
  readonly schedule: (dueMs: number, device: Device) => void
  readonly log: (event: string, facts: Record<string, unknown>) => void
}

/** A simulated device: samples its signal, publishes at least once with its own clock and counter, and answers commands. */
export class Device {
  readonly id: string
  readonly #options: DeviceOptions
  readonly #link: MqttLink
  readonly #outbox = new Outbox()
  readonly #answers: Answers
  readonly #desk: ReturnType<typeof commandDesk>
  readonly #pace: Pace
  readonly #setPoints: ReturnType<typeof setPoints>
  #boot: string
  #bootCount = 0
  #n = 0
  #inFlight = 0
  /** When the next sample is due; a rate that changes leaves older entries on the schedule. */
  #dueMs = 0
  #lastSampleMs = 0
  /** The reboot that is under way. */
  #rebooting: Promise<string> | undefined
  #onConnected: (() => void) | undefined

  constructor(options: DeviceOptions) {
    this.id = options.id
    this.#options = options
    this.#pace = new Pace(options.intervalMs, options.idleIntervalMs)
    this.#setPoints = setPoints(options.channels)
    this.#boot = this.#newBoot()
    this.#link = new MqttLink({
      url: options.url,
      clientId: options.id,
      ...(options.identify ? { username: `thing:${options.site}/${options.id}` } : {}),
      // The second is part of the first, but IoT Core sends what is retained only to whom names its topic (aws-behaviour I12).
      subscribe: [
        commandTopic(options.site, options.id, '+'),
        demandTopic(options.site, options.id),
      ],
      random: options.random,
      events: this.#linkEvents(),
    })
    this.#answers = new Answers((topic, payload) => this.#link.publish(topic, payload))
    this.#desk = commandDesk({
      carryOut: (request) => carryOut(request, this.#controls()),
      answer: (commandId, result) => {
        this.#answers.add(commandResultTopic(options.site, options.id, commandId), result)
      },
      now: Date.now,
    })
  }

  get buffered(): number {
    return this.#outbox.size + this.#inFlight
  }

  /** Connects, and samples from then on. */
  start(firstDueMs: number): void {
    this.#link.connect()
    this.#scheduleAt(firstDueMs)
  }

  /** Samples at `nowMs` what was due then, and schedules the next one; an entry that a change of rate left behind does nothing. */
  sample(dueMs: number, nowMs: number): void {
    if (dueMs !== this.#dueMs) return
    const { random, jitterMs, report } = this.#options
    this.#lastSampleMs = dueMs
    if (!this.#rebooting) this.#take(dueMs)
    report.lagged(nowMs - dueMs)
    const jitter = (random.next() - 0.5) * 2 * jitterMs
    this.#scheduleAt(dueMs + Math.max(1, this.#pace.intervalMs + jitter))
  }

  blackout(durationMs: number): void {
    this.#link.blackout(durationMs)
  }

  async stop(): Promise<void> {
    await this.#link.stop()
  }

  #take(dueMs: number): void {
    const { report, faults, startedMs, random, signal } = this.#options
    const metrics = applySensorFaults(this.#setPoints.apply(signal(dueMs), dueMs), {
      faults,
      elapsedMs: dueMs - startedMs,
      random,
    })
    const reading: TelemetryPayload = {
      ts: Math.round(dueMs),
      boot: this.#boot,
      n: ++this.#n,
      metrics,
    }
    report.scheduled++
    const before = this.#outbox.dropped
    this.#outbox.push({ reading, intendedMs: dueMs })
    report.dropped += this.#outbox.dropped - before
    this.#flush()
  }

  #scheduleAt(dueMs: number): void {
    this.#dueMs = dueMs
    this.#options.schedule(dueMs, this)
  }

  /** A new rate holds from the last reading on, not only after a next one that may be an hour away. */
  #reschedule(): void {
    const dueMs = Math.max(Date.now(), this.#lastSampleMs + this.#pace.intervalMs)
    if (dueMs !== this.#dueMs) this.#scheduleAt(dueMs)
  }

  #flush(): void {
    while (this.#link.isConnected && this.#outbox.size > 0 && this.#inFlight < maxInFlight) {
      void this.#send(this.#outbox.take(maxReadingsPerMessage))
    }
  }

  async #send(items: readonly Queued[]): Promise<void> {
    const { site, id, report } = this.#options
    this.#inFlight += items.length
    const [first] = items
    const body = items.length === 1 && first ? first.reading : items.map((item) => item.reading)
    const isAcknowledged = await this.#link.publish(telemetryTopic(site, id), JSON.stringify(body))
    this.#inFlight -= items.length
    if (!isAcknowledged) {
      this.#outbox.putBack(items)
      return
    }
    const nowMs = Date.now()
    for (const item of items) report.acked(item.intendedMs, nowMs)
    this.#flush()
  }

  #linkEvents(): LinkEvents {
    const { report, log, id } = this.#options
    return {
      connected: () => {
        report.connects++
        log('device.connected', { device: id })
        this.#onConnected?.()
        void this.#answers.flush()
        this.#flush()
      },
      disconnected: (reason) => {
        report.disconnects++
        log('device.disconnected', { device: id, reason })
      },
      message: (topic, payload) => {
        this.#onMessage(topic, payload)
      },
    }
  }

  #onMessage(topic: string, payload: Buffer): void {
    const { site, id, report, log } = this.#options
    if (topic === demandTopic(site, id)) {
      if (this.#pace.takeDemand(payload)) this.#reschedule()
      return
    }
    const request = parseCommand(payload)
    if (!request) {
      log('command.unreadable', { device: id, topic })
      return
    }
    report.commands++
    log('command.received', { device: id, command: request.name })
    void this.#desk.take(request)
  }

  #controls(): Controls {
    return {
      setInterval: (ms) => {
        this.#pace.set(ms)
        this.#reschedule()
      },
      reboot: () => (this.#rebooting ??= this.#restart()),
      identify: (seconds) => {
        this.#options.log('device.identify', { device: this.id, seconds })
      },
      setPoint: (metric, value) => this.#setPoints.set(metric, value),
    }
  }

  /** Back after a moment offline, under a new boot id: everything it was told is forgotten, readings that wait are not. */
  async #restart(): Promise<string> {
    await this.#answers.flush()
    const back = new Promise<void>((resolve) => {
      this.#onConnected = resolve
    })
    this.#link.blackout(rebootMs)
    await back
    this.#boot = this.#newBoot()
    this.#n = 0
    this.#pace.reset()
    this.#setPoints.clear()
    this.#rebooting = undefined
    this.#reschedule()
    return this.#boot
  }

  #newBoot(): string {
    return `b${(this.#options.startedMs + ++this.#bootCount).toString(36)}`
  }
}
