/** What a publisher knows: every reading that it made, and what became of it. The judge of what a screen may show. */
export interface Published {
  /** Epoch ms. */
  readonly ts: number
  /** null = the reading does not carry the metric. */
  readonly values: Readonly<Record<string, number | null>>
  /** Whether it was acknowledged. What was not is a hole. */
  readonly isKept: boolean
}

export interface Ledger {
  readonly readings: readonly Published[]
  /** How often it publishes. A pause of ten times that, and of more than 6 s, is a silence; there are none in between. */
  readonly everyMs: number
}

/** A stretch between two readings of a metric in which something is not there. Epoch ms; infinite at the ends of the ledger. */
export interface TrueHole {
  readonly fromMs: number
  readonly toMs: number
}

export interface TrueReading {
  readonly ts: number
  readonly value: number
}

/** What is true of one metric: its readings in the order of time, and its holes. */
export interface Truth {
  readonly readings: readonly TrueReading[]
  readonly holes: readonly TrueHole[]
}

const LEAST_SILENCE_MS = 6_000

export function truthOf({ readings, everyMs }: Ledger, metric: string): Truth {
  const sorted = [...readings].sort((a, b) => a.ts - b.ts)
  const silenceMs = Math.max(LEAST_SILENCE_MS, everyMs * 10)
  const found: TrueReading[] = []
  const holes: TrueHole[] = []
  let isBroken = true
  let previous: Published | undefined
  for (const reading of sorted) {
    if (previous && reading.ts - previous.ts >= silenceMs) isBroken = true
    previous = reading
    const value = reading.values[metric]
    if (!reading.isKept || value == null) {
      isBroken = true
      continue
    }
    if (isBroken) holes.push({ fromMs: found.at(-1)?.ts ?? -Infinity, toMs: reading.ts })
    found.push({ ts: reading.ts, value })
    isBroken = false
  }
  holes.push({ fromMs: found.at(-1)?.ts ?? -Infinity, toMs: Infinity })
  return { readings: found, holes }
}
