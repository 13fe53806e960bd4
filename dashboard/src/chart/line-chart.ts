import {
  Chart,
  Filler,
  LinearScale,
  LineController,
  LineElement,
  type Plugin,
  PointElement,
} from 'chart.js'
import type { InjectionKey } from 'vue'
import type { Band, ChartColumns } from './columns.ts'
import { type AxisBounds, timeTicks, valueTicks } from './scales.ts'
import type { ChartColors } from './theme.ts'

Chart.register(LineController, LineElement, PointElement, LinearScale, Filler)

/** Everything one drawing needs. */
export interface Picture {
  readonly columns: ChartColumns
  readonly fromMs: number
  readonly toMs: number
  readonly y: AxisBounds
  readonly colors: ChartColors
  readonly notesAt: readonly number[]
  readonly formatTime: (at: number) => string
  readonly formatValue: (value: number) => string
}

/** What makes the charts of the page, if not {@link createLineChart}. */
export const chartEngineKey: InjectionKey<(canvas: HTMLCanvasElement) => LineChart> =
  Symbol('chart engine')

/** The plot inside the canvas, CSS pixels. */
export interface PlotArea {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

/** A line chart over time. The only place that knows the drawing engine. */
export interface LineChart {
  draw(picture: Picture): void
  area(): PlotArea | undefined
  destroy(): void
}

/** Half the width of a time label, CSS pixels. */
const HALF_LABEL = 30
const WORD_HEIGHT = 16
const FONT = { family: 'ui-sans-serif, system-ui, sans-serif', size: 11 }

/** Chart.js as measured in product reference 5.2: no parsing, no animation, fixed bounds, no points, no plugins but the bands. */
export function createLineChart(canvas: HTMLCanvasElement): LineChart {
  let picture: Picture | undefined
  const overlay: Plugin<'line'> = {
    id: 'bands',
    beforeDatasetsDraw: (chart) => {
      if (picture) drawBands(chart, picture)
    },
  }
  const chart = new Chart(canvas, {
    type: 'line',
    data: { datasets: [lineDataset(), lateDataset()] },
    plugins: [overlay],
    options: {
      animation: false,
      parsing: false,
      normalized: true,
      responsive: true,
      maintainAspectRatio: false,
      events: [],
      layout: { autoPadding: false, padding: { top: 6, right: 0, bottom: 0, left: 0 } },
      scales: {
        x: {
          type: 'linear',
          border: { display: false },
          grid: { display: false },
          ticks: {
            maxRotation: 0,
            autoSkip: false,
            font: FONT,
            padding: 6,
            color: () => picture?.colors.muted ?? '',
            callback: (value) => picture?.formatTime(Number(value)),
          },
          afterBuildTicks: (axis) => {
            const count = Math.max(2, Math.floor(axis.width / 84))
            // A label that sticks out would push the plot away from the right edge.
            const last = axis.max - ((axis.max - axis.min) * HALF_LABEL) / axis.width
            const ticks = timeTicks(axis.min, axis.max, count).filter((at) => at <= last)
            axis.ticks = ticks.map((value) => ({ value }))
          },
        },
        y: {
          type: 'linear',
          border: { display: false },
          grid: { color: () => picture?.colors.grid ?? '' },
          ticks: {
            autoSkip: false,
            font: FONT,
            padding: 8,
            color: () => picture?.colors.muted ?? '',
            callback: (value) => picture?.formatValue(Number(value)),
          },
          afterBuildTicks: (axis) => {
            axis.ticks = picture ? valueTicks(picture.y).map((value) => ({ value })) : []
          },
          afterFit: (axis) => {
            // One width for all charts: their time axes stand exactly under each other.
            axis.width = 52
          },
        },
      },
    },
  })
  return {
    draw(next) {
      picture = next
      apply(chart, next)
      chart.update('none')
    },
    area: () => chart.chartArea,
    destroy: () => chart.destroy(),
  }
}

function lineDataset(): Chart<'line'>['data']['datasets'][number] {
  return {
    data: [],
    borderWidth: 1.6,
    pointRadius: 0,
    pointHitRadius: 0,
    fill: 'start',
    tension: 0,
  }
}

function lateDataset(): Chart<'line'>['data']['datasets'][number] {
  return { data: [], showLine: false, pointRadius: 3, borderWidth: 1.5, pointHitRadius: 0 }
}

function apply(chart: Chart<'line'>, picture: Picture): void {
  const { columns, colors, y } = picture
  const [line, late] = chart.data.datasets
  if (line) {
    line.data = points(columns.x, columns.y)
    line.borderColor = colors.line
    line.backgroundColor = colors.fill
  }
  if (late) {
    late.data = points(columns.late.x, columns.late.y)
    late.borderColor = colors.line
    late.backgroundColor = colors.panel
  }
  Object.assign(chart.options.scales?.['x'] ?? {}, { min: picture.fromMs, max: picture.toMs })
  Object.assign(chart.options.scales?.['y'] ?? {}, { min: y.min, max: y.max })
}

function points(x: readonly number[], y: readonly number[]): { x: number; y: number }[] {
  return x.map((at, i) => ({ x: at, y: y[i] ?? Number.NaN }))
}

function drawBands(chart: Chart<'line'>, picture: Picture): void {
  const { ctx, chartArea } = chart
  const toPixel = (at: number): number => {
    const share = (at - picture.fromMs) / (picture.toMs - picture.fromMs)
    return chartArea.left + share * (chartArea.right - chartArea.left)
  }
  ctx.save()
  ctx.beginPath()
  ctx.rect(chartArea.left, chartArea.top, chartArea.right - chartArea.left, chart.height)
  ctx.clip()
  for (const band of picture.columns.bands) {
    const place = { left: toPixel(band.fromMs), right: toPixel(band.toMs) }
    if (band.form === 'hatch') {
      const box = { ...chartArea, ...place }
      hatch(ctx, box, bandColor(band, picture))
      word(ctx, box, { text: band.label, color: bandColor(band, picture), ...picture.colors })
    } else tick(ctx, { ...place, at: chartArea.bottom }, picture.colors.muted)
  }
  for (const at of picture.notesAt) flag(ctx, toPixel(at), chartArea, picture.colors.note)
  ctx.restore()
}

function bandColor(band: Band, { colors }: Picture): string {
  switch (band.tone) {
    case 'lost':
      return colors.lost
    case 'open':
      return colors.open
    case 'silent':
    case 'repaired':
      return colors.silent
  }
}

function hatch(context: CanvasRenderingContext2D, area: PlotArea, color: string): void {
  const width = Math.max(2, area.right - area.left)
  const height = area.bottom - area.top
  context.save()
  context.beginPath()
  context.rect(area.left, area.top, width, height)
  context.clip()
  context.fillStyle = `${color}14`
  context.fillRect(area.left, area.top, width, height)
  context.strokeStyle = `${color}66`
  context.lineWidth = 1
  context.beginPath()
  for (let x = area.left - height - ((area.left - height) % 7); x < area.left + width; x += 7) {
    context.moveTo(x, area.bottom)
    context.lineTo(x + height, area.top)
  }
  context.stroke()
  context.restore()
}

/** The band's word in its middle, upright in a narrow band; none where it does not fit. */
function word(
  context: CanvasRenderingContext2D,
  area: PlotArea,
  { text, color, panel }: { text: string; color: string; panel: string },
): void {
  context.save()
  context.font = `600 ${FONT.size}px ${FONT.family}`
  const length = context.measureText(text).width + 10
  const width = area.right - area.left
  const isUpright = width < length
  const fits = isUpright ? width >= WORD_HEIGHT && area.bottom - area.top >= length : true
  if (fits && text !== '') {
    context.translate((area.left + area.right) / 2, (area.top + area.bottom) / 2)
    if (isUpright) context.rotate(-Math.PI / 2)
    context.fillStyle = `${panel}e0`
    context.fillRect(-length / 2, -WORD_HEIGHT / 2, length, WORD_HEIGHT)
    context.fillStyle = color
    context.textAlign = 'center'
    context.textBaseline = 'middle'
    context.fillText(text, 0, 0)
  }
  context.restore()
}

function tick(
  context: CanvasRenderingContext2D,
  place: { left: number; right: number; at: number },
  color: string,
): void {
  context.fillStyle = color
  context.fillRect(place.left, place.at - 3, Math.max(2, place.right - place.left), 3)
}

function flag(context: CanvasRenderingContext2D, x: number, area: PlotArea, color: string): void {
  context.strokeStyle = color
  context.fillStyle = color
  context.lineWidth = 1
  context.setLineDash([2, 3])
  context.beginPath()
  context.moveTo(x, area.top + 6)
  context.lineTo(x, area.bottom)
  context.stroke()
  context.setLineDash([])
  context.beginPath()
  context.arc(x, area.top + 3, 3, 0, Math.PI * 2)
  context.fill()
}
