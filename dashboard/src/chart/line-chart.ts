import {
  Chart,
  type ChartOptions,
  LinearScale,
  LineController,
  LineElement,
  type Plugin,
  PointElement,
} from 'chart.js'
import type { InjectionKey } from 'vue'
import { type Axes, AXIS_ROOM, drawAxes, drawLimits } from './axes.ts'
import { drawBands, type PlotArea } from './bands.ts'
import type { ChartColumns } from './columns.ts'
import { datasetsOf, type Point } from './datasets.ts'
import type { Band } from './gap-bands.ts'
import type { Limits } from './limits.ts'

Chart.register(LineController, LineElement, PointElement, LinearScale)

/** Everything one drawing needs. */
export interface Picture extends Omit<Axes, 'toPixel'> {
  readonly columns: ChartColumns
  readonly notesAt: readonly number[]
  readonly limits: Limits
}

/** What the engine holds and has drawn, read back from it. */
export interface Drawn {
  readonly fromMs: number
  readonly toMs: number
  readonly points: readonly Point[]
  readonly late: readonly Point[]
  readonly bands: readonly Band[]
  readonly bucketMs: number | null
}

/** What makes the charts of the page, if not {@link createLineChart}. */
export const chartEngineKey: InjectionKey<(canvas: HTMLCanvasElement) => LineChart> =
  Symbol('chart engine')

/** A line chart over time. The only place that knows the drawing engine. */
export interface LineChart {
  draw(picture: Picture): void
  /** The plot inside the canvas. */
  area(): PlotArea | undefined
  /** What is on the canvas; undefined before the first drawing. */
  drawn(): Drawn | undefined
  destroy(): void
}

/**
 * Chart.js as measured: no parsing, no animation, fixed bounds, no points. A live chart changes its range and
 * its data with every drawing and nothing else, so only those parts of Chart.js run then: its whole `update` (options, layout, ticks)
 * costs twice as much as the line itself, and comes with a new size or new colours only. The axes are drawn here for the same reason.
 */
export function createLineChart(canvas: HTMLCanvasElement): LineChart {
  let picture: Picture | undefined
  const beneath: Plugin<'line'> = {
    id: 'beneath',
    beforeDatasetsDraw: ({ ctx, chartArea }) => {
      if (!picture) return
      const toPixel = pixelsOf(picture, chartArea)
      drawAxes(ctx, chartArea, { ...picture, toPixel })
      const { bands } = picture.columns
      drawBands(ctx, chartArea, { ...picture, bands, toPixel })
      drawLimits(ctx, chartArea, picture)
    },
  }
  const chart = new Chart(canvas, {
    type: 'line',
    data: { datasets: [lineDataset(), lateDataset()] },
    plugins: [beneath],
    options: optionsFor(() => picture),
  })
  return {
    draw(next) {
      const isRecoloured = picture?.colors !== next.colors
      picture = next
      applyData(chart, next)
      if (isRecoloured) {
        applyColors(chart, next)
        chart.update('none')
        return
      }
      applyRange(chart, next)
      chart.draw()
    },
    area: () => chart.chartArea,
    drawn: () => picture && drawnOf(chart, picture),
    destroy: () => chart.destroy(),
  }
}

/** A full update (a new size, new colours) takes its range from the picture that is shown. */
function optionsFor(shown: () => Picture | undefined): ChartOptions<'line'> {
  return {
    animation: false,
    parsing: false,
    normalized: true,
    responsive: true,
    maintainAspectRatio: false,
    events: [],
    layout: { autoPadding: false, padding: { top: 6, right: 0, ...AXIS_ROOM } },
    scales: {
      x: {
        type: 'linear',
        display: false,
        // Or Chart.js would widen the range to round numbers.
        bounds: 'data',
        afterDataLimits: (axis) => {
          const picture = shown()
          axis.min = picture?.fromMs ?? 0
          axis.max = picture?.toMs ?? 1
        },
      },
      y: {
        type: 'linear',
        display: false,
        // Or Chart.js would widen the range to round numbers.
        bounds: 'data',
        afterDataLimits: (axis) => {
          const picture = shown()
          axis.min = picture?.y.min ?? 0
          axis.max = picture?.y.max ?? 1
        },
      },
    },
  }
}

function lineDataset(): Chart<'line'>['data']['datasets'][number] {
  // No area below the line: it would tell of a size from zero on, where the axis seldom begins.
  return { data: [], borderWidth: 1.6, pointRadius: 0, pointHitRadius: 0, tension: 0 }
}

function lateDataset(): Chart<'line'>['data']['datasets'][number] {
  return { data: [], showLine: false, pointRadius: 3, borderWidth: 1.5, pointHitRadius: 0 }
}

function applyData(chart: Chart<'line'>, { columns }: Picture): void {
  const [line, late] = chart.data.datasets
  const data = datasetsOf(columns)
  if (line) line.data = data.line
  if (late) late.data = data.late
}

function drawnOf(chart: Chart<'line'>, { columns }: Picture): Drawn {
  const { x } = chart.scales
  const [points = [], late = []] = chart.data.datasets.map(({ data }) => data as Point[])
  const { bands, bucketMs } = columns
  return { fromMs: x?.min ?? 0, toMs: x?.max ?? 0, points, late, bands, bucketMs }
}

function applyColors(chart: Chart<'line'>, { colors }: Picture): void {
  const [line, late] = chart.data.datasets
  if (line) Object.assign(line, { borderColor: colors.line })
  if (late) Object.assign(late, { borderColor: colors.line, backgroundColor: colors.panel })
}

/** The part of `update` that a new range and new data need: scales, then the points and lines of each dataset. */
function applyRange(chart: Chart<'line'>, { fromMs, toMs, y }: Picture): void {
  const { x: xAxis, y: yAxis } = chart.scales
  if (!xAxis || !yAxis) return
  Object.assign(xAxis, { min: fromMs, max: toMs })
  Object.assign(yAxis, { min: y.min, max: y.max })
  xAxis.configure()
  yAxis.configure()
  chart.data.datasets.forEach((_, index) => {
    const { controller } = chart.getDatasetMeta(index)
    controller.buildOrUpdateElements()
    controller.update('none')
  })
}

function pixelsOf({ fromMs, toMs }: Picture, plot: PlotArea): (at: number) => number {
  return (at) => plot.left + ((at - fromMs) / (toMs - fromMs)) * (plot.right - plot.left)
}
