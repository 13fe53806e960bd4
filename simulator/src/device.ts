import {
  commandTopic,
  demandTopic,
  telemetryTopic,
  type TelemetryPayload,
} from '@gaugeline/backend/protocol'
import type { SecureContext } from 'node:tls'
import { setTimeout as sleep } from 'node:timers/promises'
import { carryOut, type Controls } from './commands/carry-out.ts'
import { Inbox } from './commands/inbox.ts'
import type { ActiveFault } from './faults/active-fault.ts'
import type { Tally } from './metrics/tally.ts'
import { Pace } from './pace.ts'
import type { Random } from './random.ts'
import type { DeviceSignal } from './signal/device-signal.ts'
import type { Profile } from './signal/profile.ts'
import { applySensorFaults } from './signal/sensor-faults.ts'
import { setPoints } from './signal/set-points.ts'
import type { ConnectGate } from './transport/connect-gate.ts'
import { Courier } from './transport/courier.ts'
import { MqttLink, type LinkEvents } from './transport/mqtt-link.ts'

/** A reboot takes so long; meanwhile the device is offline and samples nothing. */
const rebootMs = 1_500

export interface DeviceOptions {
  readonly site: string
  readonly id: string
  readonly url: string
  /** False: without the user name that stands for a certificate, for brokers that do not know it. */
  readonly identify: boolean
  readonly secureContext?: SecureContext | undefined
  readonly gate: ConnectGate
  readonly channels: Profile['channels']
  readonly signal: DeviceSignal
  readonly random: Random
  readonly intervalMs: number
  /** The time between readings while nobody watches; without it, watchers make no difference. */
  readonly idleIntervalMs?: number | undefined
  readonly jitterMs: number
  readonly startedMs: number
  readonly tally: Tally
  /** Puts the device's next sample onto the schedule; {@link Device.sample} is called when it is due. */
  readonly schedule: (dueMs: number, device: Device) => void
  /** A reading was acknowledged. */
  readonly acked: (device: Device, reading: TelemetryPayload) => void
  readonly log: (event: string, facts: Record<string, unknown>) => void
}

/** A simulated device: samples its signal, publishes at least once with its own clock and counter, and answers commands. */
export class Device {
  readonly id: string
  readonly site: string
  /** The faults of its sensors that are under way. */
  readonly faults = new Set<ActiveFault>()
  readonly #options: DeviceOptions
  readonly #link: MqttLink
  readonly #courier: Courier
  readonly #inbox: Inbox
  readonly #pace: Pace
  readonly #setPoints: ReturnType<typeof setPoints>
  #boot: string
  #bootCount = 0
  #n = 0
  #isPresent = false
  /** When the next sample is due; a rate that changes leaves older entries on the schedule. */
  #dueMs = Infinity
  #lastSampleMs = 0
  /** The reboot that is under way. */
  #rebooting: Promise<string> | undefined
  #onConnected: (() => void) | undefined

  constructor(options: DeviceOptions) {
    this.id = options.id
    this.site = options.site
    this.#options = options
    this.#pace = new Pace(options.intervalMs, options.idleIntervalMs)
    this.#setPoints = setPoints(options.channels)
    this.#boot = this.#newBoot()
    this.#link = this.#newLink()
    this.#courier = this.#newCourier()
    this.#inbox = this.#newInbox()
  }

  /** Readings that are not acknowledged yet. */
  get buffered(): number {
    return this.#courier.buffered
  }

  get isConnected(): boolean {
    return this.#link.isConnected
  }

  /** Connects, and samples from then on; `intendedMs`: when it was to connect. One that was away counts on where it stopped. */
  join(intendedMs: number, firstDueMs: number): void {
    this.#isPresent = true
    this.#link.connect(intendedMs)
    this.#scheduleAt(firstDueMs)
  }

  /** Samples no more, waits a moment for what is not acknowledged, and says goodbye. */
  async leave(waitMs: number): Promise<void> {
    this.#isPresent = false
    this.#dueMs = Infinity
    if (this.#link.isConnected) {
      const timeout = new AbortController()
      const waited = sleep(waitMs, undefined, { signal: timeout.signal }).catch(() => undefined)
      await Promise.race([this.#courier.whenIdle(), waited])
      timeout.abort()
    }
    // It may have been called back meanwhile.
    if (this.#isAway()) await this.#link.disconnect()
  }

  #isAway(): boolean {
    return !this.#isPresent
  }

  /** Samples at `nowMs` what was due then, and schedules the next one; an entry that a change of rate left behind does nothing. */
  sample(dueMs: number, nowMs: number): void {
    if (dueMs !== this.#dueMs) return
    const { random, jitterMs, tally } = this.#options
    this.#lastSampleMs = dueMs
    if (!this.#rebooting) this.#take(dueMs)
    tally.lagged(nowMs - dueMs)
    const jitter = (random.next() - 0.5) * 2 * jitterMs
    this.#scheduleAt(dueMs + Math.max(1, this.#pace.intervalMs + jitter))
  }

  /** A stage's rate. What is left of the wait shrinks or grows with it, so that a fleet does not send at one instant. */
  setRate(factor: number, nowMs: number): void {
    const beforeMs = this.#pace.intervalMs
    this.#pace.setFactor(factor)
    const leftMs = Math.max(0, this.#dueMs - nowMs)
    if (this.#isPresent) this.#scheduleAt(nowMs + (leftMs * this.#pace.intervalMs) / beforeMs)
  }

  /** Cuts the link: for a while, or until the device's own next attempt. False: the device is away. */
  cut(durationMs?: number): boolean {
    return this.#link.cut(durationMs)
  }

  #take(dueMs: number): void {
    const { tally, random, signal } = this.#options
    const metrics = applySensorFaults(this.#setPoints.apply(signal(dueMs), dueMs), {
      faults: this.faults,
      nowMs: dueMs,
      random,
    })
    tally.due++
    const reading = { ts: Math.round(dueMs), boot: this.#boot, n: ++this.#n, metrics }
    this.#courier.take(reading, dueMs)
  }

  #scheduleAt(dueMs: number): void {
    this.#dueMs = dueMs
    this.#options.schedule(dueMs, this)
  }

  /** A new rate holds from the last reading on, not only after a next one that may be an hour away. */
  #reschedule(): void {
    if (!this.#isPresent) return
    const dueMs = Math.max(Date.now(), this.#lastSampleMs + this.#pace.intervalMs)
    if (dueMs !== this.#dueMs) this.#scheduleAt(dueMs)
  }

  #newCourier(): Courier {
    const { site, id, tally, acked } = this.#options
    return new Courier({
      publish: (payload) => this.#link.publish(telemetryTopic(site, id), payload),
      isConnected: () => this.#link.isConnected,
      acked: ({ reading, intendedMs }, sentMs, nowMs) => {
        tally.acked(intendedMs, sentMs, nowMs)
        acked(this, reading)
      },
      dropped: (count) => {
        tally.dropped += count
      },
      now: Date.now,
    })
  }

  #newLink(): MqttLink {
    const { site, id, url, identify, secureContext, gate, random } = this.#options
    return new MqttLink({
      url,
      clientId: id,
      ...(identify ? { username: `thing:${site}/${id}` } : {}),
      secureContext,
      gate,
      // The second is part of the first, but IoT Core sends what is retained only to whom names its topic (aws-behaviour I12).
      subscribe: [commandTopic(site, id, '+'), demandTopic(site, id)],
      random,
      events: this.#linkEvents(),
    })
  }

  #linkEvents(): LinkEvents {
    const { tally, log, id } = this.#options
    return {
      connected: (latencyMs) => {
        tally.connected(latencyMs)
        log('device.connected', { device: id })
        this.#onConnected?.()
        void this.#inbox.flush()
        this.#courier.flush()
      },
      failed: (reason) => {
        tally.failed(reason)
        log('device.unreachable', { device: id, reason })
      },
      lost: (reason) => {
        tally.lost++
        log('device.disconnected', { device: id, reason })
      },
      cut: () => {
        log('device.cut', { device: id })
      },
      message: (topic, payload) => {
        this.#inbox.take(topic, payload)
      },
    }
  }

  #newInbox(): Inbox {
    const { site, id, tally, log } = this.#options
    return new Inbox({
      site,
      id,
      log,
      publish: (topic, payload) => this.#link.publish(topic, payload),
      carryOut: (request) => carryOut(request, this.#controls()),
      demand: (payload) => {
        if (this.#pace.takeDemand(payload)) this.#reschedule()
      },
      received: ({ name }) => {
        tally.commands++
        log('command.received', { device: id, command: name })
      },
    })
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
    await this.#inbox.flush()
    const back = new Promise<void>((resolve) => {
      this.#onConnected = resolve
    })
    this.#link.cut(rebootMs)
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
