import { FONT, type PlotArea } from './bands.ts'
import type { AxisLabels } from '../format/axis-labels.ts'
import type { Limits } from './limits.ts'
import { type AxisBounds, timeTicks, valueTicks } from './scales.ts'
import type { ChartColors } from './theme.ts'

/** Room for the labels: one width for all charts, so that their time axes stand exactly under each other. CSS pixels. */
export const AXIS_ROOM = { left: 58, bottom: 24 } as const
/** So many characters fit into it, however wide. */
export const AXIS_LABEL_ROOM = 7

/** Half the width of a time label, CSS pixels. */
const HALF_LABEL = 30
const LABEL_EVERY = 84

/** What the axes say. */
export interface Axes {
  readonly fromMs: number
  readonly toMs: number
  readonly y: AxisBounds
  readonly colors: ChartColors
  readonly formatTime: (at: number) => string
  /** Of the ticks of `y`, in their order. */
  readonly valueLabels: AxisLabels
  readonly toPixel: (at: number) => number
}

/** Grid lines at round values, and the labels of both axes. */
export function drawAxes(context: CanvasRenderingContext2D, plot: PlotArea, axes: Axes): void {
  context.save()
  context.font = FONT
  context.fillStyle = axes.colors.muted
  drawValues(context, plot, axes)
  drawTimes(context, plot, axes)
  context.restore()
}

/** The limits as dashed lines with a tint beyond them, in the colour of a warning. */
export function drawLimits(
  context: CanvasRenderingContext2D,
  plot: PlotArea,
  { limits, y, colors }: { limits: Limits; y: AxisBounds; colors: ChartColors },
): void {
  const edges = [
    { value: limits.high, end: plot.top },
    { value: limits.low, end: plot.bottom },
  ]
  for (const { value, end } of edges) {
    if (value === undefined) continue
    const at = pixelOf(value, plot, y)
    context.save()
    context.fillStyle = `${colors.open}12`
    context.fillRect(plot.left, Math.min(at, end), plot.right - plot.left, Math.abs(end - at))
    context.strokeStyle = colors.open
    context.setLineDash([6, 4])
    context.beginPath()
    context.moveTo(plot.left, at)
    context.lineTo(plot.right, at)
    context.stroke()
    context.restore()
  }
}

function pixelOf(value: number, plot: PlotArea, { min, max }: AxisBounds): number {
  return plot.bottom - ((value - min) / (max - min)) * (plot.bottom - plot.top)
}

function drawValues(context: CanvasRenderingContext2D, plot: PlotArea, axes: Axes): void {
  context.textAlign = 'right'
  context.textBaseline = 'middle'
  context.strokeStyle = axes.colors.grid
  context.lineWidth = 1
  context.beginPath()
  const { labels, note } = axes.valueLabels
  for (const [index, value] of valueTicks(axes.y).entries()) {
    const at = pixelOf(value, plot, axes.y)
    // On the middle of a pixel, or the line would be two pale ones.
    const sharp = Math.round(at) + 0.5
    context.moveTo(plot.left, sharp)
    context.lineTo(plot.right, sharp)
    context.fillText(labels[index] ?? '', plot.left - 8, at)
  }
  context.stroke()
  if (note !== '') drawNote(context, plot, note)
}

/** What all labels leave out, above the first grid line. */
function drawNote(context: CanvasRenderingContext2D, plot: PlotArea, note: string): void {
  context.textAlign = 'left'
  context.textBaseline = 'top'
  context.fillText(note, plot.left + 4, plot.top + 2)
}

function drawTimes(context: CanvasRenderingContext2D, plot: PlotArea, axes: Axes): void {
  const count = Math.max(2, Math.floor((plot.right - plot.left) / LABEL_EVERY))
  context.textAlign = 'center'
  context.textBaseline = 'top'
  for (const at of timeTicks(axes.fromMs, axes.toMs, count)) {
    const x = axes.toPixel(at)
    // No label that sticks out on the right.
    if (x > plot.right - HALF_LABEL) continue
    context.fillText(axes.formatTime(at), x, plot.bottom + 8)
  }
}
