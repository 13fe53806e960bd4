import { comparePositions, decodePosition, type Position } from '@gaugeline/backend/protocol'

/** Readings after `since` up to and including `until` of one device's stream. */
export interface Span {
  readonly since: Position
  readonly until: Position
}

/**
 * Which parts of one device's stream have been seen, as sorted, separate spans. What lies between two spans is a hole: readings that
 * exist (somebody told us a later position) and that we do not have.
 */
export class Coverage {
  #spans: Span[] = []

  /** The end of the first span: everything up to here is complete, so a resume asks from here. */
  get head(): Position | null {
    return this.#spans[0]?.until ?? null
  }

  /** The last position heard of, holes or not. */
  get last(): Position | null {
    return this.#spans.at(-1)?.until ?? null
  }

  clear(): void {
    this.#spans = []
  }

  /** True when everything in the span has been seen already. */
  has(span: Span): boolean {
    return this.#spans.some(
      (held) =>
        comparePositions(held.since, span.since) <= 0 &&
        comparePositions(held.until, span.until) >= 0,
    )
  }

  add(span: Span): void {
    let { since, until } = span
    if (comparePositions(since, until) > 0) return
    const apart: Span[] = []
    for (const held of this.#spans) {
      const touches =
        comparePositions(held.since, until) <= 0 && comparePositions(since, held.until) <= 0
      if (!touches) apart.push(held)
      else {
        if (comparePositions(held.since, since) < 0) since = held.since
        if (comparePositions(held.until, until) > 0) until = held.until
      }
    }
    this.#spans = [...apart, { since, until }].sort((a, b) => comparePositions(a.since, b.since))
  }

  holes(): Span[] {
    const holes: Span[] = []
    for (let i = 1; i < this.#spans.length; i++) {
      const before = this.#spans[i - 1]
      const after = this.#spans[i]
      if (before && after) holes.push({ since: before.until, until: after.since })
    }
    return holes
  }
}

/** The first hole and those that follow it closely, as one span: one question instead of many, for a little that is held already. */
export function firstHole(holes: readonly Span[], nearMs: number): Span | undefined {
  const [first, ...rest] = holes
  if (!first) return undefined
  let { until } = first
  for (const hole of rest) {
    const apartMs = decodePosition(hole.since).arrivalMs - decodePosition(until).arrivalMs
    if (apartMs > nearMs) break
    until = hole.until
  }
  return { since: first.since, until }
}
