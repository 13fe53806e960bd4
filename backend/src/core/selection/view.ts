import type { Subscription } from '../../protocol/index.ts'
import type { DeviceBlock } from '../blocks/device-block.ts'
import { matchesWhere } from './where.ts'

/** What a subscription wants to see of a device. Subscriptions with equal views share the serialized bytes. */
export interface View {
  /** `complete`: every matching reading. `latest`: the newest value of each metric, at up to `maxHz`. */
  readonly mode: 'complete' | 'latest'
  readonly metrics?: Subscription['metrics']
  readonly where?: Subscription['where']
  readonly maxHz?: Subscription['maxHz']
  readonly deadband?: Subscription['deadband']
  /** The reader asked for every reading but cannot follow: he gets single ones, and his chain shows him what lies between. */
  readonly isSlow?: boolean
}

const keys = new WeakMap<View, string>()

/** Equal for views that show the same. */
export function viewKey(view: View): string {
  const known = keys.get(view)
  if (known !== undefined) return known
  const { mode, metrics, where, maxHz, deadband, isSlow } = view
  const names = metrics && [...metrics].sort()
  const key = JSON.stringify([mode, names, where, maxHz, deadband, isSlow])
  keys.set(view, key)
  return key
}

/** True when rows may be missing from what the view shows, so that its reader reconciles instead of checking the chain. */
export function isThinning({ mode, where, maxHz, deadband }: View): boolean {
  return mode === 'latest' || where !== undefined || maxHz !== undefined || deadband !== undefined
}

/** Whether a view shows this row at all, thinning aside. */
export function matchesView(view: View, block: DeviceBlock, row: number): boolean {
  if (view.where && !matchesWhere(view.where, (metric) => valueAt(block, metric, row))) return false
  return !view.metrics || view.metrics.some((name) => valueAt(block, name, row) != null)
}

/** The values that a view shows of a row, by metric. */
export function* valuesOf(
  view: View,
  block: DeviceBlock,
  row: number,
): Generator<readonly [string, number]> {
  for (const name of view.metrics ?? Object.keys(block.metrics)) {
    const value = valueAt(block, name, row)
    if (value != null) yield [name, value]
  }
}

function valueAt(block: DeviceBlock, metric: string, row: number): number | null | undefined {
  return Object.hasOwn(block.metrics, metric) ? block.metrics[metric]?.[row] : undefined
}

/** The row numbers of a block. */
export function rowsOf(block: DeviceBlock): readonly number[] {
  return block.ts.map((_, row) => row)
}
