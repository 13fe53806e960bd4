/** Where the start speaks. Nothing here throws when the reader has gone (`| head`). */
export interface Terminal {
  /** Results, on stdout. */
  out(text: string): void
  /** Everything for people, on stderr. */
  err(text: string): void
}

const tookText = (ms: number): string =>
  ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`

/** One line of progress: `building the dashboard …` and, when done, how long it took. */
export function progressLine(title: string, tookMs?: number): string {
  return tookMs === undefined ? `  ${title} …\n` : `  ${title}: done in ${tookText(tookMs)}\n`
}

/** A table of two columns, the way `npm start` lists its parts. */
export function partLines(parts: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...parts.map(([name]) => name.length))
  return parts.map(([name, value]) => `  ${name.padEnd(width)}  ${value}\n`).join('')
}
