import type { Clock } from '../../platform/types.ts'

/** One line a minute of each kind: who tries again and again shall not fill the terminal. */
const QUIET_MS = 60_000

/** Tells the person at the terminal what the broker refuses or does not carry out, since MQTT 3.1.1 has no words for most of it. */
export type Notices = (kind: string, line: string) => void

/** Says at most one line of a kind in a minute. */
export function createNotices(clock: Clock, tell: (line: string) => void): Notices {
  const quietUntil = new Map<string, number>()
  return (kind, line) => {
    if (clock.monotonic() < (quietUntil.get(kind) ?? 0)) return
    quietUntil.set(kind, clock.monotonic() + QUIET_MS)
    tell(line)
  }
}

/** A client id or topic as it can stand on a terminal: no control characters, not longer than a line. */
export function shown(text: string | null | undefined): string {
  const plain = (text ?? '').replaceAll(
    /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    '?',
  )
  return plain.length > 80 ? `${plain.slice(0, 79)}…` : plain
}
