import type { ComputedRef } from 'vue'
import { shownRange } from '../chart/columns.ts'
import { beyond } from '../chart/limits.ts'
import { lastReading } from '../chart/reading-at.ts'
import type { Figures } from '../timeline/figures.ts'
import { useApp } from './use-app.ts'
import type { ChartShown } from './use-drawn-chart.ts'
import { useLook } from './use-look.ts'

/** The newest value of a chart's metric. */
export interface LastValue {
  readonly value: number
  /** Its age in words changes with it: whole seconds, milliseconds. */
  readonly ageMs: number
  readonly beyond: 'low' | 'high' | undefined
}

/** The window as it is now, epoch milliseconds. */
export function rangeOf(shown: ChartShown, serverNow: number): { fromMs: number; toMs: number } {
  return shownRange(shown.pausedAt ?? serverNow, shown.windowMs, shown.oldestMs)
}

/** The numbers that stand around a chart: the newest value twice a second, the figures of the window once. */
export function useChartFigures(shown: ChartShown): {
  readonly last: ComputedRef<LastValue | undefined>
  readonly figures: ComputedRef<Figures>
} {
  const { telemetry } = useApp()
  function readLast(): LastValue | undefined {
    const found = lastReading(shown.timeline.feed, shown.metric)
    if (!found) return undefined
    const ageMs = Math.max(0, Math.floor((telemetry.serverNow() - found.at) / 1_000)) * 1_000
    return { value: found.value, ageMs, beyond: beyond(found.value, shown.limits) }
  }
  function readFigures(): Figures {
    const nowMs = telemetry.serverNow()
    return shown.timeline.figures(shown.metric, { ...rangeOf(shown, nowMs), nowMs })
  }
  const isSame = (before: LastValue | undefined, next: LastValue | undefined): boolean =>
    before?.value === next?.value &&
    before?.ageMs === next?.ageMs &&
    before?.beyond === next?.beyond
  return { last: useLook(readLast, { isSame }), figures: useLook(readFigures, { everyMs: 1_000 }) }
}
