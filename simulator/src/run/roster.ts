import type { StageSpan } from '../scenario/shape.ts'

/** A device (by its place in the order of joining) that joins or leaves, milliseconds after the start. */
export interface RosterChange {
  readonly atMs: number
  readonly device: number
  readonly joins: boolean
}

/**
 * Who joins and leaves when: along each stage's ramp evenly, and no two joins closer than the pace allows, so that a jump of a thousand
 * devices is a second or more of connects. The last to join is the first to leave. In the order of time.
 */
export function rosterOf(
  spans: readonly StageSpan[],
  { connectsPerSecond }: { readonly connectsPerSecond: number },
): RosterChange[] {
  const roster = new RosterWriter(1_000 / connectsPerSecond)
  for (const { startMs, endMs, from, to } of spans) {
    roster.reach(from, () => startMs)
    const present = roster.size
    // A ramp without an end cannot be: without stages, all are there from the start.
    const stepMs = to === present ? 0 : (endMs - startMs) / Math.abs(to - present)
    roster.reach(to, (step) => startMs + step * stepMs)
  }
  return roster.changes.sort((a, b) => a.atMs - b.atMs)
}

class RosterWriter {
  readonly changes: RosterChange[] = []
  readonly #gapMs: number
  /** By device: when it joined or left last. */
  readonly #lastMs: number[] = []
  #nextJoinMs = 0
  size = 0

  constructor(gapMs: number) {
    this.#gapMs = gapMs
  }

  /** Joins or leaves until `target` devices are there; `atMs` of the first, the second … change. */
  reach(target: number, atMs: (step: number) => number): void {
    for (let step = 0; this.size < target; step++) this.#join(atMs(step))
    for (let step = 0; this.size > target; step++) this.#leave(atMs(step))
  }

  #join(wantedMs: number): void {
    const device = this.size++
    const atMs = Math.max(wantedMs, this.#nextJoinMs, this.#lastMs[device] ?? 0)
    this.#nextJoinMs = atMs + this.#gapMs
    this.#put({ atMs, device, joins: true })
  }

  #leave(wantedMs: number): void {
    const device = --this.size
    this.#put({ atMs: Math.max(wantedMs, this.#lastMs[device] ?? 0), device, joins: false })
  }

  #put(change: RosterChange): void {
    this.#lastMs[change.device] = change.atMs
    this.changes.push(change)
  }
}

/** The order of joining: fleets mixed in proportion to their size, so that a part of the devices is a part of each fleet. */
export function mixed<Item>(groups: readonly (readonly Item[])[]): Item[] {
  return groups
    .flatMap((group) => group.map((item, index) => ({ item, key: (index + 0.5) / group.length })))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item)
}
