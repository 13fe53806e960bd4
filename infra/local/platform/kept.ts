import type { Disk } from './disk.ts'

/** Where a service keeps things across restarts. */
export interface Kept {
  /** A directory of its own. */
  readonly path: string
  readonly disk: Disk
  /** One line for the person at the terminal: what was kept is not as it was. */
  readonly tell: (line: string) => void
}
