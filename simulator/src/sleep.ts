import { setTimeout as wait } from 'node:timers/promises'

/** Resolves after so many milliseconds, or as soon as `hurry` aborts. */
export function sleep(
  ms: number,
  { hurry }: { readonly hurry?: AbortSignal | undefined } = {},
): Promise<void> {
  return wait(ms, undefined, hurry ? { signal: hurry } : {}).catch(() => undefined)
}
