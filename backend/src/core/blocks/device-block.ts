import {
  comparePositions,
  limits,
  readingIds,
  type Block,
  type DeviceTopic,
  type Position,
  type ReadingQuality,
} from '../../protocol/index.ts'
import type { StreamReading } from '../telemetry/reading.ts'

type Cell = number | null

/** Consecutive readings of one boot of one device, as columns of one length, with the position of each: what history keeps. */
export interface DeviceBlock {
  readonly topic: DeviceTopic
  /** The position before the first reading; null when the device had sent nothing before. */
  readonly prev: Position | null
  readonly positions: readonly Position[]
  readonly boot: string | null
  readonly n: readonly Cell[]
  /** Epoch ms. */
  readonly ts: readonly number[]
  /** Epoch ms by the device's clock, of readings that stand elsewhere; absent when there are none. */
  readonly deviceTs?: readonly Cell[]
  readonly metrics: Readonly<Record<string, readonly Cell[]>>
  readonly quality: readonly (ReadingQuality | null)[]
  /** Rows between the first and the last were left out on purpose. */
  readonly thinned?: true
}

/** Readings of one device in stream order as blocks that follow `prev` and each other. */
export function buildBlocks(
  prev: Position | null,
  readings: readonly StreamReading[],
): readonly DeviceBlock[] {
  let before = prev
  return runsOf(readings).map((run) => {
    const block = columnsOf(before, run)
    before = lastPosition(block)
    return block
  })
}

/**
 * Runs of one boot whose columns are no more than one reading may have: a block's cells are then at most as many as its readings could
 * have sent, and a block of one row always fits a frame, however the device changes its names.
 */
function runsOf(readings: readonly StreamReading[]): readonly StreamReading[][] {
  const runs: StreamReading[][] = []
  let names = new Set<string>()
  for (const reading of readings) {
    const run = runs.at(-1)
    const added = [...reading.metrics.keys()].filter((name) => !names.has(name))
    const isFull = names.size + added.length > limits.metricsPerReading
    if (run?.[0]?.boot === reading.boot && !isFull) {
      run.push(reading)
      for (const name of added) names.add(name)
    } else {
      runs.push([reading])
      names = new Set(reading.metrics.keys())
    }
  }
  return runs
}

function columnsOf(prev: Position | null, readings: readonly StreamReading[]): DeviceBlock {
  const [first] = readings
  if (!first) throw new TypeError('a block has at least one reading')
  const names = new Set<string>()
  for (const { metrics } of readings) for (const name of metrics.keys()) names.add(name)
  return {
    topic: first.topic,
    prev,
    positions: readings.map((reading) => reading.position),
    boot: first.boot,
    n: readings.map((reading) => reading.n),
    ts: readings.map((reading) => reading.ts),
    ...(readings.some((reading) => reading.deviceTs !== undefined)
      ? { deviceTs: readings.map((reading) => reading.deviceTs ?? null) }
      : {}),
    metrics: Object.fromEntries(
      [...names].map((name) => [name, readings.map((one) => one.metrics.get(name) ?? null)]),
    ),
    quality: readings.map((reading) => reading.quality),
  }
}

export function lastPosition(block: DeviceBlock): Position {
  const position = block.positions.at(-1)
  if (position === undefined) throw new TypeError('a block has at least one reading')
  return position
}

/** The rows [from, to) of a block, still chained: `prev` is the position before the first. Undefined when there are none. */
export function sliceBlock(block: DeviceBlock, from: number, to: number): DeviceBlock | undefined {
  if (from >= to) return undefined
  if (from === 0 && to >= block.ts.length) return block
  const cut = <T>(column: readonly T[]): readonly T[] => column.slice(from, to)
  return {
    ...block,
    prev: from === 0 ? block.prev : (block.positions[from - 1] ?? null),
    positions: cut(block.positions),
    n: cut(block.n),
    ts: cut(block.ts),
    ...(block.deviceTs ? { deviceTs: cut(block.deviceTs) } : {}),
    metrics: mapColumns(block.metrics, cut),
    quality: cut(block.quality),
  }
}

/** Chosen rows of a block in a given order. `prev` stays: whether the chain still holds is for the caller to say. */
export function pickRows(block: DeviceBlock, rows: readonly number[]): DeviceBlock {
  const cut = <T>(column: readonly T[]): readonly T[] => rows.map((row) => column[row] as T)
  return {
    ...block,
    positions: cut(block.positions),
    n: cut(block.n),
    ts: cut(block.ts),
    ...(block.deviceTs ? { deviceTs: cut(block.deviceTs) } : {}),
    metrics: mapColumns(block.metrics, cut),
    quality: cut(block.quality),
  }
}

/** What of a block lies after `since` and not after `until`. */
export function blockBetween(
  block: DeviceBlock | undefined,
  since: Position | null,
  until?: Position,
): DeviceBlock | undefined {
  if (!block) return undefined
  const { positions } = block
  const from =
    since === null ? 0 : countWhile(positions, (position) => comparePositions(position, since) <= 0)
  const to =
    until === undefined
      ? positions.length
      : countWhile(positions, (position) => comparePositions(position, until) <= 0)
  return sliceBlock(block, from, to)
}

/**
 * The rows of a block that `keep` chooses, as the wire has them. `prev` and `position` still say what the rows were chosen from, so
 * the reader's chain holds; `thinned` says that some were left out. Metrics outside of `metrics` are left out without a word.
 */
export function wireBlock(
  block: DeviceBlock,
  options: {
    readonly keep?: readonly number[] | undefined
    readonly metrics?: readonly string[] | undefined
    readonly thinned?: boolean
  } = {},
): Block {
  const { keep } = options
  const cut = <T>(column: readonly T[]): readonly T[] =>
    keep ? keep.map((row) => column[row] as T) : column
  const chosen = options.metrics
    ? Object.fromEntries(
        Object.entries(block.metrics).filter(([name]) => options.metrics?.includes(name)),
      )
    : block.metrics
  const hasCounter = block.n.some((n) => n !== null)
  const hasQuality = block.quality.some((quality) => quality !== null)
  return {
    topic: block.topic,
    prev: block.prev,
    position: lastPosition(block),
    ...(block.boot === null ? {} : { boot: block.boot }),
    ...(hasCounter ? { n: cut(block.n) } : {}),
    ts: cut(block.ts),
    ...(block.deviceTs ? { deviceTs: cut(block.deviceTs) } : {}),
    ids: readingIds(cut(block.positions)),
    metrics: mapColumns(chosen, cut),
    ...(hasQuality ? { quality: cut(block.quality) } : {}),
    ...(options.thinned === true || block.thinned || (keep && keep.length < block.ts.length)
      ? { thinned: true as const }
      : {}),
  }
}

function mapColumns(
  metrics: DeviceBlock['metrics'],
  cut: (column: readonly Cell[]) => readonly Cell[],
): DeviceBlock['metrics'] {
  return Object.fromEntries(Object.entries(metrics).map(([name, column]) => [name, cut(column)]))
}

function countWhile<T>(items: readonly T[], holds: (item: T) => boolean): number {
  let count = 0
  for (const item of items) {
    if (!holds(item)) break
    count++
  }
  return count
}
