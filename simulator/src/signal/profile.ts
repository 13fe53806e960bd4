/** What a kind of device measures: plain data, so that a scenario file can hold it. All times in milliseconds. */
export interface Profile {
  readonly states?: MachineStates
  /** In order of calculation: a channel may depend on those before it. */
  readonly channels: Readonly<Record<string, Channel>>
}

export interface MachineStates {
  readonly initial: string
  readonly states: Readonly<Record<string, MachineState>>
}

export interface MachineState {
  /** Dwell time, lognormal. */
  readonly medianMs: number
  readonly sigma: number
  /** Next state → probability. */
  readonly next: Readonly<Record<string, number>>
}

export interface Channel {
  /** In the channel's unit; by machine state if an object. */
  readonly base: number | Readonly<Record<string, number>>
  /** First-order lag with which the base follows the machine's state. */
  readonly lagMs?: number
  readonly season?: readonly {
    readonly periodMs: number
    readonly amplitude: number
    readonly peakMs: number
  }[]
  /** Ornstein–Uhlenbeck noise: two time scales look real, one does not. `site`: shared by all devices of a site (weather). */
  readonly ou?: readonly {
    readonly tauMs: number
    readonly sd: number
    readonly scope?: 'device' | 'site'
  }[]
  readonly from?: readonly {
    readonly channel: string
    readonly gain: number
    readonly power?: number
    readonly lagMs?: number
  }[]
  /** White sensor noise. */
  readonly noise?: number
  readonly spikes?: { readonly probability: number; readonly sd: number }
  /** Device-to-device spread of the base, drawn once. */
  readonly spread?: number
  /** The step of the converter: every value is a multiple of it. */
  readonly quantum: number
  readonly range: readonly [number, number]
  /** A counter: integrates the channel named, per hour. */
  readonly integrates?: string
}
