import type { Band } from './gap-bands.ts'
import type { ChartColors } from './theme.ts'

/** A part of the canvas, CSS pixels. */
export interface PlotArea {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

export const FONT = '11px ui-sans-serif, system-ui, sans-serif'
const WORD_HEIGHT = 16

/** Gaps as hatched bands or ticks on the axis, and notes as flags. `toPixel` gives the place of a time in the plot. */
export function drawBands(
  context: CanvasRenderingContext2D,
  plot: PlotArea,
  picture: {
    readonly bands: readonly Band[]
    readonly notesAt: readonly number[]
    readonly colors: ChartColors
    readonly toPixel: (at: number) => number
  },
): void {
  const { bands, notesAt, colors, toPixel } = picture
  if (bands.length === 0 && notesAt.length === 0) return
  context.save()
  context.beginPath()
  context.rect(plot.left, plot.top, plot.right - plot.left, plot.bottom - plot.top + 4)
  context.clip()
  for (const band of bands) {
    // What lies outside of the plot is not drawn: a band may have begun days ago.
    const left = Math.max(plot.left - 2, toPixel(band.fromMs))
    const right = Math.min(plot.right + 2, toPixel(band.toMs))
    if (right < left) continue
    const place = { left, right }
    if (band.form !== 'tick') {
      const box = { ...plot, ...place }
      const fill = band.form === 'hatch' ? hatch : veil
      fill(context, box, bandColor(band, colors))
      word(context, box, { text: band.label, color: bandColor(band, colors), ...colors })
    } else tick(context, { ...place, at: plot.bottom }, colors.muted)
  }
  for (const at of notesAt) flag(context, toPixel(at), plot, colors.note)
  context.restore()
}

function bandColor(band: Band, colors: ChartColors): string {
  switch (band.tone) {
    case 'lost':
      return colors.lost
    case 'open':
      return colors.open
    case 'silent':
    case 'repaired':
      return colors.silent
    case 'unknown':
      return colors.muted
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

/** Not known yet: an even tint between dotted edges, unlike anything that is known to be missing. */
function veil(context: CanvasRenderingContext2D, area: PlotArea, color: string): void {
  const width = Math.max(2, area.right - area.left)
  context.save()
  context.fillStyle = `${color}22`
  context.fillRect(area.left, area.top, width, area.bottom - area.top)
  context.strokeStyle = `${color}88`
  context.setLineDash([1, 3])
  context.beginPath()
  for (const x of [area.left + 0.5, area.left + width - 0.5]) {
    context.moveTo(x, area.top)
    context.lineTo(x, area.bottom)
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
  context.font = `600 ${FONT}`
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
