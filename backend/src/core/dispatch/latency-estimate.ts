/** How long an accepted post takes at the moment, as this execution environment sees it. */
export interface LatencyEstimate {
  /** Milliseconds: the median of a recent batch; undefined when no post was accepted for a while. */
  currentMs(nowMs: number): number | undefined
  /** Takes in the median of a batch's accepted posts. */
  record(medianMs: number, nowMs: number): void
}

const VALID_MS = 5_000
/** Of each batch to the next: one that was slow by chance is forgotten after a few that were not. */
const DECAY = 0.8

/** The middle one, of an even number the greater of the two; undefined of none. */
export function medianOf(values: readonly number[]): number | undefined {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
}

export function createLatencyEstimate(): LatencyEstimate {
  let estimateMs = 0
  let recordedMs = -Infinity
  return {
    currentMs: (nowMs) => (nowMs - recordedMs > VALID_MS ? undefined : estimateMs),
    record(medianMs, nowMs) {
      estimateMs = Math.max(medianMs, estimateMs * DECAY)
      recordedMs = nowMs
    },
  }
}
