import { availableParallelism } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Latencies } from '../metrics/figures.ts'

/** The monitor's own period, which its delays contain. */
const resolutionMs = 10

/** What the generator itself used. */
export interface Resources {
  /** Processor time, seconds. */
  readonly cpuSeconds: number
  /** Of one processor, over the run. */
  readonly cpuPercent: number
  readonly peakMemoryBytes: number
  /** Memory over what the process had before it made the devices, for each device that there was at most. */
  readonly memoryBytesPerDevice: number
  readonly processors: number
  readonly node: string
}

/** Meters this process: its memory from the construction, which is to be before the devices are made, everything else from the start. */
export class ResourceMeter {
  readonly #delay = monitorEventLoopDelay({ resolution: resolutionMs })
  #cpu = process.cpuUsage()
  readonly #baseBytes = process.memoryUsage.rss()
  #startedMs = performance.now()
  #peakBytes = this.#baseBytes
  #lastCpu = this.#cpu
  #lastMs = this.#startedMs
  /** Of one processor, between the last two looks. */
  cpuPercent = 0

  start(): void {
    this.#delay.enable()
    this.#cpu = this.#lastCpu = process.cpuUsage()
    this.#startedMs = this.#lastMs = performance.now()
  }

  /** How late the event loop was, milliseconds. */
  get loopLag(): Latencies {
    const delay = this.#delay
    const ms = (nanoseconds: number): number =>
      Math.max(0, Math.round(nanoseconds / 1e5) / 10 - resolutionMs)
    return {
      count: delay.count,
      min: ms(delay.min),
      max: ms(delay.max),
      mean: ms(delay.mean),
      percentile: (percent) => ms(delay.percentile(percent)),
    }
  }

  /** To be called about once a second. */
  look(): void {
    this.#peakBytes = Math.max(this.#peakBytes, process.memoryUsage.rss())
    const cpu = process.cpuUsage(this.#lastCpu)
    const nowMs = performance.now()
    this.cpuPercent = percent(cpu, nowMs - this.#lastMs)
    this.#lastCpu = process.cpuUsage()
    this.#lastMs = nowMs
  }

  stop(devices: number): Resources {
    this.look()
    this.#delay.disable()
    const cpu = process.cpuUsage(this.#cpu)
    return {
      cpuSeconds: Math.round((cpu.user + cpu.system) / 1e5) / 10,
      cpuPercent: percent(cpu, performance.now() - this.#startedMs),
      peakMemoryBytes: this.#peakBytes,
      memoryBytesPerDevice: Math.round((this.#peakBytes - this.#baseBytes) / Math.max(1, devices)),
      processors: availableParallelism(),
      node: process.version,
    }
  }
}

function percent(cpu: NodeJS.CpuUsage, elapsedMs: number): number {
  return Math.round((cpu.user + cpu.system) / 10 / Math.max(1, elapsedMs))
}
