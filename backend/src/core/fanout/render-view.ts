import type { Block, ReadingQuality } from '../../protocol/index.ts'
import { lastPosition, sliceBlock, wireBlock, type DeviceBlock } from '../blocks/device-block.ts'
import { isThinning, matchesView, rowsOf, valuesOf, viewKey, type View } from '../selection/view.ts'

/** `latest` without `maxHz`: enough for an eye, a quarter of what a fast device sends. */
const LATEST_HZ = 4
/** For who cannot follow: enough to see that the device lives, and little enough for the link to recover. */
const SLOW_HZ = 1
const MEMORY_ENTRIES = 20_000

/** The last row that a view showed of a device. */
interface Shown {
  atMs: number
  readonly values: Map<string, number>
}

/**
 * What thinning needs to know of earlier batches: when a view last showed a device, and which values. It lives as long as the execution
 * environment, is lost with it, and other environments have their own: then a row more is shown, never one that was promised less.
 * Only views that declare thinning (maxHz, deadband, latest) use it, and each of their blocks says `thinned`.
 */
export type ViewMemory = Map<string, Shown>

export interface RenderOptions {
  readonly memory: ViewMemory
  /** Epoch ms. */
  readonly nowMs: number
  /** The device's usual time between two messages, milliseconds. */
  readonly everyMs?: number | undefined
}

/**
 * One device's blocks of a batch as the view shows them: rows that match, thinned; without rows there is nothing to show, except in an
 * unfiltered complete view, whose reader checks the chain (a metric selection may leave a block without rows).
 */
export function renderView(
  view: View,
  blocks: readonly DeviceBlock[],
  options: RenderOptions,
): readonly Block[] {
  const memoryKey = `${blocks[0]?.topic ?? ''} ${viewKey(view)}`
  const shown = options.memory.get(memoryKey)
  if (view.mode === 'latest') return renderLatest(view, blocks, { ...options, memoryKey, shown })
  if (view.isSlow) return renderSlow(view, blocks, { ...options, memoryKey, shown })
  const thinned = isThinning(view)
  const rendered: Block[] = []
  let last = shown
  for (const block of blocks) {
    const rows = rowsOf(block).filter((row) => matchesView(view, block, row))
    // Only these two need to know what was shown before.
    const isSampled = view.maxHz !== undefined || view.deadband !== undefined
    const keep = !isSampled
      ? rows
      : rows.filter((row) => {
          if (!isWorthShowing(view, block, row, last)) return false
          last = show(view, block, row, last)
          return true
        })
    if (thinned && keep.length === 0) continue
    rendered.push(wireBlock(block, { keep, metrics: view.metrics, thinned }))
  }
  if (last && last !== shown) remember(options.memory, memoryKey, last)
  return rendered
}

interface RenderState extends RenderOptions {
  readonly memoryKey: string
  readonly shown: Shown | undefined
}

/**
 * The last row that a complete view shows, as it was sent, at most {@link SLOW_HZ} times a second. Its `prev` is the reading just before
 * it: the reader sees the hole and asks for it at his own pace. `thinned` only when he asked for less himself.
 */
function renderSlow(
  view: View,
  blocks: readonly DeviceBlock[],
  { memory, memoryKey, shown, nowMs }: RenderState,
): readonly Block[] {
  if (nowMs < (shown?.atMs ?? -Infinity) + 1_000 / SLOW_HZ) return []
  for (const block of [...blocks].reverse()) {
    const row = rowsOf(block).findLast((candidate) => matchesView(view, block, candidate))
    const alone = row === undefined ? undefined : sliceBlock(block, row, row + 1)
    if (!alone) continue
    remember(memory, memoryKey, { atMs: nowMs, values: new Map() })
    return [wireBlock(alone, { metrics: view.metrics, thinned: isThinning(view) })]
  }
  return []
}

/** The value of each metric that came last, as one row with the last reading's time, at most `maxHz` times a second. */
function renderLatest(
  view: View,
  blocks: readonly DeviceBlock[],
  state: RenderState,
): readonly Block[] {
  const dueMs = (state.shown?.atMs ?? -Infinity) + 1_000 / (view.maxHz ?? LATEST_HZ)
  if (state.nowMs < dueMs) return []
  const newest = newestRow(view, blocks)
  const lastBlock = blocks.at(-1)
  if (!newest || !lastBlock) return []
  if (!exceedsDeadband(view, newest.values, state.shown?.values)) return []
  remember(state.memory, state.memoryKey, { atMs: state.nowMs, values: newest.values })
  const { ts, deviceTs, quality } = newest
  return [
    {
      topic: lastBlock.topic,
      prev: blocks[0]?.prev ?? null,
      position: lastPosition(lastBlock),
      ts: [ts],
      ...(deviceTs === null ? {} : { deviceTs: [deviceTs] }),
      ...(quality === null ? {} : { quality: [quality] }),
      ...(state.everyMs === undefined ? {} : { everyMs: state.everyMs }),
      metrics: Object.fromEntries([...newest.values].map(([name, value]) => [name, [value]])),
      thinned: true,
    },
  ]
}

interface NewestRow {
  readonly ts: number
  readonly deviceTs: number | null
  readonly quality: ReadingQuality | null
  readonly values: Map<string, number>
}

/** In the order of the stream: what a device's clock says of a reading makes no older one newer. */
function newestRow(view: View, blocks: readonly DeviceBlock[]): NewestRow | undefined {
  const values = new Map<string, number>()
  let last: Omit<NewestRow, 'values'> | undefined
  for (const block of blocks) {
    for (const row of rowsOf(block)) {
      if (!matchesView(view, block, row)) continue
      const { ts, deviceTs, quality } = block
      last = {
        ts: ts[row] ?? 0,
        deviceTs: deviceTs?.[row] ?? null,
        quality: quality[row] ?? null,
      }
      for (const [name, value] of valuesOf(view, block, row)) values.set(name, value)
    }
  }
  return last && values.size > 0 ? { ...last, values } : undefined
}

/** `maxHz` goes by the device's time, so that a burst after a pause is thinned like the same readings sent one by one. */
function isWorthShowing(
  view: View,
  block: DeviceBlock,
  row: number,
  last: Shown | undefined,
): boolean {
  if (!last) return true
  const ts = block.ts[row] ?? 0
  const isTooSoon =
    view.maxHz !== undefined && ts >= last.atMs && ts - last.atMs < 1_000 / view.maxHz
  return !isTooSoon && exceedsDeadband(view, valuesOf(view, block, row), last.values)
}

/** True without a deadband, and when one metric moved by its deadband or more, or has none, or was not shown before. */
function exceedsDeadband(
  { deadband }: View,
  values: Iterable<readonly [string, number]>,
  before: ReadonlyMap<string, number> | undefined,
): boolean {
  if (!deadband || !before) return true
  for (const [name, value] of values) {
    const known = before.get(name)
    const least = Object.hasOwn(deadband, name) ? deadband[name] : undefined
    if (known === undefined) return true
    if (
      least === undefined ? value !== known : Math.abs(value - known) >= least && value !== known
    ) {
      return true
    }
  }
  return false
}

function show(view: View, block: DeviceBlock, row: number, last: Shown | undefined): Shown {
  const values = new Map(last?.values)
  for (const [name, value] of valuesOf(view, block, row)) values.set(name, value)
  return { atMs: block.ts[row] ?? 0, values }
}

function remember(memory: ViewMemory, key: string, shown: Shown): void {
  memory.delete(key)
  memory.set(key, shown)
  if (memory.size <= MEMORY_ENTRIES) return
  const [oldest] = memory.keys()
  if (oldest !== undefined) memory.delete(oldest)
}
