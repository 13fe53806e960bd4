import type { SecureContext } from 'node:tls'
import type { TelemetryPayload } from '@gaugeline/backend/protocol'
import type { Device } from '../device.ts'
import type { FaultLabel } from '../faults/fault-run.ts'
import type { Figures } from '../metrics/figures.ts'
import { Tally } from '../metrics/tally.ts'
import type { Scenario } from '../scenario/schema.ts'
import { plannedMs } from '../scenario/shape.ts'
import { Schedule } from '../schedule.ts'
import { evaluate, type Threshold } from '../thresholds/thresholds.ts'
import { isLasting } from '../transport/connect-failure.ts'
import type { Login } from '../transport/mqtt-link.ts'
import { ConnectGate } from '../transport/connect-gate.ts'
import { Engine, type DrivenDevice } from './engine.ts'
import { makeDevices, type Member } from './make-devices.ts'
import { progressOf, type Progress } from './progress.ts'
import { ResourceMeter, type Resources } from './resources.ts'

const tickMs = 10
const watchMs = 250
/** Connects that are under way; the others wait for their turn. */
const connectsAtOnce = 100
/** How long the last acknowledgements are waited for at the end. */
const settleMs = 3_000
/** Nothing has connected since the first failure: given up after so long, by whether waiting may help. */
const patienceMs = { lasting: 2_000, passing: 15_000 }

/** The signals begin on a Monday at eight, whenever a run is made: the same seed gives the same values. */
const signalEpochMs = Date.UTC(2026, 0, 5, 8)

/** Sees what was delivered at the other end of the system. */
export interface Observer {
  /** A reading was acknowledged by the broker. */
  acked(device: Device, reading: TelemetryPayload): void
  /** Acknowledged readings of the devices that are watched. */
  readonly acknowledged: number
  figures(seconds: number): Figures
  /** Waits for what is under way, looks up what did not come, and ends; at once when `hurry` aborts. */
  settle(hurry?: AbortSignal): Promise<void>
}

export interface RunOptions {
  readonly url: string
  /** The time of the first readings, epoch ms; now if absent. */
  readonly start?: number | undefined
  readonly identify: boolean
  readonly login?: Login | undefined
  readonly secureContext?: SecureContext | undefined
  readonly thresholds: readonly Threshold[]
  /** Ends the run before its time. */
  readonly signal: AbortSignal
  /** Ends the waiting for goodbyes and for what is under way. */
  readonly hurry?: AbortSignal | undefined
  readonly log: (event: string, facts: Record<string, unknown>) => void
  /** Called four times a second. */
  readonly watch?: (progress: Progress) => void
  /** The truth about each injected fault, when it is over. */
  readonly label?: (label: FaultLabel) => void
  readonly observer?: Observer | undefined
}

/** How a run ended. `completed`: as planned; `unreachable`: nothing ever connected; `aborted`: by a threshold. */
export type Ending = 'completed' | 'interrupted' | 'aborted' | 'unreachable'

export interface RunResult {
  readonly ending: Ending
  /** Epoch milliseconds. */
  readonly startedMs: number
  readonly seconds: number
  readonly figures: Figures
  readonly connects: number
  readonly failures: ReadonlyMap<string, number>
  readonly commands: number
  /** Acknowledged readings of the devices that an observer watched. */
  readonly observed: number | undefined
  readonly labels: readonly FaultLabel[]
  readonly resources: Resources
  readonly peakDevices: number
}

/** Runs a scenario to its planned end, or until the signal aborts, a threshold says so, or nothing can connect. */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<RunResult> {
  const run = new Run(scenario, options)
  const ending = await run.ended()
  return run.finish(ending)
}

class Run {
  readonly #scenario: Scenario
  readonly #options: RunOptions
  readonly #meter = new ResourceMeter()
  readonly #tally = new Tally()
  readonly #startedMs: number
  readonly #members: readonly Member[]
  readonly #engine: Engine
  readonly #labels: FaultLabel[] = []
  #peakDevices = 0
  #firstFailureMs: number | undefined
  #last: Progress | undefined

  constructor(scenario: Scenario, options: RunOptions) {
    this.#scenario = scenario
    this.#options = options
    const schedule = new Schedule<DrivenDevice>()
    const clock = { startedMs: 0, readingsFromMs: 0 }
    this.#members = makeDevices(scenario, {
      ...options,
      clock,
      bootMs: options.start ?? Date.now(),
      signalEpochMs: options.start ?? signalEpochMs,
      gate: new ConnectGate(connectsAtOnce),
      tally: this.#tally,
      schedule: (dueMs, device) => {
        schedule.add(dueMs, device)
      },
      acked: (device, reading) => {
        options.observer?.acked(device, reading)
      },
    })
    const label = (one: FaultLabel): void => {
      this.#labels.push(one)
      options.label?.(one)
    }
    // Making devices takes time that is not the run's.
    this.#startedMs = clock.startedMs = Date.now()
    clock.readingsFromMs = options.start ?? this.#startedMs
    this.#meter.start()
    const [members, startedMs] = [this.#members, this.#startedMs]
    this.#engine = new Engine({ scenario, members, schedule, startedMs, now: Date.now, label })
  }

  /** Resolves when the run is to end, with the reason. */
  async ended(): Promise<Ending> {
    const { signal } = this.#options
    const totalMs = plannedMs(this.#scenario)
    const timers: NodeJS.Timeout[] = []
    const ending = await new Promise<Ending>((resolve) => {
      if (signal.aborted) {
        resolve('interrupted')
        return
      }
      signal.addEventListener('abort', () => {
        resolve('interrupted')
      })
      timers.push(
        setInterval(() => {
          this.#engine.tick(Date.now())
        }, tickMs),
        setInterval(() => {
          this.#look(resolve)
        }, watchMs),
      )
      if (totalMs !== undefined)
        timers.push(
          setTimeout(() => {
            resolve('completed')
          }, totalMs),
        )
    })
    for (const timer of timers) clearInterval(timer)
    return ending
  }

  async finish(ending: Ending): Promise<RunResult> {
    const { observer } = this.#options
    const endMs = Date.now()
    const seconds = Math.max(0.001, (endMs - this.#startedMs) / 1_000)
    const resources = this.#meter.stop(this.#peakDevices)
    const { hurry } = this.#options
    await this.#engine.stop(endMs, settleMs, hurry)
    await observer?.settle(hurry)
    const nothingConnected = this.#tally.connects === 0 && this.#tally.due > 0
    return {
      ending: ending === 'completed' && nothingConnected ? 'unreachable' : ending,
      startedMs: this.#startedMs,
      seconds,
      figures: this.#figures(seconds, { isOver: true }),
      connects: this.#tally.connects,
      failures: this.#tally.failures,
      commands: this.#tally.commands,
      observed: observer?.acknowledged,
      labels: this.#labels,
      resources,
      peakDevices: this.#peakDevices,
    }
  }

  #figures(seconds: number, { isOver }: { readonly isOver: boolean }): Figures {
    const nowMs = Date.now()
    const waitingMs: number[] = []
    for (const { device } of this.#members) {
      device.eachWaiting((intendedMs) => waitingMs.push(nowMs - intendedMs))
    }
    return {
      ...this.#tally.figures({ waitingMs, seconds, isOver }),
      'loop.lag': { kind: 'latency', latencies: this.#meter.loopLag },
      ...this.#options.observer?.figures(seconds),
    }
  }

  #look(end: (ending: Ending) => void): void {
    const nowMs = Date.now()
    this.#peakDevices = Math.max(this.#peakDevices, this.#engine.present)
    if (this.#isUnreachable(nowMs)) end('unreachable')
    else if (this.#isBroken(nowMs)) end('aborted')
    this.#last = progressOf({
      nowMs,
      startedMs: this.#startedMs,
      scenario: this.#scenario,
      engine: this.#engine,
      members: this.#members,
      tally: this.#tally,
      meter: this.#meter,
      before: this.#last,
    })
    this.#options.watch?.(this.#last)
  }

  #isUnreachable(nowMs: number): boolean {
    const { connects, failures } = this.#tally
    if (connects > 0 || failures.size === 0) return false
    this.#firstFailureMs ??= nowMs
    const isWorthWaiting = [...failures.keys()].some((reason) => !isLasting(reason))
    const limitMs = isWorthWaiting ? patienceMs.passing : patienceMs.lasting
    return nowMs - this.#firstFailureMs >= limitMs
  }

  /** A threshold with `abortOnFail` does not hold, though it could be judged. */
  #isBroken(nowMs: number): boolean {
    const elapsedMs = nowMs - this.#startedMs
    const watched = this.#options.thresholds.filter(
      ({ abortOnFail, afterMs }) => abortOnFail && elapsedMs >= afterMs,
    )
    if (watched.length === 0) return false
    const figures = this.#figures(Math.max(0.001, elapsedMs / 1_000), { isOver: false })
    return watched
      .map((threshold) => evaluate(threshold, figures))
      .some(({ isMet, actual }) => !isMet && actual !== undefined)
  }
}
