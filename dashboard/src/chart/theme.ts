/** The colours of a canvas, read from the page's tokens once per theme: a canvas cannot use CSS variables. */
export interface ChartColors {
  readonly line: string
  readonly grid: string
  readonly muted: string
  readonly panel: string
  readonly silent: string
  readonly lost: string
  readonly open: string
  readonly note: string
}

/** A minifier makes #fff of #ffffff, to which no two digits of opacity can be put. */
function sixDigits(color: string): string {
  return color.replace(/^#(.)(.)(.)$/, '#$1$1$2$2$3$3')
}

const cache = new Map<string, ChartColors>()

export function chartColors(theme: string, line: number): ChartColors {
  const key = `${theme} ${line}`
  const known = cache.get(key)
  if (known) return known
  const style = getComputedStyle(document.documentElement)
  const token = (name: string): string => sixDigits(style.getPropertyValue(`--${name}`).trim())
  const colors = {
    line: token(`line-${line}`),
    grid: token('grid'),
    muted: token('muted'),
    panel: token('panel'),
    silent: token('stale'),
    lost: token('critical'),
    open: token('warning'),
    note: token('info'),
  }
  cache.set(key, colors)
  return colors
}
