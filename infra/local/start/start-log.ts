import { appendFileSync } from 'node:fs'
import path from 'node:path'

/** Stacks go to `start.log`, never to the screen. Returns a writer that never throws. */
export function startLog(stateDir: string): (title: string, error: unknown) => void {
  const file = path.join(stateDir, 'start.log')
  return (title, error) => {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
    try {
      appendFileSync(file, `${new Date().toISOString()} ${title} ${detail}\n`)
    } catch {
      // A log that cannot be written must not hide the error it was about.
    }
  }
}
