import type { DeviceTopic, Position, ReadingQuality } from '../../protocol/index.ts'

/** One reading of a device, checked. */
export interface Reading {
  /** Epoch ms: the device's clock, or the broker's when the device gave none. */
  readonly ts: number
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
}
