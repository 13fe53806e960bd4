import type { DeviceTopic, Position } from '../../protocol/index.ts'
import type { DeviceBlock } from '../blocks/device-block.ts'
import type { DeviceHead } from './device-head.ts'
import type { Lane } from './lanes.ts'

/** One row: the blocks that one batch brought for the devices of one lane, under the position of its first reading. */
export interface HistoryRow {
  readonly lane: Lane
  readonly key: Position
  readonly blocks: readonly DeviceBlock[]
}

export type LaneHeads = ReadonlyMap<DeviceTopic, DeviceHead>

/** What `deliver` writes. One shard's batches run one after another, so what it reads of its own shard is what it wrote last. */
export interface HistoryWriter {
  /** The heads of these lanes as this shard left them; of a new shard, as its parents left them. */
  headsOf(shardId: string, lanes: readonly Lane[]): Promise<ReadonlyMap<Lane, LaneHeads>>
  writeRows(rows: readonly HistoryRow[]): Promise<void>
  /** Readings far from their arrival, each once more under its own time. */
  writeLate(rows: readonly LateRow[]): Promise<void>
  writeHeads(shardId: string, heads: ReadonlyMap<Lane, LaneHeads>): Promise<void>
  /** Remembers for {@link DEVICE_FORGOTTEN_MS} that this MQTT client publishes for this device. */
  linkClient(clientId: string, topic: DeviceTopic): Promise<void>
  /** The devices that this MQTT client publishes for. */
  devicesOf(clientId: string): Promise<readonly DeviceTopic[]>
}

export interface HistoryPart {
  /** In key order; rows may repeat readings, after a batch was redelivered before its heads were written. */
  readonly blocks: readonly DeviceBlock[]
  /** Ask again with this as `from` for what follows; undefined at the end. */
  readonly next: Position | undefined
}

/** Where a row of late readings stands among the device's: made and understood in late.ts alone. */
export type LateKey = string

/** Late readings of one device and one stretch of its time. */
export interface LateRow {
  readonly key: LateKey
  readonly block: DeviceBlock
}

export interface LatePart {
  /** In key order; rows may repeat readings, as in {@link HistoryPart}. */
  readonly rows: readonly LateRow[]
  /** Ask again with this as `from` for what follows; undefined at the end. */
  readonly next: LateKey | undefined
}

/** What the routes read. Strongly consistent; rows past their retention are left out even while they exist (DDB-2). */
export interface HistoryReader {
  /** The heads of these devices, or of every device. */
  heads(topics: readonly DeviceTopic[] | 'all'): Promise<LaneHeads>
  /** The device's blocks in rows whose key lies in [from, to], about 1 MB of rows at a time. */
  rows(topic: DeviceTopic, from: Position, to: Position): Promise<HistoryPart>
  /** The device's late rows with keys in [from, to), in key order, about 1 MB at a time. */
  late(topic: DeviceTopic, from: LateKey, to: LateKey): Promise<LatePart>
  /** Epoch ms: what arrived before may be gone. */
  keptFromMs(): number
}

/** A device silent for longer than this is forgotten: its last values, its presence, its place in the stream. */
export const DEVICE_FORGOTTEN_MS = 31 * 24 * 3_600_000
/** A row's readings arrived within this time of its first one, so that a reader knows how far back a reading's row can begin. */
export const ROW_SPAN_MS = 5_000
/** A reading whose time is further than this from its arrival is kept under its own time too. */
export const LATE_MS = 60_000
