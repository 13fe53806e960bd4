import type { Goodbye } from '../device.ts'
import { sleep } from '../sleep.ts'
import { planFaults } from '../faults/fault-plan.ts'
import { FaultRun, type FaultLabel, type FaultyDevice } from '../faults/fault-run.ts'
import type { Scenario } from '../scenario/schema.ts'
import { stageSpans, type StageSpan } from '../scenario/shape.ts'
import type { Schedule } from '../schedule.ts'
import { rosterOf, type RosterChange } from './roster.ts'

/** Sampling stops for this tick after so long, so that sockets and timers get their turn. */
const sliceMs = 8
/** A device that a stage takes away waits at most so long for its last acknowledgements. */
const leaveWaitMs = 5_000

/** A device as far as the course of a run is concerned; see `device.ts`. */
export interface DrivenDevice extends FaultyDevice {
  join(intendedMs: number, phaseMs: number): void
  /** Resolves when it has said goodbye. */
  leave(goodbye: Goodbye): Promise<void>
  setRate(factor: number, nowMs: number): void
  sample(dueMs: number, nowMs: number): void
}

export interface EngineOptions {
  readonly scenario: Scenario
  /** In the order of joining, each with how long after it has joined its first reading is due. */
  readonly members: readonly DrivenMember[]
  readonly schedule: Schedule<DrivenDevice>
  /** Epoch milliseconds. */
  readonly startedMs: number
  readonly now: () => number
  readonly label: (label: FaultLabel) => void
}

interface DrivenMember {
  readonly device: DrivenDevice
  readonly phaseMs: number
}

/** Drives the devices of a run through its stages, faults and due readings, at the instants at which it is told to. */
export class Engine {
  readonly spans: readonly StageSpan[]
  readonly faults: FaultRun
  readonly #options: EngineOptions
  readonly #roster: RosterChange[]
  readonly #leaving = new Set<Promise<void>>()
  #nextChange = 0
  #rate = 1
  /** Devices that are to be there now. */
  present = 0

  constructor(options: EngineOptions) {
    const { scenario, members, startedMs, label } = options
    this.#options = options
    this.spans = stageSpans(scenario)
    this.#roster = rosterOf(this.spans, scenario.generator)
    this.faults = new FaultRun({
      planned: planFaults(scenario),
      devices: new Map(members.map(({ device }) => [device.id, device])),
      startedMs,
      label,
    })
  }

  /** Does what is due at `nowMs`. */
  tick(nowMs: number): void {
    this.#changeRate(nowMs)
    this.#changeRoster(nowMs)
    this.faults.begin(nowMs)
    this.#sample()
    // Readings that this slice left for the next one still have their faults.
    this.faults.end(Math.min(nowMs, this.#options.schedule.nextDueMs ?? nowMs))
  }

  /** The stage of an instant; the last one after the end. */
  stageAt(nowMs: number): StageSpan | undefined {
    const elapsedMs = nowMs - this.#options.startedMs
    return this.spans.find(({ endMs }) => elapsedMs < endMs) ?? this.spans.at(-1)
  }

  /** Ends the run as of `nowMs`: what was due by then is taken, however late, and every device says goodbye, at once when `hurry` aborts. */
  async stop(nowMs: number, waitMs: number, hurry?: AbortSignal): Promise<void> {
    const { members } = this.#options
    this.#takeAll(nowMs)
    this.faults.stop(nowMs)
    const limit = hurry?.aborted === true ? Promise.resolve() : sleep(waitMs, { hurry })
    const goodbyes = members.map(({ device }) =>
      device.leave({ atMs: nowMs, limit, hurry, isEnd: true }),
    )
    // Who is leaving already has a longer time of his own; the run ends without him.
    await Promise.race([
      Promise.all([...this.#leaving, ...goodbyes]),
      limit.then(() => Promise.all(goodbyes)),
    ])
  }

  #takeAll(untilMs: number): void {
    const { schedule, now } = this.#options
    for (let due = schedule.takeDue(untilMs); due; due = schedule.takeDue(untilMs)) {
      due.item.sample(due.dueMs, now())
    }
  }

  #changeRate(nowMs: number): void {
    const stage = this.stageAt(nowMs)
    const rate = stage?.rate ?? 1
    if (rate === this.#rate) return
    this.#rate = rate
    // As of the stage's own start, however late it is noticed: what was due before is taken at the old rate.
    const atMs = this.#options.startedMs + (stage?.startMs ?? 0)
    this.#takeAll(atMs)
    for (const { device } of this.#options.members) device.setRate(rate, atMs)
  }

  #changeRoster(nowMs: number): void {
    const { members, startedMs } = this.#options
    for (
      let change = this.#roster[this.#nextChange];
      change && startedMs + change.atMs <= nowMs;
      change = this.#roster[++this.#nextChange]
    ) {
      const member = members[change.device]
      if (!member) continue
      if (change.joins) this.#join(member, startedMs + change.atMs)
      else this.#leave(member, startedMs + change.atMs)
    }
  }

  #join({ device, phaseMs }: DrivenMember, atMs: number): void {
    this.present++
    device.join(atMs, phaseMs)
  }

  #leave({ device }: DrivenMember, atMs: number): void {
    this.present--
    const leaving = device.leave({ atMs, limit: sleep(leaveWaitMs) })
    this.#leaving.add(leaving)
    void leaving.finally(() => this.#leaving.delete(leaving))
  }

  #sample(): void {
    const { schedule, now } = this.#options
    const startedMs = now()
    for (let nowMs = startedMs; nowMs - startedMs < sliceMs; nowMs = now()) {
      const due = schedule.takeDue(nowMs)
      if (!due) return
      due.item.sample(due.dueMs, nowMs)
    }
  }
}
