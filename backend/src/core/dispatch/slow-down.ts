import type { Audiences } from '../fanout/ports.ts'
import type { ErrorSummary } from './error-summary.ts'

/** One write at a time, each with everybody who has come since the one before. */
export function createSlowDown(
  audiences: Pick<Audiences, 'slowDown'>,
  errors: ErrorSummary,
): { add(connectionId: string, untilMs: number): void; done(): Promise<void> } {
  let waiting = new Map<string, number>()
  let writing: Promise<void> | undefined
  const write = async (): Promise<void> => {
    while (waiting.size > 0) {
      const untilMs = waiting
      waiting = new Map()
      await errors.watch('slow-down', audiences.slowDown(untilMs))
    }
    writing = undefined
  }
  return {
    add(connectionId, untilMs) {
      waiting.set(connectionId, untilMs)
      writing ??= write()
    },
    done: async () => writing,
  }
}
