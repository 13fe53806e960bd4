const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}
const shape = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/

/** Milliseconds of `500ms`, `5s`, `10m`, `1.5h` or `2d`; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const match = shape.exec(text)
  const factor = units[match?.[2] ?? '']
  return match?.[1] === undefined || factor === undefined ? undefined : Number(match[1]) * factor
}
