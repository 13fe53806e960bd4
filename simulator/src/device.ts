import {
  commandTopic,
  demandTopic,
  telemetryTopic,
  type TelemetryPayload,
} from '@gaugeline/backend/protocol'
import type { SecureContext } from 'node:tls'
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
import { MqttLink, type LinkEvents, type Login } from './transport/mqtt-link.ts'

/** A reboot takes so long; meanwhile the device is offline and samples nothing. */
const rebootMs = 1_500

/** Set when the run begins, which is after its devices are made. */
export interface RunClock {
  startedMs: number
  /** The `ts` of the start: the same, unless the run is to be of another time. */
  readingsFromMs: number
}

export interface DeviceOptions {
  readonly site: string
  readonly id: string
  readonly url: string
  /** False: without the user name that stands for a certificate, for brokers that do not know it. */
  readonly identify: boolean
  /** The same for all devices, in place of their names. */
  readonly login?: Login | undefined
  readonly secureContext?: SecureContext | undefined
  readonly gate: ConnectGate
  readonly channels: Profile['channels']
  readonly signal: DeviceSignal
  readonly randoms: Readonly<Record<'jitter' | 'faults' | 'backoff', Random>>
  readonly intervalMs: number
  /** The time between readings while nobody watches; without it, watchers make no difference. */
  readonly idleIntervalMs?: number | undefined
  readonly jitterMs: number
  /** What boot ids are made of. */
  readonly bootMs: number
  /** When the run began, epoch ms, and when it is to have begun by the readings. */
  readonly clock: RunClock
  /** The signals' own time at the start of the run: values do not depend on when a run is made. */
  readonly signalEpochMs: number
  readonly tally: Tally
  /** Puts the device's next sample onto the schedule; {@link Device.sample} is called when it is due. */
  readonly schedule: (dueMs: number, device: Device) => void
  /** A reading was acknowledged. */
  readonly acked: (device: Device, reading: TelemetryPayload) => void
  readonly log: (event: string, facts: Record<string, unknown>) => void
}

/** How a device is to leave. */
export interface Goodbye {
  readonly atMs: number
  /** Until then the last acknowledgements are waited for. */
  readonly limit: Promise<unknown>
  /** When it aborts, nothing is waited for. */
  readonly hurry?: AbortSignal | undefined
  /** The run ends, and with it what faults do to the link: readings that wait for it get their chance. */
  readonly isEnd?: boolean
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
  #hasJoined = false
  /** When the next sample is due; a rate that changes leaves older entries on the schedule. */
  #dueMs = Infinity
  #lastSampleMs = 0
  /** Until when planned readings are counted. */
  #plannedToMs = 0
  /** Where the next reading is due without its jitter. */
  #nominalMs = 0
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

  /**
   * Connects, and samples from then on; `intendedMs`: when it was to connect; `phaseMs`: where the device's readings lie from the start of the run on.
   * One that joins later begins with the next of them, and counts those before it, so that what it sends does not depend on who else joins. One
   * that was away counts on where it stopped.
   */
  join(intendedMs: number, phaseMs: number): void {
    this.#isPresent = true
    this.#link.connect(intendedMs)
    if (this.#hasJoined) this.#restartAt(intendedMs + phaseMs / this.#pace.factor)
    else this.#begin(intendedMs, phaseMs)
    this.#plannedToMs = this.#nominalMs
  }

  #begin(intendedMs: number, phaseMs: number): void {
    this.#hasJoined = true
    this.#nominalMs = this.#options.clock.startedMs + phaseMs
    let dueMs = this.#jittered()
    while (dueMs < intendedMs) {
      this.#measure(dueMs)
      this.#n++
      this.#nominalMs += this.#pace.intervalMs
      dueMs = this.#jittered()
    }
    this.#scheduleAt(dueMs)
  }

  /** Samples no more, waits for what is not acknowledged, and says goodbye. */
  async leave({ atMs, limit, hurry, isEnd = false }: Goodbye): Promise<void> {
    this.#plan(atMs)
    this.#isPresent = false
    this.#dueMs = Infinity
    if (isEnd) this.#link.restore()
    if (this.#link.isConnected || isEnd) await Promise.race([this.#courier.whenIdle(), limit])
    const isAbrupt = hurry?.aborted === true || this.buffered > 0
    // It may have been called back meanwhile.
    if (this.#isAway()) await this.#link.disconnect({ isAbrupt })
  }

  /** Calls `visit` with the instant at which each reading was due that is not acknowledged yet. */
  eachWaiting(visit: (intendedMs: number) => void): void {
    this.#courier.eachWaiting(visit)
  }

  #isAway(): boolean {
    return !this.#isPresent
  }

  /** Samples at `nowMs` what was due then, and schedules the next one; an entry that a change of rate left behind does nothing. */
  sample(dueMs: number, nowMs: number): void {
    if (dueMs !== this.#dueMs) return
    const { tally } = this.#options
    this.#lastSampleMs = dueMs
    if (!this.#rebooting) this.#take(dueMs)
    tally.lagged(nowMs - dueMs)
    this.#nominalMs += this.#pace.intervalMs
    this.#scheduleAt(this.#jittered())
  }

  /** Around an instant that is not moved by it: jitter neither adds up nor changes how many readings there are. Whole milliseconds. */
  #jittered(): number {
    const { randoms, jitterMs } = this.#options
    const jitter = (randoms.jitter.next() - 0.5) * Math.min(2 * jitterMs, this.#pace.intervalMs)
    return Math.round(this.#nominalMs + jitter)
  }

  /** A stage's rate. What is left of the wait shrinks or grows with it, so that a fleet does not send at one instant. */
  setRate(factor: number, nowMs: number): void {
    this.#plan(nowMs)
    const beforeMs = this.#pace.intervalMs
    this.#pace.setFactor(factor)
    const leftMs = Math.max(0, this.#dueMs - nowMs)
    if (this.#isPresent) this.#restartAt(nowMs + (leftMs * this.#pace.intervalMs) / beforeMs)
  }

  /** Cuts the link: for a while, or until the device's own next attempt. False: the device is away. */
  cut(durationMs?: number): boolean {
    return this.#link.cut(durationMs)
  }

  /** Counts what the interval makes due until `nowMs`: what the readings that were taken are held against. */
  #plan(nowMs: number): void {
    if (!this.#isPresent) return
    const elapsedMs = nowMs - this.#plannedToMs
    if (elapsedMs <= 0) return
    if (!this.#rebooting) this.#options.tally.planned += elapsedMs / this.#pace.intervalMs
    this.#plannedToMs = nowMs
  }

  #take(dueMs: number): void {
    const { tally, randoms, clock } = this.#options
    const metrics = applySensorFaults(this.#setPoints.apply(this.#measure(dueMs), dueMs), {
      faults: this.faults,
      nowMs: dueMs,
      random: randoms.faults,
    })
    tally.due++
    const ts = clock.readingsFromMs + dueMs - clock.startedMs
    this.#courier.take({ ts, boot: this.#boot, n: ++this.#n, metrics }, dueMs)
  }

  /** By the signals' own time, in whole milliseconds from the start: the same values whenever the run is made. */
  #measure(dueMs: number): Record<string, number> {
    const { signal, signalEpochMs, clock } = this.#options
    return signal(signalEpochMs + dueMs - clock.startedMs)
  }

  /** A new rhythm, from this reading on. */
  #restartAt(dueMs: number): void {
    this.#nominalMs = dueMs
    this.#scheduleAt(Math.round(dueMs))
  }

  #scheduleAt(dueMs: number): void {
    this.#dueMs = dueMs
    this.#options.schedule(dueMs, this)
  }

  /** A new rate holds from the last reading on, not only after a next one that may be an hour away. */
  #reschedule(): void {
    if (!this.#isPresent) return
    const dueMs = Math.max(Date.now(), this.#lastSampleMs + this.#pace.intervalMs)
    if (dueMs !== this.#dueMs) this.#restartAt(dueMs)
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
      dropped: ({ intendedMs }) => {
        tally.droppedAt(intendedMs, Date.now())
      },
      now: Date.now,
    })
  }

  #newLink(): MqttLink {
    const { site, id, url, identify, login, secureContext, gate, randoms } = this.#options
    return new MqttLink({
      url,
      clientId: id,
      login: login ?? (identify ? { username: `thing:${site}/${id}` } : undefined),
      secureContext,
      gate,
      // The second is part of the first, but IoT Core sends what is retained only to whom names its topic (IOT-12).
      subscribe: [commandTopic(site, id, '+'), demandTopic(site, id)],
      random: randoms.backoff,
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
        this.#plan(Date.now())
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
        this.#plan(Date.now())
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
    this.#plan(Date.now())
    const back = new Promise<void>((resolve) => {
      this.#onConnected = resolve
    })
    this.#link.cut(rebootMs)
    await back
    this.#boot = this.#newBoot()
    this.#n = 0
    this.#plan(Date.now())
    this.#pace.reset()
    this.#setPoints.clear()
    this.#rebooting = undefined
    this.#reschedule()
    return this.#boot
  }

  #newBoot(): string {
    return `b${(this.#options.bootMs + ++this.#bootCount).toString(36)}`
  }
}
