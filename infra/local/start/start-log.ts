import { appendFileSync, renameSync, statSync } from 'node:fs'
import path from 'node:path'

const MAX_BYTES = 1_000_000

/** The log of earlier starts moves aside once it is long, so that two files of bounded size are the most there ever is. */
function rotate(file: string): void {
  const bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  if (bytes > MAX_BYTES) renameSync(file, `${file}.1`)
}

/** Stacks go to `start.log`, never to the screen. Returns a writer that never throws. */
export function startLog(stateDir: string): (title: string, error: unknown) => void {
  const file = path.join(stateDir, 'start.log')
  rotate(file)
  return (title, error) => {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
    try {
      appendFileSync(file, `${new Date().toISOString()} ${title} ${detail}\n`)
    } catch {
      // A log that cannot be written must not hide the error it was about.
    }
  }
}
