import { useElementVisibility } from '@vueuse/core'
import {
  inject,
  onBeforeUnmount,
  onMounted,
  type Ref,
  type ShallowRef,
  shallowRef,
  watch,
} from 'vue'
import type { PlotArea } from '../chart/bands.ts'
import { type ChartColumns, readColumns, shownRange } from '../chart/columns.ts'
import type { Band } from '../chart/gap-bands.ts'
import { type Limits, withLimits } from '../chart/limits.ts'
import { chartEngineKey, createLineChart, type LineChart } from '../chart/line-chart.ts'
import { AXIS_LABEL_ROOM } from '../chart/axes.ts'
import { pageDrawings } from '../chart/drawings.ts'
import { type ReadingAt, readingAt } from '../chart/reading-at.ts'
import { type AxisBounds, calmBounds, valueTicks } from '../chart/scales.ts'
import { type Drawable, pageScheduler } from '../chart/scheduler.ts'
import { chartColors } from '../chart/theme.ts'
import { type AxisLabels, axisLabels } from '../format/axis-labels.ts'
import { leastSpan } from '../format/numbers.ts'
import { formatDayClock } from '../format/times.ts'
import type { Timeline } from '../timeline/timeline.ts'
import { isSameList } from './use-look.ts'
import { useApp } from './use-app.ts'
import { feedStyle, useMetricLook } from './use-metric-look.ts'
import { useSettings } from './use-settings.ts'

/** What a chart shows: one metric of one device over a moving window. */
export interface ChartShown {
  readonly timeline: Timeline
  readonly metric: string
  readonly windowMs: number
  /** Epoch milliseconds of the right edge, which then stands still; undefined = the server's now. */
  readonly pausedAt: number | undefined
  /** Where the axis may begin while there is less to show than the window, epoch ms; undefined = always the whole window. */
  readonly oldestMs: number | undefined
  readonly notesAt: readonly number[]
  readonly limits: Limits
  /** Of the page's line colours. */
  readonly line: number
}

export interface DrawnChart {
  readonly area: Readonly<ShallowRef<PlotArea | undefined>>
  /** The part of the time axis in the last drawing, epoch milliseconds. */
  readonly range: Readonly<ShallowRef<{ readonly fromMs: number; readonly toMs: number }>>
  /** Size of the buckets of a thinned line, else null. */
  readonly bucketMs: Readonly<ShallowRef<number | null>>
  /** The gap that covers a time, in the last drawing. */
  bandAt: (at: number) => Band | undefined
  /** The reading nearest to a time, in the last drawing; undefined when none is within `withinMs`. */
  readingAt: (place: { readonly at: number; readonly withinMs: number }) => ReadingAt | undefined
}

const INTERVAL_MS = 500
const LONGEST_MS = 2_000
const FIRST_PIXELS = 400

/**
 * Draws into a canvas for as long as the component lives, by the turns of the page's scheduler: twice a second at most, no oftener than
 * the picture moves by a pixel, and a picture that stands still only when it has changed. The readings are read from the feed when they
 * are drawn; nothing of them is reactive.
 */
export function useDrawnChart(
  canvas: Readonly<Ref<HTMLCanvasElement | undefined>>,
  shown: ChartShown,
): DrawnChart {
  const makeChart = inject(chartEngineKey, () => createLineChart, true)
  const { telemetry } = useApp()
  const settings = useSettings()
  const isVisible = useElementVisibility(canvas)
  const area = shallowRef<PlotArea>()
  const range = shallowRef({ fromMs: 0, toMs: 1 })
  const bucketMs = shallowRef<number | null>(null)
  let chart: LineChart | undefined
  let columns: ChartColumns | undefined
  let bounds: AxisBounds | undefined
  let labels: AxisLabels | undefined
  const look = useMetricLook(() => shown.timeline.topic)
  let drawnOf: readonly unknown[] = []
  let remove = (): void => undefined
  let removeDrawing = (): void => undefined

  const widthOf = (plot: PlotArea | undefined): number =>
    plot ? Math.max(50, plot.right - plot.left) : FIRST_PIXELS
  const rangeNow = (): { fromMs: number; toMs: number } =>
    shownRange(shown.pausedAt ?? telemetry.serverNow(), shown.windowMs, shown.oldestMs)
  /** All that a picture follows from. */
  function ingredients({ fromMs, toMs }: { fromMs: number; toMs: number }): readonly unknown[] {
    const { timeline, notesAt, limits, line, metric } = shown
    const data = timeline.signature({ fromMs, toMs }, telemetry.serverNow())
    const shape = [settings.theme, settings.zone, widthOf(area.value)]
    return [...data, notesAt, limits, line, metric, fromMs, toMs, ...shape]
  }

  function draw(): number {
    if (!chart) return 0
    const next = rangeNow()
    drawnOf = ingredients(next)
    const { fromMs, toMs } = next
    const nowMs = Math.max(next.toMs, telemetry.serverNow())
    const pixels = widthOf(chart.area())
    columns = readColumns(shown.timeline, shown.metric, { ...next, pixels, nowMs })
    const { unit } = look(shown.metric)
    const least = leastSpan(feedStyle(shown.timeline.feed, shown.metric, unit))
    const y = calmBounds(withLimits(columns, shown.limits), bounds, least)
    if (y !== bounds || !labels) {
      bounds = y
      labels = axisLabels(valueTicks(y), { step: y.step, unit, room: AXIS_LABEL_ROOM })
    }
    const { zone } = settings
    chart.draw({
      columns,
      fromMs,
      toMs,
      y,
      colors: chartColors(settings.theme, shown.line),
      notesAt: shown.notesAt,
      limits: shown.limits,
      formatTime: (at) =>
        formatDayClock(at, zone, { now: nowMs, withSeconds: shown.windowMs <= 300_000 }),
      // A scale without a value on it would be an invention.
      valueLabels: Number.isFinite(columns.min) ? labels : { labels: [], note: '' },
    })
    area.value = chart.area()
    range.value = next
    bucketMs.value = columns.bucketMs
    return columns.x.length
  }

  const drawable: Drawable = {
    isVisible: () => isVisible.value,
    isDirty: () => !isSameList(drawnOf, ingredients(rangeNow())),
    intervalMs: () => {
      const pixelMs = shown.windowMs / widthOf(area.value)
      return Math.max(INTERVAL_MS, Math.min(LONGEST_MS, pixelMs))
    },
    draw,
  }
  onMounted(() => {
    if (!canvas.value) return
    chart = makeChart(canvas.value)
    removeDrawing = pageDrawings.add(shown.timeline.topic, shown.metric, () => chart?.drawn())
    remove = pageScheduler.add(drawable)
  })
  onBeforeUnmount(() => {
    remove()
    removeDrawing()
    chart?.destroy()
    chart = undefined
  })
  watch(
    () => [shown.windowMs, shown.pausedAt, shown.metric, shown.limits],
    () => {
      bounds = undefined
      pageScheduler.soon(drawable)
    },
  )
  watch(
    () => [shown.notesAt, settings.theme, settings.zone, isVisible.value],
    () => pageScheduler.soon(drawable),
  )
  return {
    area,
    range,
    bucketMs,
    bandAt: (at) => columns?.bands.find(({ fromMs, toMs }) => fromMs <= at && at <= toMs),
    readingAt: (place) => columns && readingAt(columns, place),
  }
}
