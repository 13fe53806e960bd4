/** Where the normal values of a metric end, in its unit; undefined = no limit on that side. */
export interface Limits {
  readonly low?: number | undefined
  readonly high?: number | undefined
}

export const noLimits: Limits = {}

/** On which side a value lies beyond its limits; undefined = it does not. */
export function beyond(
  value: number | undefined,
  { low, high }: Limits,
): 'low' | 'high' | undefined {
  if (value === undefined) return undefined
  if (high !== undefined && value > high) return 'high'
  return low !== undefined && value < low ? 'low' : undefined
}

/** The span of the data and the limits together: a limit that one cannot see is none. */
export function withLimits(
  data: { readonly min: number; readonly max: number },
  { low, high }: Limits,
): { readonly min: number; readonly max: number } {
  const known = [low, high].filter((limit) => limit !== undefined)
  return { min: Math.min(data.min, ...known), max: Math.max(data.max, ...known) }
}

const LIMITS = /^([^~]+)~(-?[\d.e+-]*)~(-?[\d.e+-]*)$/

/** As they stand in a URL: `temperature~40~70,pressure~~5` is metric, low, high; what cannot be read is left out. */
export function parseLimits(text: string): Map<string, Limits> {
  const found = new Map<string, Limits>()
  for (const part of text.split(',')) {
    const [, written = '', low, high] = LIMITS.exec(part) ?? []
    const metric = decoded(written)
    const limits = { low: numberOf(low), high: numberOf(high) }
    const hasOne = limits.low !== undefined || limits.high !== undefined
    if (metric !== undefined && hasOne) found.set(metric, limits)
  }
  return found
}

/** The other way round; an empty text without limits. */
export function writeLimits(limits: ReadonlyMap<string, Limits>): string {
  return [...limits]
    .filter(([, { low, high }]) => low !== undefined || high !== undefined)
    .map(([metric, { low = '', high = '' }]) => `${encoded(metric)}~${low}~${high}`)
    .join(',')
}

/** The tilde, which stands between the parts, is none that is encoded by itself. */
function encoded(metric: string): string {
  return encodeURIComponent(metric).replaceAll('~', '%7E')
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined
  const value = Number(text)
  return Number.isFinite(value) ? value : undefined
}
