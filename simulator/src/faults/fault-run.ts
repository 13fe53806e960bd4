import type { ActiveFault } from './active-fault.ts'
import type { PlannedFault } from './fault-plan.ts'

/** A device as far as faults are concerned. */
export interface FaultyDevice {
  readonly id: string
  readonly site: string
  readonly faults: Set<ActiveFault>
  /** False: the device is away. */
  cut(durationMs?: number): boolean
}

/** The ground truth about one fault of one device: what an alert rule should have found. Times are epoch milliseconds. */
export interface FaultLabel {
  readonly kind: string
  readonly site: string
  readonly device: string
  readonly channel?: string
  readonly magnitude?: number
  readonly startMs: number
  readonly endMs: number
  /** Readings that were changed, or how often the link was cut. 0: the device was not there. */
  readonly effects: number
}

interface Running {
  readonly device: FaultyDevice
  readonly active: ActiveFault
  nextCutMs: number
}

/** Begins and ends faults when it is time, and writes down what was done. */
export class FaultRun {
  readonly #planned: PlannedFault[]
  readonly #devices: ReadonlyMap<string, FaultyDevice>
  readonly #startedMs: number
  readonly #label: (label: FaultLabel) => void
  #running: Running[] = []

  constructor(options: {
    readonly planned: readonly PlannedFault[]
    readonly devices: ReadonlyMap<string, FaultyDevice>
    readonly startedMs: number
    /** Called when a fault of a device is over. */
    readonly label: (label: FaultLabel) => void
  }) {
    this.#planned = [...options.planned]
    this.#devices = options.devices
    this.#startedMs = options.startedMs
    this.#label = options.label
  }

  /** Devices that have a fault now. */
  get active(): number {
    return this.#running.length
  }

  /** Begins what is due, and cuts links. To be called before the samples of that instant are taken. */
  begin(nowMs: number): void {
    for (let next = this.#planned[0]; next; next = this.#planned[0]) {
      if (this.#startedMs + next.startMs > nowMs) break
      this.#planned.shift()
      this.#hit(next)
    }
    for (const running of this.#running) cutIfDue(running, nowMs)
  }

  /** Ends what is over. To be called after the samples of that instant. */
  end(nowMs: number): void {
    this.#end((endMs) => endMs <= nowMs, nowMs)
  }

  /** The run is over: what is under way ends now. */
  stop(nowMs: number): void {
    this.#end(() => true, nowMs)
  }

  #hit({ fault, devices, startMs, endMs }: PlannedFault): void {
    for (const id of devices) {
      const device = this.#devices.get(id)
      if (!device) continue
      const active = {
        fault,
        startMs: this.#startedMs + startMs,
        endMs: this.#startedMs + endMs,
        effects: 0,
      }
      if ('channel' in fault) device.faults.add(active)
      this.#running.push({ device, active, nextCutMs: active.startMs })
    }
  }

  #end(isOver: (endMs: number) => boolean, nowMs: number): void {
    const over = this.#running.filter(({ active }) => isOver(active.endMs))
    if (over.length === 0) return
    this.#running = this.#running.filter(({ active }) => !isOver(active.endMs))
    for (const { device, active } of over) {
      device.faults.delete(active)
      this.#label(labelOf(device, active, nowMs))
    }
  }
}

function cutIfDue(running: Running, nowMs: number): void {
  const { device, active } = running
  const { fault, startMs, endMs } = active
  if ('channel' in fault || running.nextCutMs > nowMs) return
  if (fault.kind === 'flap') {
    if (running.nextCutMs >= endMs) return
    running.nextCutMs += fault.every
    if (device.cut(fault.down)) active.effects++
  } else {
    running.nextCutMs = Infinity
    if (device.cut(fault.kind === 'blackout' ? endMs - startMs : undefined)) active.effects++
  }
}

function labelOf(device: FaultyDevice, active: ActiveFault, nowMs: number): FaultLabel {
  const { fault, startMs, endMs, effects } = active
  return {
    kind: fault.kind,
    site: device.site,
    device: device.id,
    ...('channel' in fault ? { channel: fault.channel, magnitude: fault.magnitude } : {}),
    startMs,
    endMs: Math.min(endMs, Math.max(startMs, nowMs)),
    effects,
  }
}
