const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** A number with its unit: `500ms`, `5s`, `10m`, `1.5h`, `2d`. */
export const durationShape = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/
export const durationRule = 'a duration is a number with ms, s, m, h or d, such as 500ms or 10m'

/** The longest run: Node's timers end a little later. */
export const longestMs = 24 * 86_400_000

/** Milliseconds of `500ms`, `5s`, `10m`, `1.5h` or `2d`; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const match = durationShape.exec(text)
  const factor = units[match?.[2] ?? '']
  return match?.[1] === undefined || factor === undefined ? undefined : Number(match[1]) * factor
}

/** For people: `850 ms`, `12.4 s`, `3 min 20 s`, `2 h 5 min`. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  const seconds = ms / 1_000
  if (seconds < 60) return `${Math.round(seconds * 10) / 10} s`
  const whole = Math.round(seconds)
  if (whole < 3_600) return parts([whole / 60, 'min'], [whole % 60, 's'])
  return parts([whole / 3_600, 'h'], [(whole % 3_600) / 60, 'min'])
}

function parts(...pairs: readonly (readonly [number, string])[]): string {
  return pairs
    .map(([value, unit]) => [Math.floor(value), unit] as const)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(' ')
}
