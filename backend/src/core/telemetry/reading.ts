import type { DeviceTopic, Position, ReadingQuality } from '../../protocol/index.ts'

/** One reading of a device, checked. */
export interface Reading {
  /** Epoch ms: where the reading stands in time. The device's clock, or the broker's when the device's says nothing. */
  readonly ts: number
  /** Epoch ms by the device's clock, where that is so far off that `ts` is another (`skew`). */
  readonly deviceTs?: number
  readonly boot: string | null
  readonly n: number | null
  readonly metrics: ReadonlyMap<string, number | null>
  readonly quality: ReadingQuality | null
}

/** A reading with its place in the stream. */
export interface StreamReading extends Reading {
  readonly topic: DeviceTopic
  readonly clientId: string
  readonly position: Position
  /** Of a reading that `redrive` put back: the position that it had the first time. */
  readonly origin?: Position
  /** Epoch ms at which the broker took the publish. */
  readonly brokerMs: number
  /** Epoch ms by the device's clock of the newest reading in the same message; null when none has a time. */
  readonly sentTs: number | null
  /** Milliseconds between the readings of that message; null when it has one, or they have no times. */
  readonly stepMs: number | null
}
