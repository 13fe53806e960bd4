import type { Clock } from '../../platform/types.ts'

/** Waits, but not longer than until it is stopped. */
export function pause(
  ms: number,
  { clock, stopped }: { readonly clock: Clock; readonly stopped: AbortSignal },
): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      cancel()
      stopped.removeEventListener('abort', end)
      resolve()
    }
    const cancel = clock.after(ms, end)
    stopped.addEventListener('abort', end)
    if (stopped.aborted) end()
  })
}
