/** How long an accepted post takes at the moment, as this execution environment sees it. */
export interface Tempo {
  /** Milliseconds, the median of a recent batch; undefined when no post was accepted for a while. */
  usualMs(nowMs: number): number | undefined
  /** Notes the median of a batch's accepted posts. */
  note(medianMs: number, nowMs: number): void
}

const KNOWN_FOR_MS = 5_000
/** One batch that was slow by chance is forgotten after a few that were not. */
const FADING = 0.8

export function createTempo(): Tempo {
  let knownMs = 0
  let notedMs = -Infinity
  return {
    usualMs: (nowMs) => (nowMs - notedMs > KNOWN_FOR_MS ? undefined : knownMs),
    note(medianMs, nowMs) {
      knownMs = Math.max(medianMs, knownMs * FADING)
      notedMs = nowMs
    },
  }
}
