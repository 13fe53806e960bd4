/** Line colours of the page's tokens (`--line-1` …). */
export const LINES = 8

/** Chosen so that the metrics of one kind of machine keep theirs from device to device. */
const preferred: Readonly<Record<string, number>> = {
  temperature: 1,
  humidity: 2,
  pressure: 3,
  flow: 4,
  vibration: 5,
  current: 6,
  speed: 2,
  power: 7,
  energy: 8,
  co2: 5,
  level: 3,
  battery: 8,
}

/**
 * Metric → its line colour, 1 to {@link LINES}, on one page: its own one, or the next that nobody has. Two share one only when there are more
 * metrics than colours.
 */
export function lineColours(metrics: readonly string[]): ReadonlyMap<string, number> {
  const chosen = new Map<string, number>()
  const taken = new Set<number>()
  for (const metric of metrics) {
    if (taken.size === LINES) taken.clear()
    let line = Object.hasOwn(preferred, metric)
      ? (preferred[metric] ?? 1)
      : (hash(metric) % LINES) + 1
    while (taken.has(line)) line = (line % LINES) + 1
    taken.add(line)
    chosen.set(metric, line)
  }
  return chosen
}

function hash(text: string): number {
  let sum = 0
  for (const character of text) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) >>> 0
  return sum
}
